package server

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/keeper"
)

func erasing(p identity.PersonID) keeper.Erase {
	return keeper.Erase{Person: p, Reason: "asked", Officers: [2]string{"officer 1", "officer 2"}}
}

func erase(t testing.TB, k *Keeper, p identity.PersonID) keeper.Erased {
	t.Helper()
	c, err := k.Erase(keeper.RoleAdmin, erasing(p))
	if err != nil {
		t.Fatalf("erase: %v", err)
	}
	return c
}

// opening is everything that may be asked of a person, by name.
func opening(t *testing.T, k *Keeper, row status.SealedColour, note []byte, event keeper.SealedEvent) map[string]error {
	t.Helper()
	out := map[string]error{}
	got, err := read(k, 1, person1())
	out["a read"] = errors.Join(err, got.Err)
	_, out["a write"] = write(k, 1, keeper.RecordEvidence, person1())
	entered, err := k.WriteRecords([]keeper.Enter{{Person: 1, Records: []keeper.Record{firstRecord}}})
	if err == nil {
		err = entered[0].Err
	}
	out["a health record"] = err
	_, out["a colour"] = k.PutColours([]keeper.Decided{{Person: 1, Timeline: timeline(2)}})
	_, out["a note sealed"] = k.SealNotes([]keeper.Note{{Person: 1, Text: []byte("x")}})
	_, out["a note opened"] = k.OpenNotes(keeper.RoleAdmin, importer(), []keeper.Note{{Person: 1, Text: note}})
	_, out["an event"] = k.OpenEvents(importerOf(keeper.BudgetSelf), day.Of(k.now()), []keeper.SealedEvent{event})
	_, out["names of days"] = k.Pseudonyms(1, []day.Day{day.Of(k.now())})
	out["at the gate"] = nil
	if ask(t, k, openGate(t, k), row).Outcome == keeper.GateAbsent {
		out["at the gate"] = keeper.ErrErased // as for somebody of whom nothing is known
	}
	return out
}

func TestNothingOfTheErasedOpens(t *testing.T) {
	c, d := newClock(), durabletest.New(1)
	k := start(t, d, c)
	defer func() { k.Close() }()
	register(t, k, 2)
	row, other := colour(t, k, 1, 1), colour(t, k, 2, 2)
	note, err := k.SealNotes([]keeper.Note{{Person: 1, Text: []byte("x")}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := k.Gate(keeper.RoleServe, openGate(t, k), []keeper.GateItem{{Event: [16]byte{3}, Colour: row, Asks: true, Instant: k.now()}})
	if err != nil {
		t.Fatal(err)
	}
	event := keeper.SealedEvent{ID: [16]byte{3}, Sealed: r.Leaf.Events[0].Sealed}
	hash := personHash(keyNow(t, k, 1))
	cert := erase(t, k, 1)
	if cert.Person != 1 || cert.KeyHash != hash || cert.Reason != "asked" || !cert.At.Equal(c.now()) || !cert.Holds(logPublic(k)) {
		t.Errorf("certificate %+v", cert)
	}
	if want := k.wraps.key.Made.Add(wrapLife + tendLate); !cert.Unreadable.Equal(want) {
		t.Errorf("unreadable from %s, want %s", cert.Unreadable, want)
	}
	for range 2 { // before a restart and after it
		for what, err := range opening(t, k, row, note[0], event) {
			wants(t, what, err, keeper.ErrErased)
		}
		if v, err := k.ColourVersions(personIDs(1, 2)); err != nil || v[0] != 0 || v[1] != 1 {
			t.Errorf("colours' versions %v %v", v, err)
		}
		if err := k.Settle([]keeper.Settled{{Person: 1, Version: 1}}); err != nil {
			t.Errorf("settling what is too late: %v", err)
		}
		if got := ask(t, k, openGate(t, k), other); got.Outcome != keeper.GateOpened {
			t.Errorf("somebody else's colour: %d", got.Outcome)
		}
		again := erase(t, k, 1)
		all, err := k.Erasures()
		if again != cert || err != nil || len(all) != 1 || all[0] != cert {
			t.Errorf("asked again: %+v, listed %+v %v", again, all, err)
		}
		k = restart(t, k, c)
	}
	if p := register(t, k, 1); p[0].ID != 3 {
		t.Errorf("a new person got number %d", p[0].ID)
	}
}

// TestTheControlOfErasing shows that each of those openings works for the living.
func TestTheControlOfErasing(t *testing.T) {
	k, _ := fresh(t, 1)
	row := colour(t, k, 1, 1)
	note, err := k.SealNotes([]keeper.Note{{Person: 1, Text: []byte("x")}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := k.Gate(keeper.RoleServe, openGate(t, k), []keeper.GateItem{{Event: [16]byte{3}, Colour: row, Asks: true, Instant: k.now()}})
	if err != nil {
		t.Fatal(err)
	}
	for what, err := range opening(t, k, row, note[0], keeper.SealedEvent{ID: [16]byte{3}, Sealed: r.Leaf.Events[0].Sealed}) {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestWhoMayErase(t *testing.T) {
	k, _ := fresh(t, 1)
	_, err := k.Erase(keeper.RoleServe, erasing(1))
	wants(t, "the server", err, keeper.ErrRole)
	for what, alter := range map[string]func(*keeper.Erase){
		"no reason": func(e *keeper.Erase) { e.Reason = "" }, "a long reason": func(e *keeper.Erase) { e.Reason = fmt.Sprintf("%33d", 1) },
		"one officer": func(e *keeper.Erase) { e.Officers[1] = "" }, "one officer twice": func(e *keeper.Erase) { e.Officers[1] = e.Officers[0] },
		"a long name": func(e *keeper.Erase) { e.Officers[0] = fmt.Sprintf("%65d", 1) },
	} {
		e := erasing(1)
		alter(&e)
		_, err := k.Erase(keeper.RoleAdmin, e)
		wants(t, what, err, keeper.ErrErase)
	}
	for _, p := range personIDs(0, 2) {
		_, err := k.Erase(keeper.RoleAdmin, erasing(p))
		wants(t, "a stranger", err, keeper.ErrPerson)
	}
	if got, err := read(k, 1, person1()); err != nil || got.Err != nil {
		t.Errorf("the person whom nobody erased: %v %v", err, got.Err)
	}
}

func TestErasureCertificatesHoldForWhatTheySay(t *testing.T) {
	k, _ := fresh(t, 1)
	cert := erase(t, k, 1)
	for n, alter := range []func(*keeper.Erased){
		func(c *keeper.Erased) { c.Person++ },
		func(c *keeper.Erased) { c.Reason = "other" },
		func(c *keeper.Erased) { c.At = c.At.Add(time.Second) },
		func(c *keeper.Erased) { c.Unreadable = c.Unreadable.Add(time.Second) },
		func(c *keeper.Erased) { c.KeyHash[0] ^= 1 },
		func(c *keeper.Erased) { c.Seq++ },
		func(c *keeper.Erased) { c.Signature[63] ^= 1 },
	} {
		altered := cert
		if alter(&altered); altered.Holds(logPublic(k)) {
			t.Errorf("altered field %d: the certificate holds", n)
		}
	}
}

// TestNoErasureIsCertifiedBeforeEveryFileIsRid: each call of an erasure fails, in
// four ways. Whoever has a certificate finds no wrap on the disk; who was not told
// asks again and is.
func TestNoErasureIsCertifiedBeforeEveryFileIsRid(t *testing.T) {
	failed := 0
	for n := 1; ; n++ {
		done := false
		for mode := range 4 {
			c, d := newClock(), durabletest.New(uint64(n))
			k := start(t, d, c)
			register(t, k, 2)
			key := keyNow(t, k, 1)
			cred := options(d, c).Credential
			d.Fail(durabletest.Failure{N: n, Effect: mode&1 == 1, Stop: mode&2 == 2})
			cert, err := k.Erase(keeper.RoleAdmin, erasing(1))
			if done = err == nil; !done {
				failed++
				wants(t, fmt.Sprint("call ", n), err, keeper.ErrUnavailable)
			}
			if done != (cert != keeper.Erased{}) {
				t.Errorf("call %d mode %d: %v with certificate %+v", n, mode, err, cert)
			}
			cut(d, k)
			k = start(t, d, c)
			all, err := k.Erasures()
			if err != nil || done && (len(all) != 1 || all[0] != cert) {
				t.Errorf("call %d mode %d: certificates %+v %v", n, mode, all, err)
			}
			held := thief(t, files(t, d, ""), files(t, d, ""), cred, 1, key)
			if gone := len(all) == 1; gone != (len(held) == 0) {
				t.Errorf("call %d mode %d: certified %v, the key is in %v", n, mode, gone, held)
			}
			erase(t, k, 1)
			if held := thief(t, files(t, d, ""), files(t, d, ""), cred, 1, key); len(held) != 0 {
				t.Errorf("call %d mode %d, asked again: the key is in %v", n, mode, held)
			}
			k.Close()
		}
		if done {
			break
		}
	}
	if failed < 24 {
		t.Errorf("only %d calls failed: an erasure journals, writes, syncs, names and syncs the folder", failed)
	}
}

func FuzzErased(f *testing.F) {
	c := keeper.Erased{Person: 1, Reason: "asked", At: time.Unix(1, 0), Unreadable: time.Unix(2, 0)}
	f.Add(erasePayload(c, erasing(1)))
	f.Fuzz(func(t *testing.T, payload []byte) {
		k := &Keeper{erased: map[identity.PersonID]keeper.Erased{}, wraps: wraps{dirty: map[int]bool{}}}
		k.people.add(newSlot(make([]byte, 32)))
		if err := k.replayErase(1, payload); err == nil && k.people.at(0).fate != erased {
			t.Error("an erasure of nobody")
		}
	})
}
