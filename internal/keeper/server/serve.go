package server

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/wire"
)

// ListenOptions say where a keeper answers.
type ListenOptions struct {
	Dir      string  // of serve.sock and admin.sock
	SameUser bool    // answer peers of the keeper's own user: for trials
	Remote   *Remote // other hosts; nil for none
	Log      *slog.Logger
}

// Serve answers on both sockets, and other hosts where they are given, until ctx ends.
func (k *Keeper) Serve(ctx context.Context, opt ListenOptions) error {
	if err := os.MkdirAll(opt.Dir, 0o750); err != nil {
		return err
	}
	var done sync.WaitGroup
	defer done.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done.Go(func() { k.tend(ctx, opt.Log) })
	failed := make(chan error, 3)
	for name, role := range map[string]keeper.Role{"serve.sock": keeper.RoleServe, "admin.sock": keeper.RoleAdmin} {
		path := filepath.Join(opt.Dir, name)
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			return err
		}
		l, err := net.Listen("unix", path)
		if err != nil {
			return err
		}
		if err := os.Chmod(path, 0o660); err != nil {
			return err
		}
		context.AfterFunc(ctx, func() { l.Close() })
		done.Go(func() { failed <- k.accept(ctx, l.(*net.UnixListener), role, opt, &done) })
	}
	if opt.Remote != nil {
		context.AfterFunc(ctx, func() { opt.Remote.Listener.Close() })
		done.Go(func() { failed <- k.acceptRemote(ctx, opt, done.Go) })
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	}
}

// tend does what time asks for, until ctx ends. What fails is due again.
func (k *Keeper) tend(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if err := k.Tend(); err != nil {
			log.Error("what was due could not be done", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (k *Keeper) accept(ctx context.Context, l *net.UnixListener, role keeper.Role, opt ListenOptions, done *sync.WaitGroup) error {
	for {
		c, err := l.AcceptUnix()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if err := admit(c, opt.SameUser); err != nil {
			opt.Log.Warn("a peer was turned away", "error", err)
			c.Close()
			continue
		}
		done.Go(func() {
			stop := context.AfterFunc(ctx, func() { c.Close() })
			defer stop()
			defer c.Close()
			k.converse(c, role)
		})
	}
}

// admit refuses a peer of the keeper's own user, who could read the keeper's
// memory and files as well as ask it.
func admit(c *net.UnixConn, sameUser bool) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var cred *unix.Ucred
	var inner error
	if err := raw.Control(func(fd uintptr) { cred, inner = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil || inner != nil {
		return errors.Join(err, inner)
	}
	if int(cred.Uid) == os.Getuid() && !sameUser {
		return errors.New("the peer runs under the keeper's own user: run the keeper under a user of its own, or give --same-user for a trial")
	}
	return nil
}

func (k *Keeper) converse(c net.Conn, role keeper.Role) {
	s := wire.NewStream(bufio.NewReaderSize(c, 64<<10), c)
	for {
		var r wire.Request
		if err := s.Receive(&r); err != nil {
			return
		}
		a := k.answer(role, &r)
		if err := s.Send(a); err != nil {
			return
		}
	}
}

// changes reports whether a call waits while a backup holds the keeper still. The gate
// does not: what it counts is in no backup.
func changes(c wire.Call) bool { return c != wire.Backup && c != wire.Gate && c != wire.Health }

func (k *Keeper) answer(role keeper.Role, r *wire.Request) *wire.Answer {
	a := &wire.Answer{}
	var err error
	if changes(r.Call) {
		defer k.Changing()()
	}
	switch r.Call {
	case wire.ServiceKeys:
		a.Keys, err = k.ServiceKeys()
	case wire.Index:
		a.Tags, err = k.Index(role, r.Kind, r.Values)
	case wire.Register:
		a.Registered, err = k.registerFor(role, r.N)
	case wire.Write:
		var out []keeper.Written
		out, err = k.people.Write(r.Writes)
		for _, w := range out {
			a.Versions, a.Secrets, a.Faults = append(a.Versions, w.Version), append(a.Secrets, w.Key), append(a.Faults, wire.FaultOf(w.Err))
		}
	case wire.Settle:
		err = k.people.Settle(r.Settled)
	case wire.Read:
		var out []keeper.Opened
		a.Receipt, out, err = k.Read(role, r.Intent, r.Reads)
		a.Open(out)
	case wire.WriteRecords:
		var out []keeper.Entered
		out, err = k.WriteRecords(r.Enters)
		for _, e := range out {
			a.Entered, a.Faults = append(a.Entered, wire.Enter(e)), append(a.Faults, wire.FaultOf(e.Err))
		}
	case wire.SettleRecords:
		err = k.people.SettleRecords(r.Settled)
	case wire.OpenRecords:
		var out []keeper.Opened
		a.Receipt, out, err = k.OpenRecords(r.Ask, r.Reads)
		a.Open(out)
	case wire.PutColours:
		a.Colours, err = k.PutColours(r.Decided)
	case wire.OpenGate:
		a.Gate, a.Chain, err = k.OpenGate()
	case wire.Gate:
		a.Reply, err = k.Gate(role, r.Gate, r.Items)
	default:
		err = k.answerRest(role, r, a)
	}
	a.Fault = wire.FaultOf(err)
	return a
}

func (k *Keeper) answerRest(role keeper.Role, r *wire.Request, a *wire.Answer) (err error) {
	switch r.Call {
	case wire.Pseudonyms:
		a.Names, err = k.Pseudonyms(r.Person, r.Days)
	case wire.OpenEvents:
		a.Events, err = k.OpenEvents(r.Intent, one(r.Days), r.Events)
	case wire.DestroyDay:
		var c keeper.Certificate
		if c, err = k.days.DestroyDay(one(r.Days)); err == nil {
			a.Certificates = []keeper.Certificate{c}
		}
	case wire.Certificates:
		if role != keeper.RoleAdmin {
			return keeper.ErrRole
		}
		a.Certificates, err = k.days.Certificates()
	case wire.ColourVersions:
		a.Current, err = k.people.ColourVersions(r.People)
	case wire.SealNotes:
		a.Notes, err = k.people.SealNotes(r.Notes)
	case wire.OpenNotes:
		a.Notes, err = k.OpenNotes(role, r.Intent, r.Notes)
	case wire.Enrol:
		err = k.Enrol(role, r.Enrols)
	case wire.Actors:
		a.Actors, err = k.Actors()
	case wire.Approve:
		err = k.Approve(r.Ask)
	case wire.Relate:
		err = k.Relate(r.Ask, r.Relates)
	case wire.Use:
		a.Run, err = k.Use(r.Run, r.Proofs)
	case wire.Attest:
		a.Attested, err = k.Attest(role, r.Digest)
	case wire.Erase:
		var c keeper.Erased
		if c, err = k.Erase(role, r.Erase); err == nil {
			a.Erased = []keeper.Erased{c}
		}
	case wire.Erasures:
		if role != keeper.RoleAdmin {
			return keeper.ErrRole
		}
		a.Erased, err = k.people.Erasures()
	case wire.Health:
		a.Health, err = k.Health()
	default:
		err = k.answerChecks(role, r, a)
	}
	return err
}

func (k *Keeper) answerChecks(role keeper.Role, r *wire.Request, a *wire.Answer) (err error) {
	switch r.Call {
	case wire.Heads:
		a.Heads, err = k.people.Heads(role, r.People)
	case wire.CheckColours:
		a.Seals, err = k.CheckColours(role, r.Colours)
	case wire.CheckNotes:
		a.Seals, err = k.people.CheckNotes(role, r.Notes)
	case wire.Backup:
		a.Backup, err = k.Backup(role, r.Backup)
	case wire.Ledger:
		a.Ledger = k.Ledger()
	case wire.MoveLedger:
		a.Ledger, err = k.MoveLedger(role, r.Ledger)
	case wire.OpenExport:
		var out []keeper.Opened
		a.Receipt, out, err = k.OpenExport(r.Export, r.Reads)
		a.Open(out)
	case wire.Seeds:
		a.CopyKeys, err = k.Seeds(r.Export)
	case wire.Deliver:
		a.Delivery, err = k.Deliver(r.Export, r.Digest, r.N)
	case wire.Tags:
		a.Tagged, err = k.Tags(role, r.Tags)
	case wire.Trace:
		a.Trace, err = k.Trace(role, r.Trace)
	case wire.Notices:
		a.Noticed = k.Notices(r.Run, r.N)
	case wire.SignTransfer:
		a.Transfer, err = k.SignTransfer(r.Sending)
	case wire.ReceiveTransfer:
		a.Receipt, err = k.ReceiveTransfer(r.Ask)
	default:
		err = keeper.ErrRole
	}
	return err
}

func one(d []day.Day) day.Day {
	if len(d) != 1 {
		return 0
	}
	return d[0]
}
