package response_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/staff"
)

// TestOtherCountries: dumps of other countries' people, in the forms in which such were posted,
// name no copy, account or view, whatever their numbers look like. What claims records as we
// number them, and has none right, is not ours; of what has nothing that we could know it by,
// nothing can be told, since a dump of ours without such columns looks the same. The control is
// a copy of ours of a fortieth of their size.
func TestOtherCountries(t *testing.T) {
	s := open(t, 8)
	copied, text := s.copy(staff.FormCSV)
	rng := rand.New(rand.NewPCG(5, 5))
	digits := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte('0' + byte(rng.IntN(10)))
		}
		return b.String()
	}
	pick := func(all ...string) string { return all[rng.IntN(len(all))] }
	for name, row := range map[string]func(i int) string{
		"malaysia.csv": func(int) string { // MyKad: birth date, place, serial
			return fmt.Sprintf("%02d%02d%02d-%02d-%s,%s BIN %s,+601%s,No %d Jalan Ampang", rng.IntN(99), rng.IntN(12)+1, rng.IntN(28)+1, rng.IntN(14)+1, digits(4), pick("AHMAD", "SITI", "NUR"), pick("ALI", "HASSAN"), digits(8), rng.IntN(90))
		},
		"india.tsv": func(int) string { // Aadhaar
			return fmt.Sprintf("%s %s %s\t%s %s\t+91%s\t%s", digits(4), digits(4), digits(4), pick("Anil", "Sunita", "Dewi"), pick("Kumar", "Devi", "Lestari"), digits(10), pick("B.1.617.2", "RT-PCR positive"))
		},
		"china.ndjson": func(int) string { // 18 digits, the last of which may be an X
			return fmt.Sprintf(`{"id":"%s19%02d%02d%02d%s%s","name":"%s","phone":"1%s"}`, digits(6), rng.IntN(99), rng.IntN(12)+1, rng.IntN(28)+1, digits(3), pick("X", "1", "7"), pick("王伟", "李娜"), digits(10))
		},
		"brazil.sql": func(int) string { // CPF
			return fmt.Sprintf("INSERT INTO pacientes VALUES ('%s.%s.%s-%s','%s %s','19%02d-0%d-1%d');", digits(3), digits(3), digits(3), digits(2), pick("Maria", "José"), pick("Silva", "Santos"), rng.IntN(99), rng.IntN(9)+1, rng.IntN(9))
		},
		"iran.csv": func(i int) string {
			return fmt.Sprintf("%s;%s;%d", digits(10), pick("علی رضایی", "زهرا محمدی"), i)
		},
		"cards.csv": func(int) string { // 16 digits, as a NIK has, and names of here
			return fmt.Sprintf("4%s,%s %s,%02d/%02d", digits(15), pick("Budi", "Siti", "Warga"), pick("Santoso", "Rahma", "A"), rng.IntN(12)+1, rng.IntN(9)+27)
		},
		"records.csv": func(i int) string { // another system's record numbers of the same shape, with facilities
			return fmt.Sprintf("%d-%d,Hospital Kuala Lumpur,2021-0%d-1%d,%s", i+900_000, 65538+rng.IntN(9), rng.IntN(9)+1, rng.IntN(9), digits(12))
		},
	} {
		var b strings.Builder
		for i := range 1000 {
			b.WriteString(row(i))
			b.WriteByte('\n')
		}
		c := s.trace(name, b.String())
		s.established(name, c)
		if c.Ours.Finding == leak.Proven || name == "records.csv" && c.Ours.Finding != leak.Foreign || c.Counts.Matched != 0 || len(c.Snapshots) != 0 {
			t.Errorf("%s: %v, %d of %d rows match\n%s", name, c.Ours.Finding, c.Counts.Matched, c.Counts.Rows, c.Table())
		}
		for _, f := range c.Found {
			if f.Grade > leak.CannotTell {
				t.Errorf("%s: %s of %s%s", name, f.Grade, f.Copy, f.Account)
			}
		}
	}
	if c := s.trace("ours.csv", text); c.Ours.Finding == leak.Foreign {
		t.Errorf("the control is not ours:\n%s", c.Table())
	} else {
		s.established("the control", c, copied)
	}
}
