// Package cli is the command line: `amanah <noun> <verb>`, one file per command.
//
// A command reads its flags, calls what the application offers and prints. It
// holds no logic of its own; whatever prints a table also prints JSON, and an
// exit status says what kind of error it was.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"reflect"
	"syscall"
	"text/tabwriter"

	"github.com/alecthomas/kong"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/fault"
)

// The exit statuses that no kind of error has.
const (
	exitPartly      = 8
	exitNotPassed   = 9
	exitInterrupted = 130
)

// errPartly is the error of work that was done but for a part, which it names.
type errPartly struct{ text string }

func (e *errPartly) Error() string { return e.text }

// errNotPassed is the error of a certification in which cases failed.
type errNotPassed struct{ text string }

func (e *errNotPassed) Error() string { return e.text }

// Exit returns the process's exit status for an error.
func Exit(err error) int {
	if err == nil {
		return 0
	}
	if _, ok := errors.AsType[*errPartly](err); ok {
		return exitPartly
	}
	if _, ok := errors.AsType[*errNotPassed](err); ok {
		return exitNotPassed
	}
	switch fault.KindOf(err) {
	case fault.Invalid:
		return 2
	case fault.NotFound:
		return 3
	case fault.Conflict:
		return 4
	case fault.Denied:
		return 5
	case fault.Busy:
		return 6
	case fault.Unavailable:
		return 7
	}
	return 1
}

const about = `Amanah keeps a country's health records in one place, tells the world only a
colour, proves who looked, and traces any leak to the copy it came from.

Exit status: 0 done, 1 internal error, 2 the input or configuration must change,
3 not found, 4 conflict with what is stored, 5 denied, 6 busy: try again,
7 something needed is not available, 8 done but for rows that were refused,
9 a certification that was not passed, 130 interrupted.`

// commands is the tree of nouns and verbs.
type commands struct {
	Demo     demoCmd     `cmd:"" help:"Run a whole country on this machine: keeper, server, partners, check-ins."`
	Serve    serveCmd    `cmd:"" help:"Run the server."`
	Keeper   keeperCmd   `cmd:"" help:"Run the keeper, which holds the keys; share and recover its root key."`
	Person   personCmd   `cmd:"" help:"Register people."`
	Record   recordCmd   `cmd:"" help:"Enter health records."`
	Guardian guardianCmd `cmd:"" help:"Record who consents for a child."`
	Evidence evidenceCmd `cmd:"" help:"Bring in doses, tests and what else decides a colour."`
	Rules    rulesCmd    `cmd:"" help:"Check and compare the rules of colours."`
	Venue    venueCmd    `cmd:"" help:"Register venues and make their codes."`
	Facility facilityCmd `cmd:"" help:"Register facilities' own systems."`
	Partner  partnerCmd  `cmd:"" help:"Register partners and run a relay."`
	Link     linkCmd     `cmd:"" help:"Link a device to a person."`
	Device   deviceCmd   `cmd:"" help:"Act as a linked device: check in, check out, see one's own colour and visits."`
	Journey  journeyCmd  `cmd:"" help:"Act as a partner's server: ask whether a person who consented may make a journey."`
	Dispute  disputeCmd  `cmd:"" help:"Answer what people contest."`
	Staff    staffCmd    `cmd:"" help:"Invite and enrol who works with records."`
	Transfer transferCmd `cmd:"" help:"Check what facilities send each other."`
	Export   exportCmd   `cmd:"" help:"Let records leave in bulk, by two officers' approval."`
	Leak     leakCmd     `cmd:"" help:"Trace a leak, simulate leaks, and keep the index that a trace needs."`
	Door     doorCmd     `cmd:"" help:"Act as the staff or kiosk of a venue: check tickets, check out, show codes."`
	Ticket   ticketCmd   `cmd:"" help:"Check tickets offline."`
	Day      dayCmd      `cmd:"" help:"Destroy the keys of past days, with a certificate."`
	Log      logCmd      `cmd:"" help:"Check the leaves of the access log."`
	Backup   backupCmd   `cmd:"" help:"Make and verify backups."`
	Restore  restoreCmd  `cmd:"" help:"Make an installation of its newest backup."`
	Check    checkCmd    `cmd:"" help:"Check that every row stored is there, whole, the newest and in its place."`
	Bench    benchCmd    `cmd:"" help:"Measure this machine."`
	Config   configCmd   `cmd:"" help:"Show and check configurations."`
	Version  versionCmd  `cmd:"" help:"Print the version.\n\nExample: amanah version"`
}

// console is what a command may touch of the outside.
type console struct {
	ctx    context.Context
	in     io.Reader
	out    io.Writer
	errors io.Writer
}

var errUsage = fault.New(fault.Invalid, "the command is mistyped")

// Main runs one command and returns the process's exit status.
func Main(args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var tree commands
	status := -1
	parser, err := kong.New(&tree, kong.Name("amanah"), kong.Description(about),
		kong.Writers(out, errOut), kong.Exit(func(code int) { status = code }),
		kong.Configuration(loadTOML), kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}))
	if err != nil {
		fmt.Fprintln(errOut, "amanah:", err)
		return 1
	}
	parsed, err := parser.Parse(args)
	if status >= 0 { // help was printed
		return status
	}
	if err != nil {
		fmt.Fprintf(errOut, "amanah: %v\nTry `amanah --help`.\n", err)
		return Exit(errUsage)
	}
	c := &console{ctx, in, out, errOut}
	if err := parsed.Run(c); err != nil {
		return c.fail(err)
	}
	return 0
}

// until returns a context that also ends with standard input, for children of
// this program that must not outlive it.
func (c *console) until(eof bool) (context.Context, context.CancelFunc) {
	if eof {
		return app.UntilEOF(c.ctx, c.in)
	}
	return context.WithCancel(c.ctx)
}

// fail prints an error as an operator may read it and returns the exit status.
func (c *console) fail(err error) int {
	if errors.Is(err, context.Canceled) && c.ctx.Err() != nil {
		fmt.Fprintln(c.errors, "amanah: interrupted")
		return exitInterrupted
	}
	fmt.Fprintln(c.errors, "amanah:", err)
	return Exit(err)
}

// table prints rows as JSON, or as columns under heads.
func (c *console) table(asJSON bool, rows any, heads []string, cells func(yield func(...any))) error {
	if asJSON {
		if v := reflect.ValueOf(rows); v.Kind() == reflect.Slice && v.IsNil() {
			rows = []int{} // no rows are a list of none
		}
		e := json.NewEncoder(c.out)
		e.SetIndent("", "  ")
		return e.Encode(rows)
	}
	w := tabwriter.NewWriter(c.out, 0, 4, 2, ' ', 0)
	line := func(cells ...any) {
		for i, v := range cells {
			if i > 0 {
				fmt.Fprint(w, "\t")
			}
			fmt.Fprint(w, v)
		}
		fmt.Fprintln(w)
	}
	head := make([]any, len(heads))
	for i, h := range heads {
		head[i] = h
	}
	line(head...)
	cells(line)
	return w.Flush()
}
