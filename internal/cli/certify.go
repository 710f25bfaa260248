package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/amanah-project/amanah/client/certify"
	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/fault"
)

type partnerExamineCmd struct {
	Setup       string           `required:"" help:"Folder for the harness's keys and the files for the relay; made on the first run."`
	Credential  string           `help:"The relay's real credential file, whose key and partner a new setup takes."`
	Key         string           `help:"Thumbprint of the key that the relay keeps, as in its agreement, for a new setup with --partner."`
	Partner     uint32           `help:"Number of the partner, for a new setup; without --key it makes one."`
	Relay       string           `help:"URL of the relay; without it its cases are not run."`
	Certificate string           `help:"SHA-256, base64url, of the certificate that the relay shows, as in its agreement."`
	Listen      string           `default:"127.0.0.1:9443" help:"Address of the stand-in platform."`
	Platform    string           `help:"URL by which the relay reaches it, when that is not https:// and --listen."`
	Client      string           `help:"Command of the app, split at spaces; without it its cases are not run."`
	Report      string           `required:"" help:"File to write the report to."`
	Markdown    string           `help:"File to write the report to for people."`
	Language    certify.Language `default:"id" enum:"id,en" help:"Language of --markdown."`
	Quiet       time.Duration    `default:"30s" help:"How long to watch for messages that come again."`
	Bound       time.Duration    `default:"30s" help:"How long a relay may take to pass a time-out on."`
	Wait        time.Duration    `default:"2m" help:"How long to wait for the relay."`
	Patience    time.Duration    `default:"5s" help:"Time-out that the app is told."`
}

// Run runs the cases, a line each, and writes the report.
func (cmd *partnerExamineCmd) Run(c *console) error {
	n, of := 0, len(certify.List())
	opt := app.CertifyOptions{
		Options: certify.Options{
			Relay: cmd.Relay, Client: strings.Fields(cmd.Client), Certificate: cmd.Certificate,
			Quiet: cmd.Quiet, Bound: cmd.Bound, Wait: cmd.Wait, Patience: cmd.Patience,
			Progress: func(_ certify.Case, r certify.Result) {
				n++
				fmt.Fprintf(c.errors, "%2d/%d  %-14s  %-28s  %s\n", n, of, r.Verdict, r.ID, r.Evidence)
			},
		},
		Setup: cmd.Setup, Partner: cmd.Partner, Credential: cmd.Credential, Key: cmd.Key, Listen: cmd.Listen, Platform: cmd.Platform,
		Report: cmd.Report, Markdown: cmd.Markdown, Language: cmd.Language,
		Say: func(text string) { fmt.Fprintln(c.errors, text) },
	}
	for name, d := range map[string]time.Duration{"quiet": cmd.Quiet, "bound": cmd.Bound, "wait": cmd.Wait, "patience": cmd.Patience} {
		if d <= 0 {
			return fault.Newf(fault.Invalid, "--%s is a time above 0", name)
		}
	}
	report, err := app.Certify(c.ctx, opt)
	if err != nil {
		return err
	}
	count := map[certify.Verdict]int{}
	for _, r := range report.Cases {
		count[r.Verdict]++
	}
	fmt.Fprintf(c.out, "%d passed, %d failed, %d not applicable, %d not run\nreport %s\n",
		count[certify.Passed], count[certify.Failed], count[certify.NotApplicable], count[certify.NotRun], report.Digest)
	if !report.Passed {
		return &errNotPassed{"the certification is not passed: the report names each case"}
	}
	return nil
}
