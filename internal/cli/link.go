package cli

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/fault"
)

type linkCmd struct {
	Add linkAddCmd `cmd:"" help:"Link a new device to a person, whose NIK is read from standard input.\n\nExample: amanah link add --partner 1 --relay http://127.0.0.1:8080 --out phone.json < nik.txt"`
	End linkEndCmd `cmd:"" help:"End a link; its device's next request is refused.\n\nExample: amanah link end 0123456789abcdef0123456789abcdef"`
}

type linkAddCmd struct {
	settings
	Partner uint32 `required:"" help:"Number of the partner whose app the device runs."`
	Relay   string `required:"" help:"URL of the partner's relay."`
	Out     string `required:"" help:"File to write the device's credential to, mode 0600."`
}

// Run makes the link. The NIK comes by standard input because a command line is
// readable by everybody on the host.
func (cmd *linkAddCmd) Run(c *console) error {
	nik, err := readNIK(bufio.NewReader(c.in))
	if err != nil {
		return err
	}
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		made, err := o.AddLinks(c.ctx, partner.ID(cmd.Partner), cmd.Relay, []identity.NIK{nik})
		if err != nil {
			return err
		}
		raw, err := made[0].Credential.Marshal()
		if err != nil {
			return err
		}
		if err := app.WriteSecret(cmd.Out, raw); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "link %s\n", made[0].Link)
		return nil
	})
}

// readNIK takes one line.
func readNIK(in *bufio.Reader) (identity.NIK, error) {
	line, err := in.ReadString('\n')
	if err != nil && line == "" {
		return identity.NIK{}, fault.New(fault.Invalid, "no NIK on standard input: give it as one line of 16 digits")
	}
	return identity.ParseNIK(strings.TrimRight(line, "\r\n"))
}

type linkEndCmd struct {
	settings
	Link string `arg:"" help:"The link, as 'amanah link add' printed it."`
}

// Run ends the link.
func (cmd *linkEndCmd) Run(c *console) error {
	id, err := identity.ParseLinkID(cmd.Link)
	if err != nil {
		return err
	}
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		return o.EndLink(c.ctx, id)
	})
}
