package care_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/care/caretest"
	"github.com/amanah-project/amanah/internal/store/sqlite"
)

// BenchmarkImport reads, seals and stores transaction bundles of 100 resources, 64
// people in one transaction, as an import does: SQLite and the keeper's journal on
// this machine's disk, both synced.
func BenchmarkImport(b *testing.B) {
	db, err := sqlite.Open(filepath.Join(b.TempDir(), "x.db"), sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	s := caretest.New(b, db)
	const people, each = 64, 100
	ids := make([]identity.PersonID, people)
	for i := range ids {
		ids[i] = s.Register(fmt.Sprintf("990101150890%04d", i+1), "Orang", "1990-08-15")
	}
	raw := make([][]byte, people)
	size := 0
	for i := range raw {
		entries := []string{patientOf(fmt.Sprintf("990101150890%04d", i+1), "Orang", "1990-08-15")}
		for n := range each - 1 {
			entries = append(entries, fmt.Sprintf(`{"resourceType":"Observation","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory","display":"laboratory"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"718-7","display":"Hemoglobin [Mass/volume] in Blood"}],"text":"Hemoglobin"},"subject":{"reference":"urn:uuid:Patient-0"},"effectiveDateTime":"2021-07-%02dT10:00:00+07:00","issued":"2021-07-01T10:00:00+07:00","valueQuantity":{"value":12.%02d,"unit":"g/dL","system":"http://unitsofmeasure.org","code":"g/dL"}}`, 1+n%28, n))
		}
		raw[i] = []byte(bundle(entries...))
		size += len(raw[i])
	}
	began := time.Now()
	for b.Loop() {
		entries := make([]care.Entry, people)
		for i := range raw {
			r, err := s.Care.Reader.Read(raw[i])
			if err == nil {
				entries[i], err = care.Bundle(r, 0)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		done, err := s.Care.Enter(b.Context(), hospital, entries)
		if err != nil {
			b.Fatal(err)
		}
		for _, d := range done {
			if d.Err != nil || d.Person == 0 {
				b.Fatal(d.Err, d.Reason)
			}
		}
	}
	b.ReportMetric(float64(b.N*people*each)/time.Since(began).Seconds(), "resources/s")
	b.ReportMetric(float64(size)/(people*each), "B/resource")
}
