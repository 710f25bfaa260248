package server

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/staff/stafftest"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/client"
	"github.com/amanah-project/amanah/internal/keeper/desk"
	"github.com/amanah-project/amanah/internal/keeper/journal"
)

// TestAnInsiderWalksPatients: a clinician with good credentials opens whom they can,
// every minute for a day. Each person opened is in the journal, before the keys.
func TestAnInsiderWalksPatients(t *testing.T) {
	for _, tc := range []struct {
		name       string
		treats     bool
		approved   bool
		emergency  bool
		atOnce     int // in the first ten minutes
		hour, day  int // at most
		leastInDay int
	}{
		{"strangers", false, false, false, 10, 10, 240, 200},
		{"patients of the facility", true, false, false, 50, 60, 1440, 1200},
		{"and somebody approves each hour", true, true, false, 60, 60, 1440, 1200},
		{"emergencies", true, true, true, 3, 3, 10, 10},
	} {
		t.Run(tc.name, func(t *testing.T) {
			const people = 1500
			h := newHouse(t, durabletest.New(1), people)
			if tc.treats {
				for p := identity.PersonID(1); p <= people; p++ {
					wants(t, "relate", h.relate(p, 2), nil)
				}
			}
			var got []time.Time
			next := identity.PersonID(1)
			for minute := range 24 * 60 {
				if tc.approved && minute%60 == 0 {
					h.nurse.signIn()
					wants(t, "approve", h.approve(h.nurse, "staff-1"), nil)
				}
				if minute%(11*60) == 0 {
					h.doctor.signIn()
				}
				for next <= people {
					ask := h.doctor.ask("GET", patient(next))
					if tc.emergency {
						ask = h.doctor.emergency(patient(next))
					}
					if _, _, err := h.OpenRecords(ask, h.all(next)); err != nil {
						break
					}
					got, next = append(got, h.c.now()), next+1
				}
				h.c.pass(time.Minute)
			}
			within := func(span time.Duration) (most int) {
				for i := range got {
					n := 0
					for _, at := range got[i:] {
						if at.Sub(got[i]) < span {
							n++
						}
					}
					most = max(most, n)
				}
				return most
			}
			if a, b, n := within(10*time.Minute), within(time.Hour), len(got); a != tc.atOnce || b > tc.hour || n > tc.day || n < tc.leastInDay {
				t.Errorf("%d people in ten minutes, %d in an hour, %d in a day", a, b, n)
			}
			all := records(h.Keeper, journal.KindOpened)
			if len(all) != len(got) {
				t.Fatalf("%d people opened and %d in the journal", len(got), len(all))
			}
			for i, b := range all {
				if who := binary.BigEndian.Uint64(b[26:]); who != uint64(i+1) || string(b[35:42]) != "staff-1" || int64(binary.BigEndian.Uint64(b[16:])) != got[i].UnixMilli() {
					t.Fatalf("entry %d is of person %d", i, who)
				}
			}
			t.Logf("%d in ten minutes, %d in an hour, %d in a day", within(10*time.Minute), within(time.Hour), len(got))
		})
	}
}

// TestAnInsiderOfADeskThatForgets is the control: without the counts the same
// clinician opens everybody.
func TestAnInsiderOfADeskThatForgets(t *testing.T) {
	h := newHouse(t, durabletest.New(1), 200)
	for p := identity.PersonID(1); p <= 200; p++ {
		all, err := h.Actors()
		if err != nil {
			t.Fatal(err)
		}
		*h.desk = *desk.New(desk.Norms{})
		for _, a := range all {
			if err := h.desk.Enrolled(desk.Enrolled{Actor: a, At: a.Since, Done: true}); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.open(h.doctor, p); err != nil {
			t.Fatalf("person %d is refused by a desk that forgets: the walk above shows nothing: %v", p, err)
		}
	}
}

// intruder has taken the server: its socket, the database and what passes through.
type intruder struct {
	*client.Client
	h    *house
	seen []keeper.Ask       // requests of people who work, the last of them not yet brought
	enr  []keeper.Enrolment // likewise
	own  *stafftest.Signer
}

// forge is every ask that an intruder can make for a person out of what passed.
func (f *intruder) forge(t *testing.T, p identity.PersonID) (out []keeper.Ask) {
	claims := stafftest.Request("GET", stafftest.Origin+patient(p), f.h.c.now())
	own := f.own.Proof(t, claims)
	out = append(out, keeper.Ask{Proof: own})
	for _, a := range f.seen {
		parts := strings.Split(a.Proof, ".")
		body, err := json.Marshal(claims)
		if err != nil {
			t.Fatal(err)
		}
		altered := parts[0] + "." + base64.RawURLEncoding.EncodeToString(body) + "." + parts[2]
		none := base64.RawURLEncoding.EncodeToString([]byte(`{"typ":"dpop+jwt","alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString(body) + "."
		out = append(out, a, keeper.Ask{Proof: own, Endorsement: a.Endorsement},
			keeper.Ask{Proof: altered, Endorsement: a.Endorsement}, keeper.Ask{Proof: none, Endorsement: a.Endorsement})
	}
	for _, id := range []staff.ActorID{"staff-1", "client-1", "officer-1"} { // a passkey of one's own for somebody's name
		out = append(out, keeper.Ask{Proof: own, Endorsement: f.own.Endorse(t, id, f.own.Thumbprint(), f.h.c.now().Add(time.Hour))})
	}
	return out
}

// steal tries to open each person in names that did not ask for them, and returns
// for how many it got keys.
func (f *intruder) steal(t *testing.T, from, to identity.PersonID) (stolen int) {
	t.Helper()
	ctx := t.Context()
	for p := from; p <= to; p++ {
		got := false
		for _, ask := range f.forge(t, p) {
			_, out, err := f.OpenRecords(ctx, ask, f.h.all(p))
			got = got || err == nil && out[0].Err == nil
		}
		for _, by := range []string{"staff-1", "client-1"} { // an intent that merely says so
			_, out, err := f.Read(ctx, keeper.Intent{Actor: by, Purpose: "treatment", Budget: keeper.BudgetStaff}, f.h.all(p))
			got = got || err == nil && out[0].Err == nil
		}
		if got {
			stolen++
		}
	}
	return stolen
}

func newIntruder(t *testing.T, people int) *intruder {
	h := newHouse(t, durabletest.New(1), people)
	h.changed(t, func(o *Options) { o.UnsignedPerHour = 30 })
	s := serveOn(t, h.Keeper, h.c, t.TempDir(), true)
	h.served = true
	f := &intruder{Client: s.serve, h: h, own: stafftest.EC(t)}
	f.seen = []keeper.Ask{h.doctor.ask("GET", patient(1)), h.system.ask("GET", patient(1)), h.officer.ask("POST", "/v1/actors/staff-1/approval"), h.doctor.ask("POST", "/fhir/R4/Observation")}
	f.enr = []keeper.Enrolment{h.officer.enrols(newColleague(t, h.c, "staff-7", "rs-99-001", staff.RoleClinician).Actor)}
	return f
}

// TestAServerInOtherHandsNamesNobodyWhoDidNotSign: of 200 people whose records the
// database holds, it opens the one who was asked for, and without a name no more
// than the ceiling; it makes nobody an actor, nor a facility treat anybody.
func TestAServerInOtherHandsNamesNobodyWhoDidNotSign(t *testing.T) {
	f := newIntruder(t, 200)
	ctx := t.Context()
	if n := f.steal(t, 2, 200); n != 0 {
		t.Errorf("%d people opened in names of people who did not ask", n)
	}
	for i, a := range []staff.Actor{
		{ID: "staff-8", Facility: "rs-99-001", Role: staff.RoleClinician, Rights: staff.View, Key: f.own.JWK()},
		{ID: "staff-7", Facility: "rs-99-001", Role: staff.RoleClinician, Rights: staff.View | staff.Enter, Key: f.own.JWK()},
		{ID: "officer-9", Facility: "dinas", Role: staff.RoleOfficer, Key: f.own.JWK()},
	} {
		for _, by := range []keeper.Ask{{}, f.enr[0].By, f.seen[2]} {
			wants(t, fmt.Sprint("its own actor ", i), refused(f.Enrol(ctx, keeper.Enrolment{Actor: a, By: by})), errRefused)
		}
	}
	for _, ask := range append(f.seen, f.forge(t, 9)...) {
		until := f.h.c.today().Add(2).Start()
		wants(t, "a relation nobody entered", refused(f.Relate(ctx, ask, keeper.Relation{Person: 9, Facility: "rs-99-001", Until: until})), errRefused)
	}
	wants(t, "an approval of another than was meant", refused(f.Approve(ctx, f.seen[0])), errRefused)
	// What they signed for, they get; once.
	for _, a := range f.seen[:2] {
		if _, out, err := f.OpenRecords(ctx, a, f.h.all(1)); err != nil || out[0].Err != nil {
			t.Errorf("what was asked for: %v", err)
		}
		_, _, err := f.OpenRecords(ctx, a, f.h.all(1))
		wants(t, "the same again", err, keeper.ErrUsed)
	}
	// In nobody's name: links and jobs that it makes up, whatever they are called.
	nameless := 0
	for p := identity.PersonID(1); p <= 200; p++ {
		for _, i := range []keeper.Intent{
			{Actor: fmt.Sprint("person ", p), Purpose: "export", Budget: keeper.BudgetSelf},
			{Actor: fmt.Sprint("job ", p), Purpose: "colours", Budget: keeper.BudgetJob},
			{Actor: "operator", Purpose: "import", Budget: keeper.BudgetImport},
		} {
			if _, out, err := f.Read(ctx, i, f.h.all(p)); err == nil && out[0].Err == nil {
				nameless++
			}
		}
	}
	if nameless != 30 {
		t.Errorf("%d people opened in nobody's name, with a ceiling of 30", nameless)
	}
	for _, b := range records(f.h.Keeper, journal.KindOpened) {
		if o := b[35 : 35+int(b[34])]; desk.Class(b[24]) != desk.Stranger || binary.BigEndian.Uint64(b[26:]) != 1 {
			t.Errorf("the journal says that %s opened person %d", o, binary.BigEndian.Uint64(b[26:]))
		}
	}
}

// TestTheSameIntruderOfAKeeperThatBelievesAll is the control: where the keeper takes
// the server's word for who asks, the same attempts open people.
func TestTheSameIntruderOfAKeeperThatBelievesAll(t *testing.T) {
	f := newIntruder(t, 30)
	trusting(f.h.Keeper)
	if n := f.steal(t, 2, 30); n == 0 {
		t.Error("nothing was stolen of a keeper that believes whatever it is told: the attempts show nothing")
	}
}

// errRefused stands for whatever refusal.
var errRefused = errors.New("refused")

func refused(err error) error {
	if err == nil {
		return nil
	}
	return errRefused
}

// trusting has a keeper believe the name in an endorsement and the payload of a
// proof, whoever signed them.
func trusting(k *Keeper) {
	k.believe = func(roll desk.Roll, _ string, a keeper.Ask, _ time.Time) (desk.Asker, error) {
		p, err := staff.ParseProof(a.Proof)
		if err != nil {
			return desk.Asker{}, err
		}
		e, err := staff.ParseEndorsement(a.Endorsement)
		if err != nil {
			return desk.Asker{}, err
		}
		who, _, err := roll.Named(e.Actor)
		return desk.Asker{Actor: who, Proof: p}, err
	}
}
