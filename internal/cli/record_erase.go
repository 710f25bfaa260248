package cli

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/flow/erasure"
	"github.com/amanah-project/amanah/internal/keeper"
)

type recordEraseCmd struct {
	settings
	Number string `arg:"" name:"number" help:"The approved request's number."`
	Person uint64 `help:"The person's number, as amanah record retention and a certificate have it, instead of a NIK on standard input."`
	JSON   bool   `help:"Print JSON."`
}

// Help says what is left.
func (recordEraseCmd) Help() string {
	return `An officer asks for it at /console/desk and signs with their passkey, and another officer
signs the same; the keeper destroys nothing without both. Who runs the command gives the
NIK again, or the person's number: of anybody else than the approved person it does
nothing.

The person's key is destroyed: nothing sealed to them opens again, and older states of
the keeper's files and its backups open it no more from the date that the certificate
names. A legal hold, and 25 years from the last visit (Permenkes 24/2022), forbid it.
Then what is left of them is removed: their rows, their links, and with the server's next
sweep their documents. Disputes stay, for their numbers have no gaps, and do not open. The
keeper keeps the certificate: run again with the person's number, the command prints it,
and removes what an interruption left.`
}

// erasedRow is a certificate as it is printed.
type erasedRow struct {
	Person     identity.PersonID `json:"person"`
	Reason     string            `json:"reason"`
	At         time.Time         `json:"at"`
	Unreadable time.Time         `json:"backups_unreadable"`
	KeyHash    string            `json:"key_hash"`
	Seq        uint64            `json:"seq"`
	Signature  string            `json:"signature"`
}

func erasedRowOf(done keeper.Erased) erasedRow {
	return erasedRow{
		done.Person, done.Reason, done.At.UTC(), done.Unreadable.UTC(), hex.EncodeToString(done.KeyHash[:]), done.Seq, hex.EncodeToString(done.Signature[:]),
	}
}

// Run erases.
func (cmd *recordEraseCmd) Run(c *console) error {
	id, err := staff.ParseRequestID(cmd.Number)
	if err != nil {
		return err
	}
	whom := erasure.Whom{Person: identity.PersonID(cmd.Person)}
	if whom.Person == 0 {
		if whom.NIK, err = readNIK(bufio.NewReader(c.in)); err != nil {
			return err
		}
	}
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		done, err := o.Erase(c.ctx, id, whom)
		if err != nil {
			return err
		}
		out := erasedRowOf(done)
		return c.table(cmd.JSON, out, []string{"PERSON", "REASON", "ERASED", "BACKUPS UNREADABLE FROM", "KEY HASH"}, func(row func(...any)) {
			row(out.Person, out.Reason, out.At.Format(time.RFC3339), out.Unreadable.Format(time.DateOnly), fmt.Sprintf("%.16s…", out.KeyHash))
		})
	})
}

type recordErasuresCmd struct {
	settings
	JSON bool `name:"json" help:"Print JSON."`
}

type erasureRow struct {
	Number  string            `json:"number"`
	Purpose string            `json:"purpose"`
	Person  identity.PersonID `json:"person"`
	Reason  string            `json:"reason"`
	By      staff.ActorID     `json:"by"`
	Until   string            `json:"until"`
	Signed  []staff.ActorID   `json:"signed"`
}

// Run lists erasures.
func (cmd *recordErasuresCmd) Run(c *console) error {
	return app.Operate(c.ctx, cmd.Config, c.errors, func(o *app.Operator) error {
		all, err := o.Erasures(c.ctx)
		if err != nil {
			return err
		}
		rows := []erasureRow{} // a list that is empty is none, and not null
		for _, p := range all {
			e, err := staff.ParseErasure(p.Body)
			if err != nil {
				return err
			}
			rows = append(rows, erasureRow{p.ID().String(), p.Purpose, e.Person, e.Reason, p.By, p.Until.UTC().Format("2006-01-02T15:04Z"), p.Signed()})
		}
		return c.table(cmd.JSON, rows, []string{"NUMBER", "PURPOSE", "PERSON", "REASON", "ASKED BY", "UNTIL", "SIGNED"}, func(yield func(...any)) {
			for _, r := range rows {
				yield(r.Number, r.Purpose, r.Person, r.Reason, r.By, r.Until, len(r.Signed))
			}
		})
	})
}
