package response_test

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/flow/response"
	"github.com/amanah-project/amanah/internal/trace/dump"
)

// tellsNothing holds that a trace accuses nobody and calls nothing ours.
func (s *stand) tellsNothing(what string, c *response.Case) {
	s.T.Helper()
	s.established(what, c)
	if c.Ours.Finding == leak.Proven || c.Counts.Matched != 0 || c.Patients != 0 || len(c.Snapshots) != 0 {
		s.T.Errorf("%s: %v, %d rows match\n%s", what, c.Ours.Finding, c.Counts.Matched, c.Table())
	}
	for _, f := range c.Found {
		if f.Grade > leak.CannotTell {
			s.T.Errorf("%s: %s of %s%s", what, f.Grade, f.Copy, f.Account)
		}
	}
}

// TestEmptyFile: of nothing, nothing can be told, and it is said that there was nothing.
func TestEmptyFile(t *testing.T) {
	s := open(t, 8)
	s.copy(staff.FormCSV)
	c := s.trace("empty.csv", "")
	s.tellsNothing("an empty file", c)
	if c.Ours.Finding != leak.Unclear || c.Counts.Rows != 0 || len(c.Files) != 1 || c.Files[0].Kind != dump.Empty || !strings.Contains(c.Table(), ": cannot tell\n") {
		t.Errorf("%+v\n%s", c.Files, c.Table())
	}
}

// published are statistics that are made of a copy: how many records there are by some columns,
// as an authority publishes them.
func published(t *testing.T, text string) string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, row := range rows[1:] {
		if row[0] == rows[0][0] {
			continue
		}
		at := func(name string) string { return row[slices.Index(rows[0], name)] }
		month, year := at("date"), at("birth_date")
		count[strings.Join([]string{at("type"), at("code"), month[:min(7, len(month))], year[:min(4, len(year))], at("nik")[:6]}, ",")]++
		count[strings.Join([]string{at("type"), at("code"), "", "", ""}, ",")]++
		count[strings.Join([]string{at("type"), "", "", year[:min(4, len(year))], at("nik")[:4]}, ",")]++
	}
	var out []string
	for what, n := range count {
		out = append(out, fmt.Sprintf("%s,%d,%.1f\n", what, n, 100*float64(n)/float64(len(rows)-1)))
	}
	slices.Sort(out)
	return "jenis,kode,bulan,tahun_lahir,kode_wilayah,jumlah,persen\n" + strings.Join(out, "")
}

// TestOwnStatistics: what we publish of our own records, counted, is not called a leak of ours.
// The control is what it was counted from.
func TestOwnStatistics(t *testing.T) {
	s := open(t, 24)
	copied, text := s.copy(staff.FormCSV)
	statistics := published(t, text)
	c := s.trace("statistics.csv", statistics)
	s.tellsNothing("our own statistics", c)
	if c.Ours.Finding != leak.Unclear || c.Counts.Rows < 8 {
		t.Errorf("%v of %d rows\n%s\n%s", c.Ours.Finding, c.Counts.Rows, statistics, c.Table())
	}
	s.established("the control", s.trace("sample.csv", text), copied)
}
