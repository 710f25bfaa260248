package cli

import (
	"os"
	"time"

	"golang.org/x/term"

	"github.com/amanah-project/amanah/internal/demo"
)

type demoCmd struct {
	For    time.Duration `default:"60s" help:"How long people check in; 0s until interrupted."`
	People int           `default:"20000" help:"Synthetic people."`
	Rate   float64       `default:"200" help:"Check-ins a second."`
	Data   string        `help:"Folder, new to demos, to keep the data in; by default it is removed at the end."`
}

// Help says what will be seen.
func (demoCmd) Help() string {
	return `A keeper, a server and three partners' relays run as processes of their own on
loopback; devices of synthetic people check in through the relays at five venues.
At the end, which an interrupt brings about too, it prints what a partner saw of two
answers beside what the two people saw. The exit status is not 0 if anything failed;
that somebody's twelve colours of the day are told is no failure.

Example:
  amanah demo --for 20s --people 5000 --rate 100`
}

// Run runs the demo.
func (cmd *demoCmd) Run(c *console) error {
	f, ok := c.out.(*os.File)
	return demo.Run(c.ctx, demo.Options{
		For: cmd.For, People: cmd.People, Rate: cmd.Rate, Data: cmd.Data, Out: c.out, Terminal: ok && term.IsTerminal(int(f.Fd())),
	})
}
