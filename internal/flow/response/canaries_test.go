package response_test

import (
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/canary"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/flow/response"
)

// invented are the canaries of all copies of these tests.
var invented = canary.Spec{
	Range: canary.Range{Regions: []uint32{990151}, From: 31, To: 60}, Phones: []uint32{6281200}, Group: 40, Unique: 5, Percent: 40,
}

// columns is a copy as somebody posts it who keeps some columns, as they write them.
func columns(t *testing.T, text string, write func(name, value string) string, names ...string) string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	w := csv.NewWriter(&out)
	said := map[string]bool{}
	for _, row := range rows[1:] {
		var kept []string
		for _, n := range names {
			kept = append(kept, write(n, row[slices.Index(rows[0], n)]))
		}
		if line := strings.Join(kept, ","); row[0] != rows[0][0] && !said[line] { // one line a person
			said[line] = true
			if err := w.Write(kept); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.Flush()
	return out.String()
}

// part returns what a domain said of a copy.
func part(c *response.Case, of leak.Copy, d leak.Domain) (p leak.Part) {
	for _, f := range c.Found {
		for _, one := range f.Parts {
			if f.Copy == hex.EncodeToString(of[:]) && one.Domain == d {
				p = one
			}
		}
	}
	return p
}

// TestCanaries: where tokens and carriers are gone, the canaries name their copy, and no
// other: by NIKs alone, by names in other letters with birth dates in another order, by NIKs that
// a spreadsheet rounded; and whoever guesses the range and fills it names nobody.
func TestCanaries(t *testing.T) {
	s := open(t, 24)
	for range 2 {
		s.copy(staff.FormCSV)
	}
	guilty, text := s.copy(staff.FormCSV)
	other := func(name, value string) string {
		switch {
		case name == "name":
			words := strings.Fields(strings.ToLower(value))
			slices.Reverse(words)
			return strings.Join(words, " ")
		case name == "birth_date" && len(value) == 10:
			return value[8:] + "/" + value[5:7] + "/" + value[:4]
		case name == "nik" && len(value) == 16:
			return value[:15] + "0"
		}
		return value
	}
	same := func(_, value string) string { return value }
	for what, posted := range map[string]string{
		"NIKs alone":                columns(t, text, same, "nik"),
		"NIKs rounded, and names":   columns(t, text, other, "nik", "name"),
		"names and birth dates":     columns(t, text, other, "name", "birth_date"),
		"telephone numbers and all": columns(t, text, same, "phone", "birth_date", "name", "nik"),
	} {
		c := s.trace("posted.csv", posted)
		s.established(what, c, guilty)
		own, group := part(c, guilty, leak.Uniques), part(c, guilty, leak.Canaries)
		if own.Found < 4 || group.Found != group.Used || group.Used != c.Canaries || c.Canaries == 0 {
			t.Errorf("%s: own canaries %+v, group canaries %+v of %d\n%s", what, own, group, c.Canaries, c.Table())
		}
		if !strings.Contains(c.Table(), "unique canaries") {
			t.Errorf("%s: the table does not show them", what)
		}
	}
	var planted strings.Builder
	planted.WriteString("nik,nama\n")
	for day := 1; day <= 28; day++ {
		for month := 1; month <= 12; month++ {
			for year := 60; year < 75; year++ {
				n, err := identity.ParseNIK(fmt.Sprintf("990151%02d%02d%02d%04d", day, month, year, 31+10*(year%3)))
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&planted, "%s,Warga Rekaan\n", n.Reveal())
			}
		}
	}
	s.established("planted", s.trace("planted.csv", planted.String()))
}
