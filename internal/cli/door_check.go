package cli

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/amanah-project/amanah/client"
	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/fault"
)

type doorCheckCmd struct {
	post
	Door   uint16        `default:"1" help:"Number of the door."`
	Kit    string        `help:"Kit of 'amanah door kit': nobody is asked."`
	List   string        `help:"File to which passes that are admitted are added, for 'amanah door seen'."`
	MaxAge time.Duration `name:"max-age" help:"Refuse passes older than this; without it all that are good."`
}

type ticketAnswer struct {
	Decision   string    `json:"decision"`
	Serial     string    `json:"serial"`
	Party      uint16    `json:"party"`
	Expires    time.Time `json:"expires_at"`
	Pass       bool      `json:"pass"`        // fetched beforehand
	AgeMinutes int       `json:"age_minutes"` // of what is known about the party
}

// Run checks one presentation.
func (cmd *doorCheckCmd) Run(c *console) error {
	raw, err := io.ReadAll(io.LimitReader(c.in, 4096))
	if err != nil {
		return err
	}
	check := func(ctx context.Context, d *client.Door) error {
		a, err := cmd.check(ctx, d, strings.TrimSpace(string(raw)))
		if err != nil {
			return err
		}
		return c.table(cmd.JSON, a, []string{"DECISION", "SERIAL", "PARTY", "EXPIRES", "AGE"}, func(row func(...any)) {
			row(a.Decision, a.Serial, a.Party, a.Expires.UTC().Format(time.RFC3339), (time.Duration(a.AgeMinutes) * time.Minute).String())
		})
	}
	if cmd.Kit == "" {
		return cmd.do(c, check)
	}
	d, err := cmd.offline()
	if err != nil {
		return err
	}
	return check(c.ctx, d)
}

// offline opens a door that asks nobody.
func (cmd *doorCheckCmd) offline() (*client.Door, error) {
	credential, err := cmd.credential()
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(cmd.Kit)
	if err != nil {
		return nil, fault.New(fault.Invalid, "the kit cannot be read")
	}
	var k client.Kit
	if err := json.Unmarshal(raw, &k); err != nil {
		return nil, fault.New(fault.Invalid, "the kit is not one of 'amanah door kit'")
	}
	d, err := client.OpenDoorKit(credential, k, client.Options{})
	if err != nil {
		return nil, fault.Newf(fault.Invalid, "the kit: %v", err)
	}
	return d, nil
}

func (cmd *doorCheckCmd) check(ctx context.Context, d *client.Door, screen string) (ticketAnswer, error) {
	if client.IsPass(screen) {
		return cmd.pass(ctx, d, screen)
	}
	t, err := d.Check(screen, cmd.Door)
	if err != nil {
		return ticketAnswer{}, app.RefuseTicket(err)
	}
	return ticketAnswer{t.Decision.String(), hex.EncodeToString(t.Serial[:]), t.Party, t.Expires, false, int(t.Age(time.Now()).Minutes())}, nil
}

// pass checks a pass and keeps it before anybody is admitted by it.
func (cmd *doorCheckCmd) pass(ctx context.Context, d *client.Door, screen string) (ticketAnswer, error) {
	if cmd.List == "" {
		return ticketAnswer{}, fault.New(fault.Invalid, "this is a pass: name a --list, from which 'amanah door seen' reports it")
	}
	list := app.OpenAdmitted(cmd.List)
	before, err := list.All()
	if err != nil {
		return ticketAnswer{}, err
	}
	if cmd.Kit == "" {
		if _, err := d.Kit(ctx); err != nil {
			return ticketAnswer{}, err
		}
	}
	for _, a := range before {
		d.Remember(a.Screen)
	}
	p, err := d.CheckPass(screen, cmd.MaxAge)
	if err != nil {
		return ticketAnswer{}, app.RefuseTicket(err)
	}
	if err := list.Add(client.Admitted{Door: cmd.Door, Screen: screen}); err != nil {
		return ticketAnswer{}, err
	}
	return ticketAnswer{p.Decision.String(), hex.EncodeToString(p.Serial[:]), p.Party, p.Expires, true, int(p.Age(time.Now()).Minutes())}, nil
}

type doorKitCmd struct {
	post
	Out string `required:"" help:"File to write it to; an older one is replaced."`
}

// Run fetches the kit.
func (cmd *doorKitCmd) Run(c *console) error {
	var k client.Kit
	if err := cmd.do(c, func(ctx context.Context, d *client.Door) (err error) {
		k, err = d.Kit(ctx)
		return err
	}); err != nil {
		return err
	}
	raw, err := json.Marshal(k)
	if err != nil {
		return err
	}
	if err := app.ReplaceFile(cmd.Out, raw); err != nil {
		return err
	}
	return c.table(cmd.JSON, struct {
		Category string `json:"category"`
		Level    uint8  `json:"level"`
	}{k.Category, k.Level}, []string{"CATEGORY", "LEVEL"}, func(row func(...any)) { row(k.Category, k.Level) })
}

type doorSeenCmd struct {
	post
	List string `required:"" help:"The list that 'amanah door check' added to."`
}

type seenRow struct {
	Door uint16 `json:"door"`
	client.Reported
}

// Run reports what waits. Of an answer that was lost nothing is lost: it is reported
// again.
func (cmd *doorSeenCmd) Run(c *console) error {
	list := app.OpenAdmitted(cmd.List)
	waiting, end, err := list.Waiting()
	if err != nil {
		return err
	}
	var became []client.Reported
	asked := cmd.do(c, func(ctx context.Context, d *client.Door) (err error) {
		became, err = d.Report(ctx, waiting)
		return err
	})
	rows, refused := make([]seenRow, len(became)), 0
	var again []client.Admitted
	for i, r := range became {
		rows[i] = seenRow{waiting[i].Door, r}
		if r.Result == "refused" {
			refused++
		}
		if !r.Settled() {
			again = append(again, waiting[i])
		}
	}
	if asked == nil {
		if err := list.Settle(end, again); err != nil {
			return err
		}
	}
	err = c.table(cmd.JSON, rows, []string{"DOOR", "RESULT", "CODE", "TEXT"}, func(row func(...any)) {
		for _, r := range rows {
			row(r.Door, r.Result, r.Code, r.Text)
		}
	})
	if asked == nil && refused > 0 {
		asked = fault.Newf(fault.Conflict, "%d of %d passes were refused: see their lines", refused, len(rows))
	}
	return errors.Join(asked, err)
}
