package export_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/care/caretest"
	"github.com/amanah-project/amanah/internal/flow/export"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/memory"
)

// stand is a place with people who have records, and two officers.
type stand struct {
	*testing.T
	*caretest.Site
	*caretest.Officers
	flow  *export.Flow
	niks  []identity.NIK
	to    *age.X25519Identity
	asked int
}

func open(t *testing.T, people int) *stand {
	t.Helper()
	s := &stand{T: t, Site: caretest.New(t, memory.New())}
	var err error
	if s.to, err = age.GenerateX25519Identity(); err != nil {
		t.Fatal(err)
	}
	hospital := care.Caller{Actor: "client-1", Facility: "rs-99-001", Role: staff.RoleClient, Rights: staff.Enter | staff.Correct | staff.View}
	for i := range people {
		text := fmt.Sprintf("99010104039%05d", i+1)
		nik, err := identity.ParseNIK(text)
		if err != nil {
			t.Fatal(err)
		}
		who := s.Site.Register(text, fmt.Sprint("Warga ", string(rune('A'+i))), "1990-03-04")
		s.niks = append(s.niks, nik)
		resource := s.Site.Read(fmt.Sprintf(`{"resourceType":"Condition","subject":{"reference":"Patient/%d"},"code":{"text":"canary-%d"}}`, who, i+1))
		if _, err := s.Care.Enter(t.Context(), hospital, []care.Entry{{Person: who, Items: []care.Item{{Resource: resource}}}}); err != nil {
			t.Fatal(err)
		}
	}
	s.Officers = s.Site.Officers()
	s.flow = &export.Flow{DB: s.DB, Keeper: s.Server, Care: s.Care, Now: time.Now}
	return s
}

func (s *stand) request(niks []identity.NIK) (staff.RequestID, []identity.PersonID) {
	s.T.Helper()
	people, err := s.flow.People(s.T.Context(), niks)
	if err != nil {
		s.T.Fatal(err)
	}
	r, err := s.flow.Request(s.T.Context(), "audit", s.to.Recipient().String(), staff.FormFHIR, people)
	if err != nil {
		s.T.Fatal(err)
	}
	return r.ID(), people
}

// read opens all parts as their recipient does; none is legible before.
func (s *stand) read(d durable.FS) string {
	s.T.Helper()
	names, err := d.List("")
	if err != nil {
		s.T.Fatal(err)
	}
	for _, name := range names {
		if raw, err := durable.ReadFile(d, name); err != nil || bytes.Contains(raw, []byte("canary")) {
			s.T.Errorf("%s is not sealed: %v", name, err)
		}
	}
	return caretest.Parts(s.T, d, s.to)
}

// TestExport: approved by two, it holds each person's records once, sealed; run again, it
// writes nothing; a part that is lost is written again.
func TestExport(t *testing.T) {
	s := open(t, 3)
	id, people := s.request(append(s.niks[:2:2], s.niks[0]))
	disk := durabletest.New(1)
	for _, who := range []staff.ActorID{"", "officer-1"} {
		if who != "" {
			s.Approve(id, who)
		}
		if _, err := s.flow.Run(t.Context(), id, people, disk); !errors.Is(err, keeper.ErrExport) {
			t.Fatalf("approved by %q: %v", who, err)
		}
	}
	s.Approve(id, "officer-2")
	done, err := s.flow.Run(t.Context(), id, people, disk)
	if err != nil || done != (export.Done{Parts: 1, Written: 1}) {
		t.Fatalf("%+v %v", done, err)
	}
	text := s.read(disk)
	if strings.Count(text, "canary-1") != 1 || strings.Count(text, "canary-2") != 1 || strings.Contains(text, "canary-3") || strings.Count(text, "\n") != 2 {
		t.Errorf("%s", text)
	}
	if done, err := s.flow.Run(t.Context(), id, people, disk); err != nil || done.Written != 0 {
		t.Errorf("again: %+v %v", done, err)
	}
	fresh := durabletest.New(2)
	if done, err := s.flow.Run(t.Context(), id, people, fresh); err != nil || done.Written != 1 {
		t.Errorf("a part that was lost: %+v %v", done, err)
	}
	if _, err := s.flow.Run(t.Context(), id, append(people, 3), fresh); !errors.Is(err, staff.ErrListed) {
		t.Errorf("another list: %v", err)
	}
	if _, err := s.flow.Run(t.Context(), staff.RequestID{1}, people, fresh); !errors.Is(err, staff.ErrNoRequest) {
		t.Errorf("no such request: %v", err)
	}
}

// TestASecondRecipient: the approvals of one export are none of another that is to
// somebody else, even in the hands of who holds the database.
func TestASecondRecipient(t *testing.T) {
	s := open(t, 1)
	id, people := s.request(s.niks)
	s.Approve(id, "officer-1")
	s.Approve(id, "officer-2")
	thief, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.flow.Request(t.Context(), "audit", thief.Recipient().String(), staff.FormFHIR, people)
	if err != nil {
		t.Fatal(err)
	}
	err = s.DB.Update(t.Context(), func(st store.Stores) error {
		had, err := st.Requests.Approvals(id)
		for _, a := range had {
			a.Request = r.ID()
			err = errors.Join(err, st.Requests.Approve(a))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.flow.Run(t.Context(), r.ID(), people, durabletest.New(1)); !errors.Is(err, keeper.ErrExport) {
		t.Errorf("copied approvals: %v", err)
	}
	if _, err := s.flow.Run(t.Context(), id, people, durabletest.New(1)); err != nil {
		t.Errorf("the control: %v", err)
	}
}

func TestRequestsThatNobodyCouldServe(t *testing.T) {
	s := open(t, 1)
	people := []identity.PersonID{1}
	if _, err := s.flow.Request(context.Background(), "audit", "age1notakey", staff.FormFHIR, people); !errors.Is(err, export.ErrRecipient) {
		t.Errorf("no key: %v", err)
	}
	if _, err := s.flow.Request(context.Background(), "", s.to.Recipient().String(), staff.FormFHIR, people); !errors.Is(err, staff.ErrRequest) {
		t.Errorf("no purpose: %v", err)
	}
	if _, err := s.flow.Request(context.Background(), "audit", s.to.Recipient().String(), staff.FormFHIR, nil); !errors.Is(err, staff.ErrExport) {
		t.Errorf("nobody: %v", err)
	}
	nobody, err := identity.ParseNIK("9901010403999999")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.flow.People(context.Background(), []identity.NIK{nobody}); !errors.Is(err, record.ErrNobody) {
		t.Errorf("a NIK of nobody: %v", err)
	}
}
