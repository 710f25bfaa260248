package response_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/care/caretest"
	"github.com/amanah-project/amanah/internal/flow/export"
	"github.com/amanah-project/amanah/internal/flow/indexing"
	"github.com/amanah-project/amanah/internal/flow/response"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/memory"
	"github.com/amanah-project/amanah/internal/trace/index"
)

// stand is a place with people who have records, two officers and an index.
type stand struct {
	*testing.T
	*caretest.Site
	*caretest.Officers
	export *export.Flow
	niks   []identity.NIK
	to     *age.X25519Identity
	index  *index.Store
	fed    durable.FS
	asked  int
}

func open(t *testing.T, people int) *stand {
	t.Helper()
	s := &stand{T: t, Site: caretest.Canaried(t, memory.New()), fed: durabletest.New(2)}
	var err error
	if s.to, err = age.GenerateX25519Identity(); err != nil {
		t.Fatal(err)
	}
	if s.index, err = index.OpenStore(durabletest.New(1)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.index.Close() })
	if _, err := s.Keeper.Register(t.Context(), 40); err != nil { // numbers of nobody's, enough for all canaries
		t.Fatal(err)
	}
	hospital := care.Caller{Actor: "client-1", Facility: "rs-99-001", Role: staff.RoleClient, Rights: staff.Enter | staff.Correct | staff.View}
	for i := range people {
		text := fmt.Sprintf("99010104039%05d", i+1)
		nik, err := identity.ParseNIK(text)
		if err != nil {
			t.Fatal(err)
		}
		name := "Warga " + strings.Repeat(string(rune('A'+i%26)), 1+i/26)
		who := s.Site.Register(text, name, "1990-03-04")
		s.niks = append(s.niks, nik)
		var items []care.Item
		patient := fmt.Sprintf(`{"resourceType":"Patient","identifier":[{"system":"https://fhir.kemkes.go.id/id/nik","value":%q}],"name":[{"use":"official","text":%q}],"birthDate":"1990-03-04","telecom":[{"system":"phone","value":"+6281200000%03d"}],"address":[{"use":"home","line":["Jalan Kenanga No. %d RT 001/RW 008"],"city":"Kota Uji"}]}`, text, name, i, i+1)
		items = append(items, care.Item{Resource: s.Site.Read(patient)})
		for k := range 2 {
			items = append(items, care.Item{Resource: s.Site.Read(fmt.Sprintf(`{"resourceType":"Condition","subject":{"reference":"Patient/%d"},"code":{"text":"batuk %d"}}`, who, k))})
		}
		done, err := s.Care.Enter(t.Context(), hospital, []care.Entry{{Person: who, Items: items}})
		if err != nil || done[0].Err != nil {
			t.Fatal(err, done)
		}
	}
	s.Officers = s.Site.Officers()
	s.export = &export.Flow{DB: s.DB, Keeper: s.Server, Care: s.Care, Now: time.Now, Canaries: invented}
	feed := indexing.Flow{DB: s.DB, Keeper: s.Keeper, Index: s.index, State: s.fed, Actor: "test", Budget: keeper.BudgetImport, Page: 100}
	if _, err := feed.Drain(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return s
}

// copy makes a copy through the product and returns its name and what its recipient reads.
func (s *stand) copy(form staff.Form) (leak.Copy, string) {
	s.T.Helper()
	people, err := s.export.People(s.T.Context(), s.niks)
	if err != nil {
		s.T.Fatal(err)
	}
	s.asked++
	r, err := s.export.Request(s.T.Context(), fmt.Sprint("audit ", s.asked), s.to.Recipient().String(), form, people)
	if err != nil {
		s.T.Fatal(err)
	}
	s.Approve(r.ID())
	disk := durabletest.New(3)
	if _, err := s.export.Run(s.T.Context(), r.ID(), people, disk); err != nil {
		s.T.Fatal(err)
	}
	return export.CopyOf(r.ID()), caretest.Parts(s.T, disk, s.to)
}

// trace has a file's trace approved and run, twice into two folders, and returns what it
// came to.
func (s *stand) trace(name, content string) *response.Case {
	s.T.Helper()
	id, path, body := s.ask(name, content)
	f := s.flow()
	if _, err := f.Run(s.T.Context(), id, []string{path}, body); !errors.Is(err, keeper.ErrTrace) {
		s.T.Errorf("nobody approved: %v", err)
	}
	s.Approve(id)
	other := body
	other.Size++
	if _, err := f.Run(s.T.Context(), id, []string{path}, other); !errors.Is(err, response.ErrOther) {
		s.T.Errorf("other files: %v", err)
	}
	var first []byte
	var c *response.Case
	for run := range 3 {
		if run != 1 { // the second goes on from what the first kept
			f.Case = durabletest.New(uint64(10 + run))
		}
		var err error
		if c, err = f.Run(s.T.Context(), id, []string{path}, body); err != nil {
			s.T.Fatal(err)
		}
		raw, err := durable.ReadFile(f.Case, "result.json")
		if err != nil {
			s.T.Fatal(err)
		}
		if kept, _ := durable.ReadFile(f.Case, "observed.sealed"); bytes.Contains(kept, []byte("Warga")) || bytes.Contains(raw, []byte("990101040")) {
			s.T.Error("the case folder names people")
		}
		if first != nil && !bytes.Equal(first, raw) {
			s.T.Errorf("run %d came to something else:\n%s\n%s", run, first, raw)
		}
		first = raw
	}
	return c
}

// ask asks for a file's trace.
func (s *stand) ask(name, content string) (staff.RequestID, string, staff.Trace) {
	s.T.Helper()
	path := filepath.Join(s.T.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		s.T.Fatal(err)
	}
	one := sha256.Sum256([]byte(content))
	body := staff.Trace{Evidence: sha256.Sum256(fmt.Appendf(nil, "%s %d\n", hex.EncodeToString(one[:]), len(content))), Files: 1, Size: int64(len(content))}
	now := time.Now().Truncate(time.Second)
	s.asked++
	r := staff.Request{Kind: staff.AskTrace, Purpose: fmt.Sprint("case ", s.asked), Asked: now, Until: now.Add(time.Hour), Body: body.Body()}
	if err := s.DB.Update(s.T.Context(), func(st store.Stores) error { return st.Requests.Put(r) }); err != nil {
		s.T.Fatal(err)
	}
	return r.ID(), path, body
}

func (s *stand) flow() response.Flow {
	return response.Flow{DB: s.DB, Keeper: s.Keeper, Index: s.index, Case: durabletest.New(4), Workers: 2, Version: "test"}
}

// once has a file's trace approved and run.
func (s *stand) once(name, content string) *response.Case {
	s.T.Helper()
	id, path, body := s.ask(name, content)
	s.Approve(id)
	f := s.flow()
	c, err := f.Run(s.T.Context(), id, []string{path}, body)
	if err != nil {
		s.T.Fatal(err)
	}
	return c
}

func (s *stand) established(what string, c *response.Case, want ...leak.Copy) {
	s.T.Helper()
	var got []string
	for _, f := range c.Found {
		if f.Grade == leak.Established {
			got = append(got, f.Copy)
		}
	}
	var names []string
	for _, w := range want {
		names = append(names, hex.EncodeToString(w[:]))
	}
	if strings.Join(got, " ") != strings.Join(names, " ") || c.Decoys.Accused != 0 {
		s.T.Errorf("%s: established %v, want %v\n%s", what, got, names, c.Table())
	}
}

// TestTrials: a file of one copy among several names that copy and no other, whole, sorted,
// cut, or without its header; what others leaked of the same citizens accuses nobody.
func TestTrials(t *testing.T) {
	s := open(t, 8)
	copies := map[leak.Copy]string{}
	for range 3 {
		c, text := s.copy(staff.FormCSV)
		copies[c] = text
	}
	for c, text := range copies {
		s.established("whole", s.trace("sample.csv", text), c)
		lines := strings.SplitAfter(text, "\n")
		s.established("half, without header", s.trace("half.txt", strings.Join(lines[1:len(lines)/2], "")), c)
	}
	c, text := s.copy(staff.FormFHIR)
	s.established("FHIR", s.trace("sample.ndjson", text), c)

	var foreign strings.Builder
	foreign.WriteString("nik,nama,tgl_lahir\n")
	for i, n := range s.niks {
		fmt.Fprintf(&foreign, "%s,Warga %c,1990-03-04\n", n.Reveal(), 'A'+i)
	}
	got := s.trace("foreign.csv", foreign.String())
	s.established("the same citizens, by somebody else", got)
	for _, f := range got.Found {
		if f.Grade != leak.NotOurs && f.Grade != leak.CannotTell {
			t.Errorf("the same citizens: %s of %s%s", f.Grade, f.Copy, f.Account)
		}
	}
	got = s.trace("statistics.csv", "provinsi,kasus\nAceh,12\nBali,30\n")
	if s.tellsNothing("somebody's statistics", got); got.Ours.Interval.High < 1 {
		t.Errorf("rows that say nothing are at most %.3f ours", got.Ours.Interval.High)
	}
	var invented strings.Builder
	for i := range 200 {
		fmt.Fprintf(&invented, "337101%02d0390%04d,Orang %c,1990-03-%02d\n", i%28+1, i+1, 'A'+i%26, i%28+1)
	}
	got = s.trace("invented.csv", "nik,nama,tgl_lahir\n"+invented.String())
	if s.established("invented", got); got.Ours.Finding != leak.Unclear || got.Ours.Interval.High >= 0.1 {
		t.Errorf("invented people: %v, at most %.3f ours", got.Ours.Finding, got.Ours.Interval.High)
	}
}
