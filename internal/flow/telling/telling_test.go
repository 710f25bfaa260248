package telling_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/care/caretest"
	"github.com/amanah-project/amanah/internal/flow/consent"
	"github.com/amanah-project/amanah/internal/flow/telling"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/memory"
)

var errGateway = errors.New("the gateway is gone")

// outbox is a messenger that may fail.
type outbox struct {
	mu   sync.Mutex
	fail bool
	sent []consent.Message
}

func (o *outbox) Send(_ context.Context, m consent.Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fail {
		return errGateway
	}
	o.sent = append(o.sent, m)
	return nil
}

// stand is people with records, and a facility's system that treats none of them.
type stand struct {
	*caretest.Site
	t      *testing.T
	out    *outbox
	now    time.Time
	system *caretest.System
	people []identity.PersonID
}

func phone(i int) identity.Phone {
	p, err := identity.ParsePhone(fmt.Sprintf("+62810%08d", i))
	if err != nil {
		panic(err) // synthetic, and well formed
	}
	return p
}

func open(t *testing.T, people int) *stand {
	s := &stand{Site: caretest.New(t, memory.New()), t: t, out: &outbox{}, now: time.Now()}
	entered := care.Caller{Actor: "client-9", Facility: "rs-99-009", Role: staff.RoleClient, Rights: staff.Enter}
	numbers := &consent.Records{DB: s.DB, Keeper: s.Keeper, Now: time.Now}
	for i := range people {
		text := fmt.Sprintf("99010104039%05d", i+1)
		who := s.Register(text, fmt.Sprint("Warga ", string(rune('A'+i))), "1990-03-04")
		nik, err := identity.ParseNIK(text)
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 { // the first has no number
			if err := numbers.Bind(t.Context(), nik, phone(i)); err != nil {
				t.Fatal(err)
			}
		}
		shot := fmt.Sprintf(`{"resourceType":"Immunization","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"208"}]},"patient":{"reference":"Patient/%d"},"occurrenceDateTime":"2021-07-01"}`, who)
		done, err := s.Care.Enter(t.Context(), entered, []care.Entry{{Person: who, Items: []care.Item{{Resource: s.Read(shot)}}}})
		if err != nil || done[0].Err != nil {
			t.Fatal(err, done[0].Err)
		}
		s.people = append(s.people, who)
	}
	return s
}

// signs lets records open for who signed alone.
func (s *stand) signs() {
	s.Sign()
	s.system = s.Enrol("client-1", "rs-99-001", staff.View)
}

func (s *stand) emergency(who identity.PersonID) {
	s.t.Helper()
	path := "/fhir/R4/Patient/" + record.Ref{Person: who}.String() + "/$everything"
	if _, err := s.Care.Everything(s.t.Context(), s.system.Emergency(path), who); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stand) server() *telling.Flow {
	now := func() time.Time { return s.now }
	to := &consent.Teller{DB: s.DB, Keeper: s.Server, Messenger: s.out, Now: now}
	return &telling.Flow{DB: s.DB, Keeper: s.Server, To: to, Now: now}
}

func (s *stand) run(want telling.Told) {
	s.t.Helper()
	got, err := s.server().Run(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		s.t.Error(d)
	}
}

// TestAnEmergencyIsTold: records open although no message leaves; the person is told when
// the gateway is there again, once, of what and when and nothing else.
func TestAnEmergencyIsTold(t *testing.T) {
	s := open(t, 2)
	s.signs()
	s.run(telling.Told{})
	s.out.fail = true
	before := time.Now()
	s.emergency(s.people[1])
	s.run(telling.Told{Failed: 1})
	s.run(telling.Told{}) // not due yet
	s.now = s.now.Add(time.Minute)
	s.run(telling.Told{Failed: 1})
	s.now = s.now.Add(2 * time.Minute)
	s.out.fail = false
	s.run(telling.Told{Brought: 1})
	s.now = s.now.Add(time.Hour)
	s.run(telling.Told{})
	if len(s.out.sent) != 1 {
		t.Fatalf("%d messages", len(s.out.sent))
	}
	m := s.out.sent[0]
	if m.To != phone(1) || m.At.Before(before.Add(-time.Second)) || m.At.After(time.Now()) {
		t.Errorf("%+v", m)
	}
	m.To, m.At = identity.Phone{}, time.Time{}
	if m != (consent.Message{Kind: consent.KindEmergency, Lang: "id"}) {
		t.Errorf("it says more: %+v", m)
	}
}

// TestNobodyToTell: who has no number, or was erased meanwhile, holds up nobody; a place
// that the keeper tells no more is given up.
func TestNobodyToTell(t *testing.T) {
	s := open(t, 4)
	s.signs()
	for _, who := range s.people[:3] {
		s.emergency(who)
	}
	s.Erase(s.people[2])
	if err := s.DB.Update(t.Context(), func(st store.Stores) error { return st.Notices.Put([]uint64{1 << 40}, s.now) }); err != nil {
		t.Fatal(err)
	}
	s.run(telling.Told{Brought: 1, Nobody: 2, Late: 1})
	s.now = s.now.Add(24 * time.Hour)
	s.run(telling.Told{})
	if len(s.out.sent) != 1 || s.out.sent[0].To != phone(1) {
		t.Errorf("%+v", s.out.sent)
	}
}

// TestServersShareWhatTheyTell: however many servers run at once, each is told once.
func TestServersShareWhatTheyTell(t *testing.T) {
	s := open(t, 4)
	s.signs()
	for _, who := range s.people[1:] {
		s.emergency(who)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if _, err := s.server().Run(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(s.out.sent) != 3 {
		t.Errorf("%d messages to three people", len(s.out.sent))
	}
}
