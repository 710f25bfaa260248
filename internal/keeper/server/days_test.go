package server

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/days"
)

// visited seals one event today and returns it.
func visited(t testing.TB, k *Keeper) keeper.SealedEvent {
	t.Helper()
	r, err := k.Gate(keeper.RoleServe, openGate(t, k), []keeper.GateItem{{Event: [16]byte{1}, Instant: k.now()}})
	if err != nil {
		t.Fatal(err)
	}
	return keeper.SealedEvent{ID: r.Leaf.Events[0].ID, Sealed: r.Leaf.Events[0].Sealed}
}

// wrappedDay is a day's key as the file of day keys holds it; empty for none.
func wrappedDay(t testing.TB, d durable.FS, which day.Day) string {
	t.Helper()
	raw, err := durable.ReadFile(d, "days")
	if err != nil {
		t.Fatal(err)
	}
	held := map[string]string{} // base64, as it stands in the file
	if err := json.Unmarshal(raw, &held); err != nil {
		t.Fatal(err)
	}
	return held[which.String()]
}

func TestADayIsDestroyedWhenItsRetentionIsOver(t *testing.T) {
	c, d := newClock(), durabletest.New(1)
	k := start(t, d, c)
	defer func() { k.Close() }()
	gone := c.today()
	event := visited(t, k)
	wrapped := wrappedDay(t, d, gone)
	if wrapped == "" {
		t.Fatal("the file of day keys does not hold today's")
	}
	hash := dayHash(t, k, uint32(gone))
	c.at.Store(gone.Add(30).Start().UnixNano() - 1)
	_, err := k.days.DestroyDay(gone)
	wants(t, "a moment before its retention is over", err, days.ErrYoung)
	visited(t, k) // the day before: a younger one
	c.pass(1)
	visited(t, k)
	cert, err := k.days.DestroyDay(gone)
	if err != nil {
		t.Fatal(err)
	}
	if cert.Day != gone || cert.KeyHash != hash || !cert.Holds(logPublic(k)) || !cert.Destroyed.Equal(c.now().Truncate(time.Second)) {
		t.Errorf("certificate %+v", cert)
	}
	if d.Contains(wrapped) {
		t.Error("a file holds the destroyed key")
	}
	for range 2 { // before a restart and after it
		checkGone(t, k, gone, event)
		again, err := k.days.DestroyDay(gone)
		all, err2 := k.days.Certificates()
		if err != nil || err2 != nil || again != cert || len(all) != 1 || all[0] != cert {
			t.Errorf("asked again: %+v %v %v", again, err, err2)
		}
		if h, err := k.Health(); err != nil || h.Days != 2 || h.FirstDay != gone.Add(29) {
			t.Errorf("health: %d days from %s, %v", h.Days, h.FirstDay, err)
		}
		k = restart(t, k, c)
	}
	_, err = k.days.DestroyDay(gone.Add(-1))
	wants(t, "a day that had no key", err, keeper.ErrDay)
}

// checkGone checks that a day has no key and gets none, even by a clock set back.
func checkGone(t *testing.T, k *Keeper, gone day.Day, event keeper.SealedEvent) {
	t.Helper()
	_, err := k.OpenEvents(importerOf(keeper.BudgetSelf), gone, []keeper.SealedEvent{event})
	wants(t, "its events", err, keeper.ErrDay)
	names, err := k.Pseudonyms(1, []day.Day{gone})
	if err != nil || names[0] != [16]byte{} {
		t.Errorf("its names: %x %v", names, err)
	}
	now := k.now
	k.now = gone.Start
	defer func() { k.now = now }()
	_, err = k.Gate(keeper.RoleServe, openGate(t, k), []keeper.GateItem{{Instant: gone.Start()}})
	wants(t, "its key made again", err, keeper.ErrDay)
}

func TestCertificatesHoldForWhatTheySay(t *testing.T) {
	k, c := fresh(t, 0)
	visited(t, k)
	gone := c.today()
	c.pass(31 * 24 * time.Hour)
	cert, err := k.days.DestroyDay(gone)
	if err != nil || !cert.Holds(logPublic(k)) {
		t.Fatalf("%+v %v", cert, err)
	}
	for n, alter := range []func(*keeper.Certificate){
		func(c *keeper.Certificate) { c.Day++ },
		func(c *keeper.Certificate) { c.Destroyed = c.Destroyed.Add(time.Second) },
		func(c *keeper.Certificate) { c.KeyHash[0] ^= 1 },
		func(c *keeper.Certificate) { c.Seq++ },
		func(c *keeper.Certificate) { c.Signature[63] ^= 1 },
	} {
		altered := cert
		alter(&altered)
		if altered.Holds(logPublic(k)) {
			t.Errorf("altered field %d: the certificate holds", n)
		}
	}
}

// TestNoCertificateBeforeEveryFileIsRid: each call of the purge fails once, with
// its effect and without. Whoever has a certificate finds no key on the disk, and
// the next one who asks gets it.
func TestNoCertificateBeforeEveryFileIsRid(t *testing.T) {
	failed := 0
	for n := 3; ; n++ { // calls 1 and 2 are the journal's
		for _, effect := range []bool{false, true} {
			c, d := newClock(), durabletest.New(1)
			k := start(t, d, c)
			visited(t, k)
			gone := c.today()
			wrapped := wrappedDay(t, d, gone)
			c.pass(31 * 24 * time.Hour)
			d.Fail(durabletest.Failure{N: n, Effect: effect})
			cert, err := k.days.DestroyDay(gone)
			if err == nil {
				k.Close()
				if n < 6 {
					t.Fatalf("a purge of %d calls: it writes, syncs, renames and syncs the folder", n-3)
				}
				return
			}
			failed++
			if cert != (keeper.Certificate{}) || !errors.Is(err, keeper.ErrUnavailable) {
				t.Errorf("call %d, effect %v: %v with certificate %+v", n, effect, err, cert)
			}
			all, err := k.days.Certificates() // purges, now that the disk is well
			if err != nil || len(all) != 1 || d.Contains(wrapped) {
				t.Errorf("call %d, effect %v: then %d certificates, %v, the key in a file: %v", n, effect, len(all), err, d.Contains(wrapped))
			}
			k.Close()
		}
	}
}

// TestWhileTheFileCannotBeWrittenNobodyIsTold: the list of certificates is no way
// around.
func TestWhileTheFileCannotBeWrittenNobodyIsTold(t *testing.T) {
	c, d := newClock(), durabletest.New(1)
	k := start(t, d, c)
	visited(t, k)
	gone := c.today()
	c.pass(31 * 24 * time.Hour)
	d.Fail(durabletest.Failure{N: 3, Stop: true})
	for range 2 {
		_, err := k.days.DestroyDay(gone)
		wants(t, "destroy", err, keeper.ErrUnavailable)
		all, err := k.days.Certificates()
		wants(t, "list", err, keeper.ErrUnavailable)
		if len(all) != 0 {
			t.Errorf("certificates %+v", all)
		}
	}
	cut(d, k)
	k = start(t, d, c)
	defer k.Close()
	all, err := k.days.Certificates()
	if err != nil || len(all) != 1 || wrappedDay(t, d, gone) != "" || !all[0].Holds(logPublic(k)) {
		t.Errorf("after a restart: %+v %v", all, err)
	}
}
