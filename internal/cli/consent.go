package cli

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/amanah-project/amanah/client"
	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/fault"
)

// consent is what a link by a person's consent needs, whoever asks for it.
type consent struct {
	Credential string `required:"" help:"The relay's credential file, for the platform's name, address and pin; its token and key are not used."`
	Redirect   string `required:"" help:"One of the agreement's redirect URIs."`
	ClientKey  string `required:"" name:"client-key" help:"The partner's client key (JWK), as 'amanah partner draft' made it."`
	Out        string `required:"" help:"File to write the credential to, mode 0600."`
}

func (f consent) read() (app.Platform, ed25519.PrivateKey, error) {
	p, err := app.ReadPlatform(f.Credential)
	if err != nil {
		return p, nil, err
	}
	if _, err := os.Stat(f.Out); err == nil { // before a person is bothered
		return p, nil, fault.New(fault.Conflict, "the file of --out is there already")
	}
	key, err := app.ReadKey(f.ClientKey)
	return p, key, err
}

// returned shows where the person goes and reads where their browser came back to: a
// redirect URI is the app's, so that no listener of ours could take it.
func (c *console) returned(url string) (string, error) {
	fmt.Fprintf(c.out, "open %s\n", url)
	fmt.Fprintln(c.errors, "When the browser is back at the app's address, give that address as one line:")
	line, _ := bufio.NewReader(c.in).ReadString('\n') // a last line needs no end
	if line = strings.TrimSpace(line); line == "" {
		return "", fault.New(fault.Invalid, "no address on standard input")
	}
	return line, nil
}

// attester is the word of the partner's own server for a key of its app.
func attester(key ed25519.PrivateKey, partner uint32) client.Attester {
	return func(_ context.Context, jwk []byte) (string, error) {
		return client.Attest(key, partner, jwk, time.Now(), time.Hour)
	}
}

type deviceLinkCmd struct {
	consent
	Relay string `required:"" help:"URL of the partner's relay."`
}

// Help says who does what.
func (deviceLinkCmd) Help() string {
	return `The device's key is made here, and the partner's client key says that it is the app's:
in an installation that key is on the partner's server. The address that is printed
is for the person's own browser; where the browser came back to is read from
standard input.`
}

// Run links a device by its person's consent.
func (cmd *deviceLinkCmd) Run(c *console) error {
	p, key, err := cmd.read()
	if err != nil {
		return err
	}
	l, err := client.Begin(c.ctx, client.LinkRequest{
		Host: p.Host, Relay: cmd.Relay, Pin: p.Pin, Partner: p.Partner, Redirect: cmd.Redirect, Attest: attester(key, p.Partner),
	}, client.Options{})
	if err != nil {
		return deviceError(err)
	}
	back, err := c.returned(l.URL())
	if err != nil {
		return err
	}
	credential, err := l.Finish(c.ctx, back)
	if err != nil {
		return deviceError(err)
	}
	raw, err := credential.Marshal()
	if err != nil {
		return err
	}
	return app.WriteSecret(cmd.Out, raw)
}

type deviceRenewCmd struct {
	phone
	ClientKey string `required:"" name:"client-key" help:"The partner's client key (JWK)."`
}

// Run gets the next token of a device that was linked by consent.
func (cmd *deviceRenewCmd) Run(c *console) error {
	key, err := app.ReadKey(cmd.ClientKey)
	if err != nil {
		return err
	}
	var next client.Credential
	err = cmd.with(c, func(ctx context.Context, d *client.Device) (err error) {
		next, err = d.Refresh(ctx, attester(key, d.Partner()))
		return err
	})
	if err != nil {
		return err
	}
	raw, err := next.Marshal()
	if err != nil {
		return err
	}
	return app.ReplaceSecret(cmd.Link, raw)
}

type journeyCmd struct {
	Link   journeyLinkCmd   `cmd:"" help:"Ask a person's consent for decisions about their journeys.\n\nExample: amanah journey link --credential relay.json --redirect https://kereta.example/back --client-key keys/client.jwk --out person.json"`
	Decide journeyDecideCmd `cmd:"" help:"Ask whether the person may make one journey: admit or refuse.\n\nExample: amanah journey decide 7f3a91c2 --on 2026-12-01 --link person.json"`
	Renew  journeyRenewCmd  `cmd:"" help:"Get the next token of a link.\n\nExample: amanah journey renew --link person.json --client-key keys/client.jwk"`
	Unlink journeyUnlinkCmd `cmd:"" help:"End a link.\n\nExample: amanah journey unlink --link person.json --client-key keys/client.jwk"`
}

// certificate is what a server's tokens may be bound to.
type certificate struct {
	Cert string `name:"tls-cert" help:"PEM file of the server's own certificate, to which its tokens are bound in place of a key of their own."`
	Key  string `name:"tls-key" help:"PEM file of the certificate's key."`
}

func (f certificate) load() (*tls.Certificate, error) {
	if f.Cert == "" && f.Key == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return nil, fault.New(fault.Invalid, "--tls-cert and --tls-key are PEM files of one certificate and its key")
	}
	return &pair, nil
}

type journeyLinkCmd struct {
	consent
	certificate
}

// Run links a server by a person's consent.
func (cmd *journeyLinkCmd) Run(c *console) error {
	p, key, err := cmd.read()
	if err != nil {
		return err
	}
	own, err := cmd.load()
	if err != nil {
		return err
	}
	l, err := client.BeginServer(c.ctx, client.ServerRequest{
		Host: p.Host, Platform: p.URL, Partner: p.Partner, Redirect: cmd.Redirect,
		Keys: client.ServerKeys{Client: key, Certificate: own},
	}, client.Options{})
	if err != nil {
		return deviceError(err)
	}
	back, err := c.returned(l.URL())
	if err != nil {
		return err
	}
	credential, err := l.Finish(c.ctx, back)
	if err != nil {
		return deviceError(err)
	}
	raw, err := credential.Marshal()
	if err != nil {
		return err
	}
	return app.WriteSecret(cmd.Out, raw)
}

// traveller is one person's link as a partner's server keeps it.
type traveller struct {
	certificate
	Link    string        `required:"" help:"The server's credential for the person, from 'amanah journey link'."`
	Timeout time.Duration `default:"30s" help:"How long to try."`
}

// with opens the link and asks.
func (f traveller) with(c *console, clientKey string, ask func(ctx context.Context, s *client.Server) error) error {
	raw, err := os.ReadFile(f.Link)
	if err != nil {
		return fault.New(fault.Invalid, "the credential file cannot be read")
	}
	credential, err := client.ParseServer(raw)
	if err != nil {
		return fault.Newf(fault.Invalid, "the credential file is not one of 'amanah journey link': %v", err)
	}
	var keys client.ServerKeys
	if keys.Certificate, err = f.load(); err != nil {
		return err
	}
	if clientKey != "" {
		key, err := app.ReadKey(clientKey)
		if err != nil {
			return err
		}
		keys.Client = key
	}
	s, err := client.OpenServer(credential, keys, client.Options{})
	if err != nil {
		return fault.Newf(fault.Invalid, "%v", err)
	}
	ctx, cancel := context.WithTimeout(c.ctx, f.Timeout)
	defer cancel()
	return deviceError(ask(ctx, s))
}

type journeyDecideCmd struct {
	traveller
	Journey  string `arg:"" help:"The partner's own name for the journey, without personal data."`
	On       string `required:"" help:"Its day, YYYY-MM-DD, in Western Indonesian Time." placeholder:"DAY"`
	Category string `default:"transport" help:"Whose policy decides."`
	JSON     bool   `help:"Print JSON."`
}

type decisionRow struct {
	Journey  string `json:"journey"`
	Decision string `json:"decision"`
}

// Run prints the decision.
func (cmd *journeyDecideCmd) Run(c *console) error {
	on, err := time.ParseInLocation(time.DateOnly, cmd.On, time.FixedZone("WIB", 7*60*60))
	if err != nil {
		return fault.New(fault.Invalid, "--on is a day, such as 2026-12-01")
	}
	row := decisionRow{Journey: cmd.Journey}
	err = cmd.with(c, "", func(ctx context.Context, s *client.Server) (err error) {
		row.Decision, err = s.Decide(ctx, client.Journey{Name: cmd.Journey, On: on, Category: cmd.Category})
		return err
	})
	if err != nil {
		return err
	}
	return c.table(cmd.JSON, row, []string{"JOURNEY", "DECISION"}, func(print func(...any)) { print(row.Journey, row.Decision) })
}

type journeyRenewCmd struct {
	traveller
	ClientKey string `required:"" name:"client-key" help:"The partner's client key (JWK)."`
}

// Run replaces the credential by one with the next token.
func (cmd *journeyRenewCmd) Run(c *console) error {
	var next client.ServerCredential
	err := cmd.with(c, cmd.ClientKey, func(ctx context.Context, s *client.Server) (err error) {
		next, err = s.Refresh(ctx)
		return err
	})
	if err != nil {
		return err
	}
	raw, err := next.Marshal()
	if err != nil {
		return err
	}
	return app.ReplaceSecret(cmd.Link, raw)
}

type journeyUnlinkCmd struct {
	traveller
	ClientKey string `required:"" name:"client-key" help:"The partner's client key (JWK)."`
}

// Run ends the link.
func (cmd *journeyUnlinkCmd) Run(c *console) error {
	return cmd.with(c, cmd.ClientKey, func(ctx context.Context, s *client.Server) error { return s.Revoke(ctx) })
}
