package export_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak/mark"
	"github.com/amanah-project/amanah/internal/domain/leak/mark/marktest"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/care/caretest"
	"github.com/amanah-project/amanah/internal/format/fhir"
	"github.com/amanah-project/amanah/internal/format/fhir/fhirtest"
	"github.com/amanah-project/amanah/internal/format/table"
	"github.com/amanah-project/amanah/internal/keeper"
)

const siti = `{"resourceType":"Patient","identifier":[{"system":"https://fhir.kemkes.go.id/id/nik","value":"9901010403900001"}],"name":[{"use":"official","text":"Siti Rahma"}],
"telecom":[{"system":"phone","value":"+628123456789"}],"birthDate":"1990-03-04","address":[{"line":["Jl. Kenari No. 4","RT 1/RW 8"],"country":"ID"}]}`

// give enters resources of one of the stand's people.
func (s *stand) give(nik identity.NIK, items ...care.Item) identity.PersonID {
	s.T.Helper()
	who, err := s.Care.Find(s.T.Context(), nik)
	if err != nil {
		s.T.Fatal(err)
	}
	by := care.Caller{Actor: "client-1", Facility: "rs-99-001", Role: staff.RoleClient, Rights: staff.Enter | staff.Correct | staff.View}
	done, err := s.Care.Enter(s.T.Context(), by, []care.Entry{{Person: who.Person, Items: items}})
	if err == nil {
		err = done[0].Err
	}
	if err != nil {
		s.T.Fatal(err)
	}
	return who.Person
}

// exported writes an export in a form, approved, and returns what its recipient reads.
func (s *stand) exported(form staff.Form, niks []identity.NIK) string {
	s.T.Helper()
	s.asked++
	people, err := s.flow.People(s.T.Context(), niks)
	if err != nil {
		s.T.Fatal(err)
	}
	r, err := s.flow.Request(s.T.Context(), fmt.Sprint("research ", form, " ", s.asked), s.to.Recipient().String(), form, people)
	if err != nil {
		s.T.Fatal(err)
	}
	s.Approve(r.ID(), "officer-1")
	s.Approve(r.ID(), "officer-2")
	disk := durabletest.New(1)
	if done, err := s.flow.Run(s.T.Context(), r.ID(), people, disk); err != nil || done.Written != done.Parts {
		s.T.Fatalf("%s: %+v %v", form, done, err)
	}
	return s.read(disk)
}

// TestForms: each form holds the person, the NIK untouched, under tokens that are its own.
func TestForms(t *testing.T) {
	s := open(t, 1)
	s.give(s.niks[0], care.Item{Resource: s.Site.Read(siti)})
	seen := map[string]bool{}
	for form, token := range map[staff.Form]string{
		staff.FormFHIR: `{"system":"` + mark.TokenSystem + `","code":"`, staff.FormNDJSON: `{"token":"`, staff.FormCSV: "source\r\n", staff.FormXLSX: "PK", staff.FormPDF: "(token: ",
	} {
		text := s.exported(form, s.niks)
		_, rest, found := strings.Cut(text, token)
		if !found || len(rest) < 16 || seen[rest[:16]] {
			t.Errorf("%s: no token of its own", form)
			continue
		}
		seen[rest[:16]] = true
		if form != staff.FormXLSX && (!strings.Contains(text, "9901010403900001") || !strings.Contains(text, "canary-1")) {
			t.Errorf("%s: %s", form, text)
		}
	}
	rows, err := csv.NewReader(strings.NewReader(s.exported(staff.FormCSV, s.niks))).ReadAll()
	if err != nil || len(rows) != 3 || !slices.Equal(rows[0], record.Columns()) {
		t.Errorf("%d rows: %v", len(rows), err)
	}
}

// TestContentOfCopies: what the collection's people have says the same in a copy, in FHIR
// resource by resource and in CSV cell by cell, as it was recorded.
func TestContentOfCopies(t *testing.T) {
	var names []string
	for _, pattern := range []string{"../../../../shared/data/fhir/bundles*/*", "../../../../shared/data/fhir/id-derived/*"} {
		some, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, some...)
	}
	if len(names) == 0 { // a clone without the collection has our own
		names, _ = filepath.Glob("../../format/fhir/testdata/valid/*.json*")
	}
	s := open(t, len(names))
	var niks []identity.NIK
	for i, name := range names {
		raw := fhirtest.File(t, name)
		b := s.Site.Read(string(raw))
		e, err := care.Bundle(b, 1)
		if err != nil {
			t.Logf("%s: %v", filepath.Base(name), err)
			continue
		}
		s.give(s.niks[i], e.Items...)
		niks = append(niks, s.niks[i])
	}
	recorded := map[string]care.Record{}
	for _, nik := range niks {
		who, err := s.Care.Find(t.Context(), nik)
		if err != nil {
			t.Fatal(err)
		}
		all, err := s.Care.Exported(t.Context(), who.Person, func(ctx context.Context, r keeper.Read) (keeper.Opened, error) {
			_, o, err := caretest.Trusting{Client: s.Site.Keeper}.OpenRecords(ctx, keeper.Ask{}, []keeper.Read{r})
			if err != nil {
				return keeper.Opened{}, err
			}
			return o[0], o[0].Err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range all {
			recorded[r.Ref.String()] = r
		}
	}
	s.compareFHIR(recorded, s.exported(staff.FormFHIR, niks))
	s.compareCSV(recorded, s.exported(staff.FormCSV, niks))
	t.Logf("%d people, %d records", len(niks), len(recorded))
}

func (s *stand) compareFHIR(recorded map[string]care.Record, text string) {
	s.T.Helper()
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) != len(recorded) {
		s.T.Errorf("%d of %d records are in the copy", len(lines), len(recorded))
	}
	changed := 0
	for _, line := range lines {
		var id struct{ ID string }
		if err := json.Unmarshal([]byte(line), &id); err != nil {
			s.T.Fatal(err)
		}
		r := recorded[id.ID]
		raw, err := r.Resource()
		if err != nil {
			s.T.Fatal(id.ID, err)
		}
		want, err := marktest.Content(raw)
		if err != nil {
			s.T.Fatal(err)
		}
		got, err := marktest.Content([]byte(line))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			s.T.Errorf("%s: %v\n%s", id.ID, err, diff)
		}
		if string(raw) != line {
			changed++
		}
	}
	if changed != len(lines) {
		s.T.Errorf("%d of %d are marked", changed, len(lines))
	}
}

// compareCSV: all columns but those that hold a carrier are the same.
func (s *stand) compareCSV(recorded map[string]care.Record, text string) {
	s.T.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) < 2 {
		s.T.Fatal(len(rows), err)
	}
	at := func(name string) int { return slices.Index(rows[0], name) }
	patients := map[identity.PersonID]*fhir.Resource{}
	for _, r := range recorded {
		if r.Type == "Patient" {
			if patients[r.Ref.Person], err = fhir.Parse(r.Body); err != nil {
				s.T.Fatal(err)
			}
		}
	}
	n := 0
	for _, row := range rows[1:] {
		if slices.Equal(row, rows[0]) {
			continue // the head of another part
		}
		r, ok := recorded[row[at("record")]]
		if !ok {
			s.T.Errorf("a row of nothing recorded")
			continue
		}
		n++
		body, err := fhir.Parse(r.Body)
		if err != nil {
			s.T.Fatal(err)
		}
		want := record.Flat(patients[r.Ref.Person], body, &r.Meta, r.Ref, r.Version, "")
		for i, name := range rows[0] {
			switch name {
			case "token", "person_token", "updated", "version", "source", "name", "address", "phone", "country":
				continue
			}
			if got := table.Unquote(row[i]); got != strings.ReplaceAll(want[i], "\r\n", "\n") {
				s.T.Errorf("%s, %s: %q, recorded %q", r.Ref, name, got, want[i])
			}
		}
	}
	if n != len(recorded) {
		s.T.Errorf("%d of %d records are in the copy", n, len(recorded))
	}
}
