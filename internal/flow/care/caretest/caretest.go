// Package caretest is a place with people and records for tests: a real keeper, a
// database, the flow of care and the flow of evidence that colours follow by.
package caretest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/vault"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/evidence"
	"github.com/amanah-project/amanah/internal/format/fhir"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/client"
	"github.com/amanah-project/amanah/internal/keeper/keepertest"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/trace/likeness"
)

// Site is such a place.
type Site struct {
	testing.TB
	DB        store.DB
	Keeper    *client.Client // on the operator's socket
	Server    *client.Client // the same keeper, on the server's
	Care      *care.Flow
	Evidence  *evidence.Flow
	Documents *Documents

	officer *System
}

// New makes one over a database, with nobody in it. Budgets are an operator's, and
// records open for whoever asks, until Sign.
func New(t testing.TB, db store.DB) *Site {
	t.Helper()
	return Over(t, db, durable.OS(filepath.Join(t.TempDir(), "keeper")))
}

// Over is New with a keeper over a folder, in which one may have been before.
func Over(t testing.TB, db store.DB, disk durable.FS) *Site {
	t.Helper()
	return over(t, db, disk, 0)
}

// Canaried is New with numbers of people, one of two, that are given to nobody.
func Canaried(t testing.TB, db store.DB) *Site {
	t.Helper()
	return over(t, db, durable.OS(filepath.Join(t.TempDir(), "keeper")), 2)
}

func over(t testing.TB, db store.DB, disk durable.FS, vacant int) *Site {
	t.Helper()
	server, k := keepertest.Vacant(t, disk, vacant)
	rules, err := status.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	reader, err := fhir.NewReader()
	if err != nil {
		t.Fatal(err)
	}
	s := &Site{TB: t, DB: db, Keeper: k, Server: server, Documents: &Documents{}}
	s.Evidence = &evidence.Flow{DB: db, Keeper: k, Rules: rules, Now: time.Now, Actor: "test", Budget: keeper.BudgetImport}
	s.Care = &care.Flow{
		DB: db, Keeper: Trusting{k}, Documents: s.Documents, Colours: s.Evidence, Reader: reader, Now: time.Now, Actor: "test", Budget: keeper.BudgetImport,
	}
	return s
}

// Register registers a person and returns their number.
func (s *Site) Register(nik, name, birth string) identity.PersonID {
	s.Helper()
	var p identity.Person
	var err error
	if p.NIK, err = identity.ParseNIK(nik); err != nil {
		s.Fatal(err)
	}
	if p.Name, err = identity.ParseName(name); err != nil {
		s.Fatal(err)
	}
	if p.Birth, err = day.Parse(birth); err != nil {
		s.Fatal(err)
	}
	p.Sex = p.NIK.Sex()
	tally, err := s.Evidence.People(s.Context(), []evidence.Newcomer{{Line: 1, Person: p}}, identity.Progress{Source: "people"})
	if err != nil || tally.Added != 1 {
		s.Fatalf("register: %+v %v", tally, err)
	}
	found, err := s.Care.Find(s.Context(), p.NIK)
	if err != nil {
		s.Fatal(err)
	}
	return found.Person
}

// Read reads a resource that must be good.
func (s *Site) Read(raw string) *fhir.Resource {
	s.Helper()
	r, err := s.Care.Reader.Read([]byte(raw))
	if err != nil {
		s.Fatal(err)
	}
	return r
}

// Colour opens a person's stored colour through the gate, as a check-in would.
func (s *Site) Colour(who identity.PersonID) status.Step {
	s.Helper()
	var rows []status.SealedColour
	if err := s.DB.View(s.Context(), func(st store.Stores) (err error) {
		rows, err = st.Status.Colours([]identity.PersonID{who})
		return err
	}); err != nil {
		s.Fatal(err)
	}
	gate, _, err := s.Keeper.OpenGate(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	item := keeper.GateItem{Colour: rows[0], Instant: time.Now()}
	rand.Read(item.Event[:])
	reply, err := s.Keeper.Gate(s.Context(), gate, []keeper.GateItem{item})
	if err != nil {
		s.Fatal(err)
	}
	if reply.Results[0].Outcome != keeper.GateOpened {
		s.Fatalf("the colour does not open: %+v", reply.Results[0].Outcome)
	}
	timeline, err := status.ParseTimeline(reply.Results[0].Timeline)
	if err != nil {
		s.Fatal(err)
	}
	step, _ := timeline.At(time.Now())
	return step
}

// Trusting is a keeper that opens for whoever asks, on the operator's word: for tests
// of what is opened, not of who may.
type Trusting struct{ *client.Client }

// OpenRecords opens without looking at the proof.
func (k Trusting) OpenRecords(ctx context.Context, _ keeper.Ask, r []keeper.Read) (keeper.Receipt, []keeper.Opened, error) {
	i := keeper.Intent{Actor: "test", Purpose: "test", Budget: keeper.BudgetImport}
	rand.Read(i.ID[:])
	return k.Client.Read(ctx, i, r)
}

// Documents keeps sealed documents in memory.
type Documents struct {
	mu    sync.Mutex
	blobs map[[32]byte][]byte
}

// Seal implements care.Documents.
func (d *Documents) Seal(_ context.Context, _ identity.PersonID, _ record.Kind, content care.Content) (record.Document, error) {
	var doc record.Document
	rand.Read(doc.Key[:])
	var b bytes.Buffer
	w, err := vault.SealDocument(&b, doc.Key[:])
	if err != nil {
		return doc, err
	}
	h := sha256.New()
	var whole bytes.Buffer
	if doc.Size, err = io.Copy(io.MultiWriter(w, h, &whole), content); err != nil {
		return doc, err
	}
	like, err := likeness.Of(&whole, doc.Size)
	if err != nil {
		return doc, err
	}
	if err := w.Close(); err != nil {
		return doc, err
	}
	copy(doc.Hash[:], h.Sum(nil))
	like.File = doc.Hash
	doc.Like = &like
	doc.Name, doc.Sealed = sha256.Sum256(b.Bytes()), int64(b.Len())
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.blobs == nil {
		d.blobs = map[[32]byte][]byte{}
	}
	d.blobs[doc.Name] = b.Bytes()
	return doc, nil
}

type opened struct{ *vault.Document }

func (opened) Close() error { return nil }

// Open implements care.Documents.
func (d *Documents) Open(_ context.Context, _ identity.PersonID, _ record.Kind, doc record.Document) (care.Opened, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b, ok := d.blobs[doc.Name]
	if !ok {
		return nil, store.ErrNoBlob
	}
	o, err := vault.OpenDocument(bytes.NewReader(b), int64(len(b)), doc.Key[:])
	return opened{o}, err
}

// Drop implements care.Documents.
func (d *Documents) Drop(_ context.Context, doc record.Document) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.blobs, doc.Name)
	return nil
}

// Len is how many documents there are.
func (d *Documents) Len() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.blobs)
}
