package transfer_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/care/caretest"
	"github.com/amanah-project/amanah/internal/flow/transfer"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/memory"
	"github.com/amanah-project/amanah/verify"
)

// stand is three hospitals and somebody with records at the first.
type stand struct {
	*caretest.Site
	flow, other  *transfer.Flow // two servers over one database
	a, b, c      *caretest.System
	who          identity.PersonID
	dose, scan   record.Ref
	dose2        record.Ref
	image        []byte
	now          time.Time
	officeCaller care.Caller
}

const all = staff.Enter | staff.Correct | staff.View

func newStand(t *testing.T) *stand {
	t.Helper()
	s := &stand{Site: caretest.New(t, memory.New()), now: time.Now(), image: bytes.Repeat([]byte("\x89PNG pixels "), 9000)}
	s.who = s.Register("9901015703840001", "Ani Contoh", "1984-03-17")
	s.Sign()
	for _, f := range []staff.FacilityID{"rs-99-001", "rs-99-002", "rs-99-003"} {
		if err := s.DB.Update(t.Context(), func(st store.Stores) error {
			return st.Staff.PutFacility(staff.Facility{ID: f, Name: "RS", Since: time.Now()})
		}); err != nil {
			t.Fatal(err)
		}
	}
	s.a, s.b, s.c = s.Enrol("client-1", "rs-99-001", all), s.Enrol("client-2", "rs-99-002", all), s.Enrol("client-3", "rs-99-003", all)
	s.officeCaller = care.Caller{Actor: "officer-1", Facility: "dinkes-99", Role: staff.RoleOfficer}
	server := func() *transfer.Flow {
		return &transfer.Flow{DB: s.DB, Keeper: s.Server, Records: s.Care, Documents: s.Documents, Base: "https://amanah.example/fhir/R4", Now: func() time.Time { return s.now }}
	}
	s.flow, s.other = server(), server()
	patient := fmt.Sprintf(`{"resourceType":"Patient","identifier":[{"system":%q,"value":"9901015703840001"}],"name":[{"text":"Ani Contoh"}],"birthDate":"1984-03-17"}`, record.NIKSystem)
	dose := func(on string) string {
		return fmt.Sprintf(`{"resourceType":"Immunization","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"208"}]},"patient":{"reference":"Patient/%d"},"occurrenceDateTime":%q}`, s.who, on)
	}
	by := care.Caller{Actor: "client-1", Facility: "rs-99-001", Role: staff.RoleClient, Rights: all}
	done, err := s.Care.Enter(t.Context(), by, []care.Entry{{Person: s.who, Items: []care.Item{
		{Resource: s.Read(patient)}, {Resource: s.Read(dose("2021-07-01"))}, {Resource: s.Read(dose("2021-08-01"))},
	}}})
	if err != nil || done[0].Err != nil {
		t.Fatal(err, done[0].Err)
	}
	s.dose, s.dose2 = done[0].Placed[1].Ref, done[0].Placed[2].Ref
	one, err := s.Care.EnterDocument(t.Context(), by, care.Entry{Person: s.who, Items: []care.Item{
		{Meta: record.Meta{Kind: record.Scan, ContentType: "image/png"}},
	}}, bytes.NewReader(s.image))
	if err != nil {
		t.Fatal(err)
	}
	s.scan = one.Placed[0].Ref
	return s
}

// sends signs for a transfer and asks for it.
func (s *stand) sends(by *caretest.System, to string, days int, named ...record.Ref) (record.Ref, verify.Transfer, error) {
	path := fmt.Sprintf("/v1/transfers/Patient/%d/%s/%s", s.who, to, day.Of(time.Now()).Add(days))
	return s.flow.Send(s.Context(), by.Post(path), transfer.Asked{Person: s.who, To: staff.FacilityID(to), Kind: record.TransferForm, Records: named})
}

func (s *stand) fetch(f *transfer.Flow, by *caretest.System, ref record.Ref) (verify.Transfer, []byte, error) {
	t, o, err := f.Fetch(s.Context(), by.Get("/v1/transfers/"+ref.String()), ref)
	if err != nil {
		return t, nil, err
	}
	defer o.Close()
	b, err := io.ReadAll(io.NewSectionReader(o, 0, o.Size()))
	return t, b, err
}

func (s *stand) receipt(by *caretest.System, ref record.Ref, digest [32]byte) error {
	_, err := s.flow.Receive(s.Context(), by.Post("/v1/transfers/"+ref.String()+"/receipt/"+hex.EncodeToString(digest[:])), ref)
	return err
}

// TestTransfer: what is sent is fetched byte for byte by whom it is sent to, whatever
// server they ask and however often, verifies offline, is acknowledged, and lets the
// receiver say that it treats the person.
func TestTransfer(t *testing.T) {
	s := newStand(t)
	before, err := s.Server.Health(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ref, said, err := s.sends(s.a, "rs-99-002", 7, s.dose, s.scan)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := s.Server.ServiceKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l, err := s.flow.List(t.Context(), s.b.Get("/v1/transfers"))
	if err != nil || len(l.To) != 1 || len(l.From) != 0 || l.To[0].Ref != ref || l.To[0].Digest != said.Digest {
		t.Fatalf("the receiver's list: %+v %v", l, err)
	}
	var first []byte
	for i, f := range []*transfer.Flow{s.flow, s.other, s.flow} {
		got, raw, err := s.fetch(f, s.b, ref)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = raw
		}
		if got != said || !bytes.Equal(raw, first) || sha256.Sum256(raw) != said.Digest {
			t.Errorf("fetched time %d: other bytes or another statement", i+1)
		}
		if err := got.Verify(bytes.NewReader(raw), ed25519.PublicKey(keys.Log[:])); err != nil {
			t.Error(err)
		}
	}
	if _, raw, err := s.fetch(s.flow, s.a, ref); err != nil || !bytes.Equal(raw, first) {
		t.Errorf("the sender reads its own: %v", err)
	}
	r := s.Read(string(first))
	if r.Type != "Bundle" || r.Kind != "document" || len(r.Entries) != 5 || r.Entries[0].Resource.Type != "Composition" {
		t.Errorf("the document: %s %s, %d entries", r.Type, r.Kind, len(r.Entries))
	}
	if !strings.Contains(string(first), `"Immunization/`+s.dose.String()) || strings.Contains(string(first), s.dose2.String()) {
		t.Error("the document is not of the records that were named")
	}
	if err := s.receipt(s.b, ref, said.Digest); err != nil {
		t.Fatal(err)
	}
	l, err = s.flow.List(t.Context(), s.a.Get("/v1/transfers"))
	if err != nil || len(l.From) != 1 || l.From[0].Fetched.IsZero() || l.From[0].Received.IsZero() || l.From[0].Digest != said.Digest {
		t.Errorf("the sender's list: %+v %v", l, err)
	}
	after, err := s.Server.Health(t.Context())
	if opened := after.Intents - before.Intents; err != nil || opened != 5 {
		t.Errorf("%d intents of one sending and four fetches", opened)
	}
	// The person's own records have it.
	has := func(c care.Caller) (n int) {
		t.Helper()
		mine, err := s.Care.Everything(t.Context(), c, s.who)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range mine {
			if r.Transfer != nil && r.Transfer.To == "rs-99-002" && r.Transfer.Digest == said.Digest {
				n++
			}
		}
		return n
	}
	if has(s.a.Get(fmt.Sprintf("/fhir/R4/Patient/%d/$everything", s.who))) != 1 {
		t.Error("the person's history does not have the transfer")
	}
	relate := func(by *caretest.System, days int) error {
		until := day.Of(time.Now()).Add(days)
		return s.flow.Relate(t.Context(), by.Post("/v1/transfers/"+ref.String()+"/relation/"+until.String()), ref, until.Add(1).Start())
	}
	if err := relate(s.b, 7); err != nil {
		t.Errorf("the receiver treats them: %v", err)
	}
	if err := relate(s.b, 9); !errors.Is(err, keeper.ErrTransfer) {
		t.Errorf("for longer than it was sent: %v", err)
	}
	if err := relate(s.c, 7); !errors.Is(err, record.ErrNone) {
		t.Errorf("a third facility: %v", err)
	}
}

// TestTransferRefused: each refusal, with the good request beside it as the control.
func TestTransferRefused(t *testing.T) {
	s := newStand(t)
	ref, said, err := s.sends(s.a, "rs-99-002", 1)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		to   string
		days int
		of   []record.Ref
		want error
	}{
		"to oneself":           {"rs-99-001", 1, nil, keeper.ErrSending},
		"to nobody":            {"rs-99-009", 1, nil, staff.ErrNoPlace},
		"for too long":         {"rs-99-002", 40, nil, keeper.ErrSending},
		"until yesterday":      {"rs-99-002", -1, nil, keeper.ErrSending},
		"another's record":     {"rs-99-002", 1, []record.Ref{{Person: s.who + 1, Number: s.dose.Number}}, record.ErrSendWhat},
		"a record twice":       {"rs-99-002", 1, []record.Ref{s.dose, s.dose}, record.ErrSendWhat},
		"a record there isn't": {"rs-99-002", 1, []record.Ref{{Person: s.who, Number: 70000}}, record.ErrNone},
	} {
		if _, _, err := s.sends(s.a, tc.to, tc.days, tc.of...); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
	// A server cannot send elsewhere, or more people, than was signed for.
	path := fmt.Sprintf("/v1/transfers/Patient/%d/rs-99-002/%s", s.who+1, day.Of(time.Now()).Add(1))
	if _, _, err := s.flow.Send(t.Context(), s.a.Post(path), transfer.Asked{Person: s.who, To: "rs-99-002", Kind: record.TransferForm}); !errors.Is(err, keeper.ErrActor) {
		t.Errorf("signed for another person: %v", err)
	}
	read := s.a.Get(fmt.Sprintf("/fhir/R4/Patient/%d", s.who))
	if _, _, err := s.flow.Send(t.Context(), read, transfer.Asked{Person: s.who, To: "rs-99-002", Kind: record.TransferForm}); !errors.Is(err, keeper.ErrTransfer) {
		t.Errorf("signed to read: %v", err)
	}
	if _, err := s.Server.SignTransfer(t.Context(), keeper.TransferAsk{ID: [16]byte{1}, Digest: [32]byte{1}, Size: 1}); !errors.Is(err, keeper.ErrTransfer) {
		t.Errorf("stated for nobody: %v", err)
	}
	if _, err := s.Server.SignTransfer(t.Context(), keeper.TransferAsk{ID: said.ID, Digest: [32]byte{1}, Size: 1}); !errors.Is(err, keeper.ErrTransfer) {
		t.Errorf("stated twice: %v", err)
	}
	if _, _, err := s.fetch(s.flow, s.c, ref); !errors.Is(err, record.ErrNone) {
		t.Errorf("fetched by a third facility: %v", err)
	}
	if _, _, err := s.fetch(s.flow, s.b, record.Ref{Person: s.who, Number: s.dose.Number}); !errors.Is(err, record.ErrNone) {
		t.Errorf("a record that was not sent: %v", err)
	}
	for name, err := range map[string]error{
		"a third facility's receipt": s.receipt(s.c, ref, said.Digest), "the sender's": s.receipt(s.a, ref, said.Digest),
	} {
		if !errors.Is(err, record.ErrNone) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.receipt(s.b, ref, [32]byte{1}); !errors.Is(err, keeper.ErrTransfer) {
		t.Errorf("a receipt of other bytes: %v", err)
	}
	// The database says that it goes to a third facility: the sealed record does not.
	third, err := s.Server.Index(t.Context(), keeper.KindSource, [][]byte{[]byte("transfer\x00rs-99-003")})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.DB.Update(t.Context(), func(st store.Stores) error {
		one, err := st.Sent.Get(ref)
		if err != nil {
			return err
		}
		one.To, one.Version, one.Ref = third[0], 1, record.Ref{Person: s.who, Number: s.dose.Number}
		return st.Sent.Put(one)
	}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.fetch(s.flow, s.c, record.Ref{Person: s.who, Number: s.dose.Number}); !errors.Is(err, record.ErrNone) {
		t.Errorf("re-pointed in the database: %v", err)
	}
	if _, _, err := s.fetch(s.flow, s.b, ref); err != nil {
		t.Errorf("the control: %v", err)
	}
	if err := s.Care.Restrict(t.Context(), s.officeCaller, s.who, true, "own-request"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.sends(s.a, "rs-99-002", 1); !errors.Is(err, record.ErrRestricted) {
		t.Errorf("of somebody restricted: %v", err)
	}
	if _, _, err := s.fetch(s.flow, s.b, ref); !errors.Is(err, record.ErrRestricted) {
		t.Errorf("fetched of somebody restricted: %v", err)
	}
	s.now = s.now.AddDate(0, 0, 3)
	if _, _, err := s.fetch(s.flow, s.b, ref); !errors.Is(err, record.ErrOver) {
		t.Errorf("over: %v", err)
	}
}
