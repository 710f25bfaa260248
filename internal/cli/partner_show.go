package cli

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/flow/rollout"
)

type partnerShowCmd struct {
	settings
	Partner uint32 `arg:"" help:"Number of the partner."`
	Text    string `help:"Print the terms in force, or the last, for people to read: id or en." placeholder:"LANG"`
	JSON    bool   `help:"Print JSON."`
}

type agreementJSON struct {
	Version          int             `json:"version"`
	Offered          time.Time       `json:"offered"`
	Signature        string          `json:"signature"` // the partner's, a detached JWS over the canonical terms
	Countersigned    *time.Time      `json:"countersigned,omitempty"`
	Countersignature string          `json:"countersignature,omitempty"` // hexadecimal
	Seq              uint64          `json:"seq,omitempty"`              // of the keeper's journal
	Key              string          `json:"key"`                        // thumbprint of the signing key
	Terms            json.RawMessage `json:"terms"`
}

type stepJSON struct {
	Number int       `json:"number"`
	At     time.Time `json:"at"`
	Who    string    `json:"who"`
	From   string    `json:"from"`
	To     string    `json:"to"`
	Stage  int       `json:"stage"`
	Reason string    `json:"reason"`
	Report string    `json:"report,omitempty"` // SHA-256 of the report, hexadecimal
}

type shownJSON struct {
	partnerRow
	Agreements []agreementJSON `json:"agreements"`
	Steps      []stepJSON      `json:"steps"`
}

// Run shows the partner.
func (cmd *partnerShowCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		shown, err := o.Rollout().Show(c.ctx, partner.ID(cmd.Partner))
		if err != nil {
			return err
		}
		if cmd.Text != "" {
			return c.termsText(shown, cmd.Text)
		}
		if cmd.JSON {
			return c.table(true, jsonOf(shown), nil, nil)
		}
		if err := c.partners(false, nil, []rollout.Row{shown.Row}); err != nil {
			return err
		}
		fmt.Fprintln(c.out)
		err = c.table(false, nil, []string{"TERMS", "OFFERED", "COUNTERSIGNED", "SIGNING KEY"}, func(print func(...any)) {
			for _, a := range shown.Agreements {
				print(a.Version, stamp(a.Offered), stamp(a.Countersignature.At), keyOf(a))
			}
		})
		if err != nil {
			return err
		}
		fmt.Fprintln(c.out)
		return c.table(false, nil, []string{"STEP", "AT", "WHO", "FROM", "TO", "STAGE", "REASON"}, func(print func(...any)) {
			for _, s := range shown.Steps {
				print(s.Number, stamp(s.At), s.Who, s.From, s.To, s.Stage, s.Reason)
			}
		})
	})
}

// termsText prints the version in force, or the last when none is.
func (c *console) termsText(shown rollout.Shown, lang string) error {
	at := shown.Terms
	if at == 0 {
		at = len(shown.Agreements)
	}
	if at == 0 {
		return partner.ErrAgreement
	}
	terms, err := partner.ParseTerms(shown.Agreements[at-1].Terms)
	if err != nil {
		return err
	}
	text, err := terms.Text(lang)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(c.out, text)
	return err
}

func stamp(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return at.UTC().Format(time.RFC3339)
}

func keyOf(a partner.Agreement) string {
	t, err := partner.ParseTerms(a.Terms)
	if err != nil {
		return "-"
	}
	return thumbprintOf(t.Keys.Sign)
}

func jsonOf(shown rollout.Shown) shownJSON {
	out := shownJSON{partnerRowOf(shown.Row), []agreementJSON{}, []stepJSON{}}
	for _, a := range shown.Agreements {
		j := agreementJSON{Version: a.Version, Offered: a.Offered.UTC(), Signature: a.Signature, Key: keyOf(a), Terms: a.Terms}
		if c := a.Countersignature; !c.At.IsZero() {
			at := c.At.UTC()
			j.Countersigned, j.Seq, j.Countersignature = &at, c.Seq, hex.EncodeToString(c.Signature[:])
		}
		out.Agreements = append(out.Agreements, j)
	}
	for _, s := range shown.Steps {
		j := stepJSON{s.Number, s.At.UTC(), s.Who, s.From.String(), s.To.String(), s.Stage, s.Reason, ""}
		if s.Report != (partner.Report{}) {
			j.Report = hex.EncodeToString(s.Report.Digest[:])
		}
		out.Steps = append(out.Steps, j)
	}
	return out
}
