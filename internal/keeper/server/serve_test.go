package server

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/client"
	"github.com/amanah-project/amanah/internal/keeper/days"
	"github.com/amanah-project/amanah/internal/keeper/wire"
)

// served is a keeper that answers on sockets.
type served struct {
	*Keeper
	c     *clock
	dir   string
	serve *client.Client
	admin *client.Client
	stop  func() // and wait until it has ended
}

func listen(t *testing.T, d *durabletest.Disk, c *clock, dir string, same bool) *served {
	t.Helper()
	return serveOn(t, start(t, d, c), c, dir, same)
}

func serveOn(t testing.TB, k *Keeper, c *clock, dir string, same bool) *served {
	t.Helper()
	s := &served{Keeper: k, c: c, dir: dir}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- s.Serve(ctx, ListenOptions{Dir: dir, SameUser: same, Log: slog.New(slog.DiscardHandler)})
	}()
	ended := false
	s.stop = func() {
		if ended {
			return
		}
		ended = true
		cancel()
		if err := errors.Join(<-done, s.Close()); err != nil {
			t.Errorf("the keeper ended: %v", err)
		}
	}
	t.Cleanup(s.stop)
	s.serve, s.admin = client.New(filepath.Join(dir, "serve.sock")), client.New(filepath.Join(dir, "admin.sock"))
	for end := time.Now().Add(5 * time.Second); same; time.Sleep(time.Millisecond) {
		_, err1 := s.serve.Health(t.Context())
		_, err2 := s.admin.Health(t.Context())
		if err1 == nil && err2 == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the keeper does not answer: %v %v", err1, err2)
		}
	}
	return s
}

func TestEveryCallOverTheSocket(t *testing.T) {
	c := newClock()
	s := listen(t, durabletest.New(1), c, t.TempDir(), true)
	ctx := t.Context()
	people, err := s.admin.Register(ctx, 2)
	if err != nil || len(people) != 2 || len(people[1].Key) != 32 {
		t.Fatalf("register: %v %v", people, err)
	}
	have, none := person1(), keeper.Write{Person: 9}
	out, err := s.serve.Write(ctx, []keeper.Write{{Person: 1, Record: 2, Have: have}, none, {Person: 2, Record: 2}})
	if err != nil || len(out[0].Key) != 32 || !errors.Is(out[1].Err, keeper.ErrPerson) || !errors.Is(out[2].Err, keeper.ErrHead) {
		t.Fatalf("write: %v %v", out, err)
	}
	have = after(have, 2, out[0].Version)
	if err := s.serve.Settle(ctx, []keeper.Settled{{Person: 1, Version: out[0].Version}}); err != nil {
		t.Fatal(err)
	}
	receipt, opened, err := s.serve.Read(ctx, importerOf(keeper.BudgetSelf), []keeper.Read{
		{Person: 1, Have: have, Want: have}, {Person: 1, Have: person1()}, {Person: 9},
	})
	if err != nil || !receipt.Holds(logPublic(s.Keeper)) {
		t.Fatalf("read: %+v %v", receipt, err)
	}
	if o := opened[0]; o.Err != nil || o.Behind || !slices.Equal(o.Keys[0], people[0].Key) || !slices.Equal(o.Keys[1], out[0].Key) {
		t.Errorf("read: %v", o.Err)
	}
	wants(t, "a rolled-back read", opened[1].Err, keeper.ErrHead)
	wants(t, "a stranger's read", opened[2].Err, keeper.ErrPerson)
	s.recordCalls(t)
	tags, err := s.serve.Index(ctx, keeper.KindNIK, [][]byte{[]byte("x"), []byte("y")})
	direct, _ := s.Index(keeper.RoleAdmin, keeper.KindNIK, [][]byte{[]byte("x"), []byte("y")})
	if err != nil || !slices.Equal(tags, direct) {
		t.Errorf("index: %v %v", tags, err)
	}
	keys, err := s.serve.ServiceKeys(ctx)
	want, _ := s.ServiceKeys()
	if err != nil || keys.Log != [32]byte(logPublic(s.Keeper)) || keys.Pin != want.Pin || len(keys.OHTTP) != 2 || !slices.Equal(keys.Token[0].Key, want.Token[0].Key) {
		t.Errorf("service keys: %v", err)
	}
	if h, err := s.serve.Health(ctx); err != nil || h.People != 2 || h.Intents != 2 {
		t.Errorf("health: %+v %v", h, err)
	}
	s.gateCalls(t)
	s.eraseCalls(t)
}

func (s *served) eraseCalls(t *testing.T) {
	t.Helper()
	one, two := office(t, s.Keeper)
	asked := erasing(t, one, two, 1)
	_, err := s.serve.Erase(t.Context(), asked)
	wants(t, "the server erases", err, keeper.ErrRole)
	forged := asked
	forged.Approvals = asked.Approvals[:1]
	_, err = s.admin.Erase(t.Context(), forged)
	wants(t, "the operator alone erases", err, keeper.ErrErase)
	_, err = s.serve.Erasures(t.Context())
	wants(t, "the server lists the erased", err, keeper.ErrRole)
	cert, err := s.admin.Erase(t.Context(), asked)
	all, err2 := s.admin.Erasures(t.Context())
	if err != nil || err2 != nil || !cert.Holds(logPublic(s.Keeper)) || len(all) != 1 || !all[0].Holds(logPublic(s.Keeper)) {
		t.Errorf("erase: %+v %v, listed %+v %v", cert, err, all, err2)
	}
	_, err = s.serve.SealNotes(t.Context(), []keeper.Note{{Person: 1}})
	wants(t, "a note to the erased", err, keeper.ErrErased)
}

// recordCalls enters and opens health records of person 2.
func (s *served) recordCalls(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	out, err := s.serve.WriteRecords(ctx, []keeper.Enter{enter(2, nil, keeper.FirstRecord, keeper.FirstRecord+7), enter(9, nil, keeper.FirstRecord), enter(2, nil, keeper.FirstRecord)})
	if err != nil || len(out) != 3 || len(out[0].Keys) != 2 || len(out[0].Keys[1]) != 32 ||
		!errors.Is(out[1].Err, keeper.ErrPerson) || !errors.Is(out[2].Err, keeper.ErrWriting) {
		t.Fatalf("write records: %v %v", out, err)
	}
	if err := s.serve.SettleRecords(ctx, []keeper.Settled{{Person: 2, Version: out[0].Version}}); err != nil {
		t.Fatal(err)
	}
	have := with(nil, []keeper.Record{keeper.FirstRecord, keeper.FirstRecord + 7}, out[0].Version)
	_, opened, err := s.serve.Read(ctx, importerOf(keeper.BudgetSelf), []keeper.Read{{Person: 2, Have: have, Want: have[1:]}, {Person: 2, Records: true}})
	if err != nil || len(opened[0].Keys) != 1 || !slices.Equal(opened[0].Keys[0], out[0].Keys[1]) || !errors.Is(opened[1].Err, keeper.ErrHead) {
		t.Fatalf("read records: %v %v", opened, err)
	}
}

// gateCalls asks the calls of the gate and of its days.
func (s *served) gateCalls(t *testing.T) {
	t.Helper()
	ctx, today := t.Context(), s.c.today()
	rows, err := s.serve.PutColours(ctx, []keeper.Decided{{Person: 2, Timeline: timeline(6)}})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := s.serve.ColourVersions(ctx, personIDs(1, 2)); err != nil || !slices.Equal(v, []uint32{0, 1}) {
		t.Errorf("colour versions: %v %v", v, err)
	}
	gate, chain, err := s.serve.OpenGate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := s.serve.Gate(ctx, gate, []keeper.GateItem{{Event: [16]byte{1}, Colour: rows[0], Asks: true, Detail: []byte("d"), Instant: s.c.now()}})
	if err != nil || reply.Leaf.Prev != chain || reply.Leaf.Check(logPublic(s.Keeper)) != nil || reply.Results[0].Timeline != timeline(6) || reply.Results[0].Left != 11 {
		t.Fatalf("gate: %+v %v", reply.Results, err)
	}
	if names, err := s.serve.Pseudonyms(ctx, 2, []day.Day{today}); err != nil || names[0] != reply.Results[0].Who {
		t.Errorf("pseudonyms: %v %v", names, err)
	}
	e := reply.Leaf.Events[0]
	events, err := s.serve.OpenEvents(ctx, importerOf(keeper.BudgetSelf), today, []keeper.SealedEvent{{ID: e.ID, Sealed: e.Sealed}})
	if d := cmp.Diff([]keeper.Event{{Person: 2, Timeline: timeline(6), Detail: []byte("d")}}, events); d != "" || err != nil {
		t.Errorf("events: %v %s", err, d)
	}
	_, err = s.serve.DestroyDay(ctx, today)
	if err == nil || err.Error() != days.ErrYoung.Error() {
		t.Errorf("today's key: %v", err)
	}
	s.c.pass(31 * 24 * time.Hour)
	cert, err := s.serve.DestroyDay(ctx, today) // the server's own job
	if err != nil || !cert.Holds(logPublic(s.Keeper)) {
		t.Fatalf("destroy: %+v %v", cert, err)
	}
	all, err := s.admin.Certificates(ctx)
	if err != nil || len(all) != 1 || !all[0].Holds(logPublic(s.Keeper)) || all[0].KeyHash != cert.KeyHash {
		t.Errorf("certificates: %+v %v", all, err)
	}
}

func TestTheServersSocketMayNotAskAll(t *testing.T) {
	s := listen(t, durabletest.New(1), newClock(), t.TempDir(), true)
	ctx := t.Context()
	if _, err := s.admin.Register(ctx, 1); err != nil {
		t.Fatal(err)
	}
	_, err := s.serve.Register(ctx, 101)
	wants(t, "register many", err, keeper.ErrBudget)
	_, err = s.serve.Certificates(ctx)
	wants(t, "certificates", err, keeper.ErrRole)
	_, _, err = s.serve.Read(ctx, importer(), []keeper.Read{{Person: 1, Have: person1()}})
	wants(t, "an import", err, keeper.ErrRole)
	digest := [32]byte{7}
	_, err = s.serve.Attest(ctx, digest)
	wants(t, "an agreement's signature", err, keeper.ErrRole)
	c, err := s.admin.Attest(ctx, digest)
	if err != nil || c.Seq == 0 || !ed25519.Verify(logPublic(s.Keeper), c.Bytes(digest), c.Signature[:]) || ed25519.Verify(logPublic(s.Keeper), c.Bytes([32]byte{8}), c.Signature[:]) {
		t.Errorf("the operator's agreement: %+v %v", c, err)
	}
	if _, _, err = s.admin.Read(ctx, importer(), []keeper.Read{{Person: 1, Have: person1()}}); err != nil {
		t.Errorf("the operator's import: %v", err)
	}
	if h, _ := s.admin.Health(ctx); h.People != 1 {
		t.Errorf("%d people", h.People)
	}
}

func TestErrorsCrossTheWireAsThemselves(t *testing.T) {
	s := listen(t, durabletest.New(1), newClock(), t.TempDir(), true)
	ctx, today := t.Context(), s.c.today()
	visited(t, s.Keeper)
	for _, tc := range []struct {
		want error
		ask  func() error
	}{
		{keeper.ErrPerson, func() error { _, err := s.serve.PutColours(ctx, []keeper.Decided{{Person: 5}}); return err }},
		{keeper.ErrSession, func() error {
			_, err := s.serve.Gate(ctx, accesslog.GateID{}, make([]keeper.GateItem, 1))
			return err
		}},
		{keeper.ErrTooMany, func() error { _, err := s.admin.Register(ctx, 0); return err }},
		{keeper.ErrBudget, func() error { _, err := s.serve.Index(ctx, keeper.KindNIK, make([][]byte, 201)); return err }},
		{keeper.ErrDay, func() error { _, err := s.serve.OpenEvents(ctx, importerOf(keeper.BudgetSelf), 1, nil); return err }},
		{keeper.ErrSealed, func() error {
			_, err := s.serve.OpenEvents(ctx, importerOf(keeper.BudgetSelf), today, make([]keeper.SealedEvent, 1))
			return err
		}},
		{keeper.ErrRole, func() error { _, err := s.serve.Certificates(ctx); return err }},
	} {
		wants(t, tc.want.Error(), tc.ask(), tc.want)
	}
}

func TestAKeeperThatIsGoneIsNoticedAndFoundAgain(t *testing.T) {
	c, d, dir := newClock(), durabletest.New(1), t.TempDir()
	s := listen(t, d, c, dir, true)
	lasting := s.serve
	if _, err := lasting.Health(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.stop()
	for range 3 { // the connection that it had, and new ones
		began := time.Now()
		_, err := lasting.Health(t.Context())
		wants(t, "without a keeper", err, keeper.ErrUnavailable)
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %s to notice", took)
		}
	}
	listen(t, d, c, dir, true)
	if _, err := lasting.Health(t.Context()); err != nil {
		t.Errorf("with a keeper again: %v", err)
	}
}

func TestACallEndsWithItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "silent.sock")
	l, err := net.Listen("unix", path) // accepts, and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err = client.New(path).Health(ctx)
	wants(t, "a keeper that says nothing, until a deadline", err, keeper.ErrUnavailable)
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	_, err = client.New(path).Health(ctx)
	wants(t, "until the caller gives up", err, keeper.ErrUnavailable)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestAFrameThatIsNoneEndsOnlyItsConnection(t *testing.T) {
	s := listen(t, durabletest.New(1), newClock(), t.TempDir(), true)
	frame := func(n uint32, body ...byte) []byte { return append(binary.BigEndian.AppendUint32(nil, n), body...) }
	for name, raw := range map[string][]byte{
		"oversize":     frame(wire.MaxFrame + 1),
		"huge":         frame(1<<32 - 1),
		"garbage":      frame(8, 1, 2, 3, 4, 5, 6, 7, 8),
		"empty":        frame(0),
		"not a gob":    frame(2, 0xff, 0xff),
		"GET / HTTP/1": []byte("GET / HTTP/1.1\r\nHost: keeper\r\n\r\n"),
	} {
		c, err := net.Dial("unix", filepath.Join(s.dir, "serve.sock"))
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		_, _ = c.Write(raw)
		if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %d bytes, %v; want the connection's end", name, n, err)
		}
		c.Close()
		if _, err := s.serve.Health(t.Context()); err != nil {
			t.Fatalf("after %s: %v", name, err)
		}
	}
	var a wire.Answer
	c, err := net.Dial("unix", filepath.Join(s.dir, "serve.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	said := wire.NewStream(c, c)
	if err := errors.Join(said.Send(&wire.Request{Call: 200}), said.Receive(&a)); err != nil {
		t.Fatal(err)
	}
	wants(t, "a call that there is not", a.Fault.Err(), keeper.ErrRole)
}

func TestAPeerOfTheKeepersOwnUserIsTurnedAway(t *testing.T) {
	s := listen(t, durabletest.New(1), newClock(), t.TempDir(), false)
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		c, err := net.Dial("unix", filepath.Join(s.dir, "serve.sock"))
		if err == nil {
			c.Close()
			break
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	_, err := s.serve.Health(t.Context())
	wants(t, "the same user", err, keeper.ErrUnavailable)
}

func TestManyAskAtOnce(t *testing.T) {
	s := listen(t, durabletest.New(1), newClock(), t.TempDir(), true)
	got := make(chan []keeper.Registered, 64)
	failed := make(chan error, 64)
	for range 64 {
		go func() {
			people, err := s.admin.Register(context.Background(), 3)
			got <- people
			failed <- err
		}()
	}
	seen := map[identity.PersonID]bool{}
	for range 64 {
		if err := <-failed; err != nil {
			t.Fatal(err)
		}
		for _, p := range <-got {
			seen[p.ID] = true
		}
	}
	if len(seen) != 192 || s.journal.Durable().Seq > 68 { // 64, and what the keeper began with
		t.Errorf("%d people in %d records", len(seen), s.journal.Durable().Seq)
	}
}
