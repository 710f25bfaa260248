package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/format/fhir/fhirtest"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/keepertest"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/memory"
)

// nikFor makes a NIK that a patient's birth date and sex agree with.
func nikFor(t *testing.T, p map[string]any, serial int) string {
	t.Helper()
	at, err := time.Parse(time.DateOnly, p["birthDate"].(string))
	if err != nil {
		t.Fatal(err)
	}
	day := at.Day()
	if p["gender"] == "female" {
		day += 40
	}
	return fmt.Sprintf("990101%02d%02d%02d%04d", day, at.Month(), at.Year()%100, serial)
}

// TestSharedBundlesImport: every valid bundle of the collection beside the project, or of
// our own where it is not at hand, imports whole, a resource of 1.5 MiB with them, and
// what came in is read back.
func TestSharedBundlesImport(t *testing.T) {
	var names []string
	for _, pattern := range []string{"bundles/*", "bundles-gz/*", "id-derived/*"} {
		some, _ := filepath.Glob(filepath.Join("../../../shared/data/fhir", pattern))
		names = append(names, some...)
	}
	bundles, least := 50, 300
	if len(names) == 0 {
		bundles, least = 9, 130
		names, _ = filepath.Glob("../format/fhir/testdata/valid/*.json*")
	}
	in, niks := t.TempDir(), "patient,nik\n"
	entries, long := 0, 0
	for i, name := range names {
		raw := fhirtest.File(t, name)
		var b struct {
			Entry []struct{ Resource json.RawMessage }
		}
		if err := json.Unmarshal(raw, &b); err != nil {
			t.Fatal(err)
		}
		entries += len(b.Entry)
		for _, e := range b.Entry {
			if len(e.Resource) > 64<<10 {
				long++
			}
			var p map[string]any
			if json.Unmarshal(e.Resource, &p) == nil && p["resourceType"] == "Patient" && !strings.Contains(string(e.Resource), record.NIKSystem) {
				niks += fmt.Sprintf("%s,%s\n", p["id"], nikFor(t, p, 1000+i))
			}
		}
		if err := os.WriteFile(filepath.Join(in, fmt.Sprintf("%03d.json", i)), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if len(names) < bundles || entries < least {
		t.Fatalf("%d bundles with %d entries", len(names), entries)
	}
	text := strings.Repeat("YWJj", 1<<19/4*3)
	big := fmt.Sprintf(`{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","identifier":[{"system":%q,"value":"9901010101909999"}],"name":[{"text":"Orang Besar"}],"gender":"male","birthDate":"1990-01-01"},"request":{"method":"POST","url":"Patient"}},
		{"fullUrl":"urn:uuid:2","resource":{"resourceType":"DocumentReference","status":"current","subject":{"reference":"urn:uuid:1"},"content":[{"attachment":{"contentType":"text/plain","data":%q}}]},"request":{"method":"POST","url":"DocumentReference"}}]}`, record.NIKSystem, text)
	if err := os.WriteFile(filepath.Join(in, "big.json"), []byte(big), 0o600); err != nil {
		t.Fatal(err)
	}
	o, table := importer(t, niks)
	waiting := func(int64, int64, int64) {
		if err := o.DB.View(t.Context(), func(s store.Stores) error {
			some, err := s.Records.Following(0, 1)
			if len(some) > 0 {
				t.Error("a batch is in and colours have not followed: what is left for later is opened again, one by one")
			}
			return err
		}); err != nil {
			t.Error(err)
		}
	}
	got, err := o.ImportRecords(t.Context(), RecordOptions{Path: in, Facility: "rs-99-001", Register: true, NIKs: table, Errors: t.TempDir(), Progress: waiting})
	if err != nil {
		t.Fatal(err)
	}
	// Somebody who is in two bundles has one Patient: that entry is known the second time.
	if got.Refused != 0 || got.Aside != 0 || got.Entered+got.Known+got.Aside != entries+2 {
		t.Errorf("%+v of %d entries", got, entries+2)
	}
	t.Logf("%d bundles, %d entries, %d of them over 64 KiB: entered %d, known %d, set aside %d, refused %d, people %d",
		len(names)+1, entries+2, long+1, got.Entered, got.Known, got.Aside, got.Refused, got.People)
	c, err := o.care()
	if err != nil {
		t.Fatal(err)
	}
	nik, err := identity.ParseNIK("9901010101909999")
	if err != nil {
		t.Fatal(err)
	}
	who, err := c.Find(t.Context(), nik)
	if err != nil {
		t.Fatal(err)
	}
	all, err := c.Exported(t.Context(), who.Person, func(ctx context.Context, r keeper.Read) (keeper.Opened, error) {
		i := keeper.Intent{ID: [16]byte{1}, Actor: "test", Purpose: "test", Budget: keeper.BudgetImport}
		_, out, err := o.Keeper.Read(ctx, i, []keeper.Read{r})
		if err != nil {
			return keeper.Opened{}, err
		}
		return out[0], out[0].Err
	})
	found := func(r care.Record) bool { return r.Type == "DocumentReference" && bytes.Contains(r.Body, []byte(text)) }
	if err != nil || len(all) != 2 || !found(all[1]) {
		t.Errorf("the long resource is read back: %d %v", len(all), err)
	}
}

// TestSharedExportImports: a bulk export as servers write it, a file for each type, comes in
// whole: what is a patient's is entered, what is no patient's is left out and counted, and
// nothing of it fails.
func TestSharedExportImports(t *testing.T) {
	folder := "../../../shared/data/fhir/ndjson"
	names, _ := filepath.Glob(filepath.Join(folder, "*.ndjson"))
	if len(names) == 0 {
		t.Skip("no collection beside the project")
	}
	lines, of := 0, map[string]int{}
	niks := "patient,nik\n"
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(raw) {
			var r map[string]any
			if err := json.Unmarshal(line, &r); err != nil {
				t.Fatal(err)
			}
			typ := r["resourceType"].(string)
			lines++
			if of[typ]++; typ == "Patient" {
				niks += fmt.Sprintf("%s,%s\n", r["id"], nikFor(t, r, 1000+lines))
			}
		}
	}
	out := of["Location"] + of["Organization"] + of["Practitioner"]
	if lines < 3000 || out < 100 {
		t.Fatalf("%d lines, %d of no patient", lines, out)
	}
	o, table := importer(t, niks)
	opt := RecordOptions{Path: folder, Facility: "rs-99-001", Register: true, NIKs: table, Errors: t.TempDir()}
	got, err := o.ImportRecords(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	want := RecordsImported{Files: len(names), Lines: int64(lines), Entered: lines - out, Out: out, People: of["Patient"]}
	if got != want {
		t.Errorf("imported %+v, want %+v", got, want)
	}
	opt.Again = true
	want.Entered, want.Known, want.People = 0, lines-out, 0
	if got, err = o.ImportRecords(t.Context(), opt); err != nil || got != want {
		t.Errorf("again: %+v %v, want %+v", got, err, want)
	}
}

// importer is an operator of an empty installation, and the file of a table of NIKs.
func importer(t *testing.T, niks string) (o *Operator, table string) {
	t.Helper()
	table = filepath.Join(t.TempDir(), "niks.csv")
	if err := os.WriteFile(table, []byte(niks), 0o600); err != nil {
		t.Fatal(err)
	}
	rules, err := status.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return &Operator{DB: memory.New(), Keeper: keepertest.Serve(t, durabletest.New(1)), rules: rules, now: time.Now}, table
}
