package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/domain/partner"
)

type partnerCmd struct {
	Draft       partnerDraftCmd       `cmd:"" help:"Make a partner's keys, and terms to begin from.\n\nExample: amanah partner draft 'Toko Maya' --number 3 --keys keys > terms.json"`
	Terms       partnerTermsCmd       `cmd:"" help:"Check terms, or write them for people to read."`
	Sign        partnerSignCmd        `cmd:"" help:"Sign terms for the partner.\n\nExample: amanah partner sign terms.json --key keys/sign.jwk > terms.jws"`
	Apply       partnerApplyCmd       `cmd:"" help:"Offer signed terms: an application, or a later version.\n\nExample: amanah partner apply terms.json --signature terms.jws --platform https://health.example.id"`
	Countersign partnerCountersignCmd `cmd:"" help:"Sign a version of a partner's terms for the platform.\n\nExample: amanah partner countersign 3 --key=NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"`
	Credential  partnerCredentialCmd  `cmd:"" help:"Make the credential of a partner's relay.\n\nExample: amanah partner credential 3 --platform https://health.example.id --out relay.json"`
	Certify     partnerCertifyCmd     `cmd:"" help:"Take the report of a certification.\n\nExample: amanah partner certify 3 --report report.json"`
	Promote     partnerPromoteCmd     `cmd:"" help:"Lead a partner one step up: into the sandbox, live, or to the next stage.\n\nExample: amanah partner promote 3"`
	Suspend     partnerSuspendCmd     `cmd:"" help:"Stop serving a partner, everywhere within five seconds.\n\nExample: amanah partner suspend 2 --reason 'its relay was taken over'"`
	Resume      partnerResumeCmd      `cmd:"" help:"Serve a suspended partner again, as before.\n\nExample: amanah partner resume 2"`
	End         partnerEndCmd         `cmd:"" help:"End a partner for good.\n\nExample: amanah partner end 2 --reason 'it closed its app'"`
	Standing    partnerStandingCmd    `cmd:"" help:"Ask the platform where one's own partner stands, by its relay's credential.\n\nExample: amanah partner standing --credential relay.json --key keys/relay.jwk"`
	List        partnerListCmd        `cmd:"" help:"List partners.\n\nExample: amanah partner list --json"`
	Show        partnerShowCmd        `cmd:"" help:"Show one partner: agreements, steps, and its terms for people to read.\n\nExample: amanah partner show 3 --text en"`
	Add         partnerAddCmd         `cmd:"" help:"Make a partner of one's own for a trial, in the sandbox, with its keys and agreement.\n\nExample: amanah partner add 'Toko Maya' --platform https://health.example.id --out toko.json"`
	Examine     partnerExamineCmd     `cmd:"" help:"Run the published cases of certification against a relay and an app.\n\nExample: amanah partner examine --setup certify --credential toko.json --relay https://relay.toko.example --client 'amanah device' --report report.json"`
	Relay       partnerRelayCmd       `cmd:"" help:"Run a partner's relay.\n\nExample: amanah partner relay --credential toko.json --listen 127.0.0.1:8080"`
}

type partnerDraftCmd struct {
	Name   string `arg:"" help:"Name as people know it."`
	Number uint32 `required:"" help:"The next free number, as the platform told it."`
	Keys   string `required:"" help:"Folder for sign.jwk, relay.jwk and client.jwk, mode 0600."`
}

// Run writes the keys and prints the terms.
func (cmd *partnerDraftCmd) Run(c *console) error {
	if err := os.MkdirAll(cmd.Keys, 0o700); err != nil {
		return err
	}
	terms, err := app.DraftPartner(cmd.Keys, partner.ID(cmd.Number), cmd.Name)
	if err != nil {
		return err
	}
	e := json.NewEncoder(c.out)
	e.SetIndent("", "  ")
	return e.Encode(terms)
}

type partnerTermsCmd struct {
	Check partnerTermsCheckCmd `cmd:"" help:"Say whether terms could be agreed to, or which field is wrong.\n\nExample: amanah partner terms check terms.json"`
	Text  partnerTermsTextCmd  `cmd:"" help:"Write terms for people to read.\n\nExample: amanah partner terms text terms.json --lang en"`
}

type partnerTermsCheckCmd struct {
	File string `arg:"" help:"The terms."`
	JSON bool   `help:"Print JSON."`
}

type termsRow struct {
	Partner uint32 `json:"partner"`
	Version int    `json:"version"`
	Name    string `json:"name"`
	Sign    string `json:"sign"` // thumbprints, as an operator confirms them
	Relay   string `json:"relay"`
}

// Run checks the terms and prints their keys' thumbprints.
func (cmd *partnerTermsCheckCmd) Run(c *console) error {
	t, err := app.ReadTerms(cmd.File)
	if err != nil {
		return err
	}
	row := termsRow{uint32(t.Partner), t.Version, t.Name, thumbprintOf(t.Keys.Sign), thumbprintOf(t.Keys.Relay)}
	return c.table(cmd.JSON, row, []string{"PARTNER", "VERSION", "NAME", "SIGNING KEY", "RELAY'S KEY"}, func(print func(...any)) {
		print(row.Partner, row.Version, row.Name, row.Sign, row.Relay)
	})
}

type partnerTermsTextCmd struct {
	File string `arg:"" help:"The terms."`
	Lang string `default:"id" help:"id or en."`
}

// Run writes the text.
func (cmd *partnerTermsTextCmd) Run(c *console) error {
	t, err := app.ReadTerms(cmd.File)
	if err != nil {
		return err
	}
	text, err := t.Text(cmd.Lang)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(c.out, text)
	return err
}

type partnerSignCmd struct {
	File string `arg:"" help:"The terms."`
	Key  string `required:"" help:"The private key (JWK): the terms' own, or for a later version the one before."`
}

// Run prints the detached signature.
func (cmd *partnerSignCmd) Run(c *console) error {
	t, err := app.ReadTerms(cmd.File)
	if err != nil {
		return err
	}
	key, err := app.ReadKey(cmd.Key)
	if err != nil {
		return err
	}
	signature, err := app.SignTerms(t, key)
	if err != nil {
		return err
	}
	fmt.Fprintln(c.out, signature)
	return nil
}

type partnerAddCmd struct {
	settings
	Name     string `arg:"" help:"Name as people know it."`
	Platform string `required:"" help:"URL by which the relay reaches the platform."`
	Out      string `required:"" help:"File to write the relay's credential to, mode 0600."`
	SignKey  string `name:"sign-key" help:"File to write the key to that signs the partner's next terms; without it nobody has that key."`
}

// Help says what a trial is.
func (partnerAddCmd) Help() string {
	return `The partner stands in the sandbox, where it is served for synthetic people only, and
leaves it as every other does: by a certification's report.`
}

// Run makes the partner.
func (cmd *partnerAddCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		p, credential, sign, err := o.AddTrial(c.ctx, cmd.Name, cmd.Platform)
		if err != nil {
			return err
		}
		raw, err := credential.Marshal()
		if err != nil {
			return err
		}
		if err := app.WriteSecret(cmd.Out, raw); err != nil {
			return err
		}
		if cmd.SignKey != "" {
			if err := app.WriteKey(cmd.SignKey, sign); err != nil {
				return err
			}
		}
		fmt.Fprintf(c.out, "partner %s\n", p.ID)
		return nil
	})
}

type partnerRelayCmd struct {
	Credential string        `required:"" help:"The relay's credential file."`
	Key        string        `help:"The relay's private key (JWK), when the credential holds none."`
	Listen     string        `default:"127.0.0.1:8080" help:"Address to listen on."`
	TLSCert    string        `name:"tls-cert" help:"PEM file of the certificate chain."`
	TLSKey     string        `name:"tls-key" help:"PEM file of the certificate's key."`
	Timeout    time.Duration `default:"20s" help:"How long the platform may take to answer a message."`
	UntilEOF   bool          `name:"until-eof" hidden:"" help:"End when standard input ends."`
}

// Run relays until it is interrupted.
func (cmd *partnerRelayCmd) Run(c *console) error {
	ctx, cancel := c.until(cmd.UntilEOF)
	defer cancel()
	return app.RunRelay(ctx, app.RelayOptions{
		Credential: cmd.Credential, PrivateKey: cmd.Key, Listen: cmd.Listen, Cert: cmd.TLSCert, Key: cmd.TLSKey, Timeout: cmd.Timeout, Log: c.errors,
	})
}
