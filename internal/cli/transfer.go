package cli

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/verify"
)

type transferCmd struct {
	Key    transferKeyCmd    `cmd:"" help:"Print the public key that statements about transfers are signed by, for facilities to compare.\n\nExample: amanah transfer key"`
	Verify transferVerifyCmd `cmd:"" help:"Say whether a document is the one that a statement is about, offline.\n\nExample: amanah transfer verify bundle.json --statement statement.txt --key 9d61b1…"`
}

type transferKeyCmd struct {
	settings
	JSON bool `help:"Print JSON."`
}

// Run prints the key.
func (cmd *transferKeyCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		key := hex.EncodeToString(o.LogKey())
		if cmd.JSON {
			return json.NewEncoder(c.out).Encode(map[string]string{"key": key})
		}
		_, err := fmt.Fprintln(c.out, key)
		return err
	})
}

type transferVerifyCmd struct {
	Document  string `arg:"" help:"The document, as it was fetched."`
	Statement string `required:"" help:"File with the Transfer-Statement header's value, or its JSON."`
	Key       string `required:"" help:"The platform's key, 64 hexadecimal digits, as amanah transfer key prints it."`
	JSON      bool   `help:"Print the statement as JSON."`
}

// Help says what it does not say.
func (transferVerifyCmd) Help() string {
	return `It asks nobody. Exit status 0: these are the bytes, and the platform signed that this
facility sent them to that one. Status 2: they are not, or it did not.`
}

// Run verifies.
func (cmd *transferVerifyCmd) Run(c *console) error {
	key, err := hex.DecodeString(cmd.Key)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return fault.New(fault.Invalid, "a key has 64 hexadecimal digits")
	}
	raw, err := os.ReadFile(cmd.Statement)
	if err != nil {
		return fault.New(fault.Invalid, "the statement cannot be read")
	}
	raw = bytes.TrimSpace(raw)
	if decoded, err := base64.RawURLEncoding.DecodeString(string(raw)); err == nil {
		raw = decoded
	}
	var t verify.Transfer
	if json.Unmarshal(raw, &t) != nil {
		return fault.New(fault.Invalid, "this is no statement about a transfer")
	}
	doc, err := os.Open(cmd.Document)
	if err != nil {
		return fault.New(fault.Invalid, "the document cannot be read")
	}
	defer doc.Close()
	if err := t.Verify(doc, key); err != nil {
		return fault.New(fault.Invalid, "the document is not the one that was signed for, or another key signed")
	}
	if cmd.JSON {
		return json.NewEncoder(c.out).Encode(t)
	}
	_, err = fmt.Fprintf(c.out, "from %s\nto   %s\nsent %s\n", t.From, t.To, t.Sent.Format("2006-01-02 15:04:05Z07:00"))
	return err
}
