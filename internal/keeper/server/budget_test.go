package server

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/journal"
)

// reads is n people to open, all versions that each has.
func reads(n int) []keeper.Read {
	out := make([]keeper.Read, n)
	for i := range out {
		out[i] = keeper.Read{Person: 1, Have: person1(), Want: person1()}
	}
	return out
}

func spend(k *Keeper, b keeper.Budget, actor string, n int) error {
	_, _, err := k.Read(keeper.RoleServe, keeper.Intent{Actor: actor, Purpose: "test", Budget: b}, reads(n))
	return err
}

// TestBudgets: of each budget, so many in an hour; one more is refused, counts
// nothing and leaves no intent; an hour after the first all is there again.
func TestBudgets(t *testing.T) {
	for _, tc := range []struct {
		name   string
		budget keeper.Budget
		hour   int
		global bool
	}{
		{"staff", keeper.BudgetStaff, 10, false},
		{"self", keeper.BudgetSelf, 60, false},
		{"job", keeper.BudgetJob, 100, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newClock()
			opt := options(durabletest.New(1), c)
			opt.JobPerHour = 100
			k, err := Open(opt)
			if err != nil {
				t.Fatal(err)
			}
			defer k.Close()
			register(t, k, 1)
			for i := range tc.hour - 2 {
				if err := spend(k, tc.budget, "a", 1); err != nil {
					t.Fatalf("open %d: %v", i+1, err)
				}
				c.pass(2 * time.Second)
			}
			wants(t, "three more at once", spend(k, tc.budget, "a", 3), keeper.ErrBudget)
			wants(t, "which counted nothing: two more", spend(k, tc.budget, "a", 2), nil)
			seq := k.journal.Durable().Seq
			wants(t, "one more", spend(k, tc.budget, "a", 1), keeper.ErrBudget)
			if k.journal.Durable().Seq != seq {
				t.Error("a refused intent was journaled")
			}
			other := error(nil)
			if tc.global {
				other = keeper.ErrBudget
			}
			wants(t, "another actor", spend(k, tc.budget, "b", 1), other)
			c.pass(time.Hour)
			wants(t, "an hour later", spend(k, tc.budget, "a", tc.hour), nil)
		})
	}
}

func TestIntentsThatSayNothingAreRefused(t *testing.T) {
	k, _ := fresh(t, 1)
	long := string(make([]byte, 65))
	for name, i := range map[string]keeper.Intent{
		"import on the server's socket": {Actor: "a", Purpose: "b", Budget: keeper.BudgetImport},
		"no actor":                      {Purpose: "b", Budget: keeper.BudgetSelf},
		"a long actor":                  {Actor: long, Purpose: "b", Budget: keeper.BudgetSelf},
		"no purpose":                    {Actor: "a", Budget: keeper.BudgetSelf},
		"a long purpose":                {Actor: "a", Purpose: long[:33], Budget: keeper.BudgetSelf},
		"no budget":                     {Actor: "a", Purpose: "b"},
		"an unknown budget":             {Actor: "a", Purpose: "b", Budget: 99},
	} {
		_, _, err := k.Read(keeper.RoleServe, i, reads(1))
		wants(t, name, err, keeper.ErrRole)
	}
	if n := len(records(k, journal.KindIntent)); n != 0 {
		t.Errorf("%d refused intents were journaled", n)
	}
}

// TestNoIntentIsTooLargeForTheJournal: a record over the journal's bound would be
// written, acknowledged, and taken for damage at the next start.
func TestNoIntentIsTooLargeForTheJournal(t *testing.T) {
	c, d := newClock(), durabletest.New(1)
	k := start(t, d, c)
	register(t, k, 1)
	want := make([]keeper.Version, journal.MaxRecord/24+1)
	for i := range want {
		want[i] = person1()[0]
	}
	_, _, err := k.Read(keeper.RoleServe, keeper.Intent{Actor: "a", Purpose: "b", Budget: keeper.BudgetJob},
		[]keeper.Read{{Person: 1, Have: person1(), Want: want}})
	wants(t, "a third of a million versions", err, keeper.ErrTooMany)
	k = restart(t, k, c)
	defer k.Close()
	_, _, err = k.Read(keeper.RoleServe, keeper.Intent{Actor: "a", Purpose: "b", Budget: keeper.BudgetJob},
		[]keeper.Read{{Person: 1, Have: person1(), Want: want[:maxWants]}})
	wants(t, "as many as may be", err, nil)
}

func TestAnIntentNamesWhatIsOpened(t *testing.T) {
	k, c := fresh(t, 2)
	i := keeper.Intent{ID: [16]byte{7}, Actor: "staff/\xff\xfe12", Purpose: "help-desk", Budget: keeper.BudgetStaff}
	if _, _, err := k.Read(keeper.RoleServe, i, []keeper.Read{{Person: 2, Have: person1(), Want: person1()}}); err != nil {
		t.Fatal(err)
	}
	all := records(k, journal.KindIntent)
	if len(all) != 1 {
		t.Fatalf("%d intents in the journal", len(all))
	}
	b := all[0]
	if [16]byte(b) != i.ID || b[16] != byte(keeper.BudgetStaff) || int64(binary.BigEndian.Uint64(b[17:])) != c.now().UnixMilli() {
		t.Errorf("the record begins with % x", b[:25])
	}
	text := func() string {
		n := int(b[0])
		s := string(b[1 : 1+n])
		b = b[1+n:]
		return s
	}
	b = b[25:]
	if a, p := text(), text(); a != "staff/?12" || p != "help-desk" {
		t.Errorf("actor %q, purpose %q", a, p)
	}
	if n, person, record, version := binary.BigEndian.Uint32(b), binary.BigEndian.Uint64(b[4:]), binary.BigEndian.Uint64(b[12:]), binary.BigEndian.Uint64(b[20:]); n != 1 || person != 2 || record != 1 || version != 1 || len(b) != 28 {
		t.Errorf("%d people: person %d record %d version %d", n, person, record, version)
	}
}

func TestReceiptsHoldForWhatTheySay(t *testing.T) {
	k, c := fresh(t, 1)
	i := importer()
	r, _, err := k.Read(keeper.RoleAdmin, i, reads(1))
	if err != nil {
		t.Fatal(err)
	}
	at := k.journal.Durable()
	if !r.Holds(logPublic(k)) || r.Intent != i.ID || r.Seq != at.Seq || r.Chain != at.Chain || !r.At.Equal(c.now()) {
		t.Errorf("the receipt %+v", r)
	}
	other, _ := fresh(t, 0)
	if r.Holds(logPublic(other)) {
		t.Error("the receipt holds under another keeper's key")
	}
	for n, alter := range []func(*keeper.Receipt){
		func(r *keeper.Receipt) { r.Intent[0] ^= 1 },
		func(r *keeper.Receipt) { r.Seq++ },
		func(r *keeper.Receipt) { r.Chain[31] ^= 1 },
		func(r *keeper.Receipt) { r.At = r.At.Add(time.Millisecond) },
		func(r *keeper.Receipt) { r.Signature[0] ^= 1 },
	} {
		altered := r
		alter(&altered)
		if altered.Holds(logPublic(k)) {
			t.Errorf("altered field %d: the receipt holds", n)
		}
	}
}

func TestBatchesAreBounded(t *testing.T) {
	k, _ := fresh(t, 1)
	n := keeper.MaxBulk + 1
	for name, call := range map[string]func() error{
		"register":       func() error { _, err := k.people.Register(n); return err },
		"register none":  func() error { _, err := k.people.Register(0); return err },
		"register fewer": func() error { _, err := k.people.Register(-1); return err },
		"write":          func() error { _, err := k.people.Write(make([]keeper.Write, n)); return err },
		"write records": func() error {
			_, err := k.WriteRecords(slices.Repeat([]keeper.Enter{enter(1, nil, keeper.FirstRecord)}, n))
			return err
		},
		"settle records": func() error { return k.people.SettleRecords(make([]keeper.Settled, n)) },
		"settle":         func() error { return k.people.Settle(make([]keeper.Settled, n)) },
		"read":           func() error { _, _, err := k.Read(keeper.RoleAdmin, importer(), reads(n)); return err },
		"index":          func() error { _, err := k.Index(keeper.RoleAdmin, keeper.KindNIK, make([][]byte, n)); return err },
		"colours":        func() error { _, err := k.PutColours(make([]keeper.Decided, n)); return err },
		"colour versions": func() error {
			_, err := k.people.ColourVersions(personIDs(make([]identity.PersonID, n)...))
			return err
		},
		"events":     func() error { _, err := k.OpenEvents(importer(), 0, make([]keeper.SealedEvent, n)); return err },
		"pseudonyms": func() error { _, err := k.Pseudonyms(1, make([]day.Day, 401)); return err },
	} {
		wants(t, name, call(), keeper.ErrTooMany)
	}
}
