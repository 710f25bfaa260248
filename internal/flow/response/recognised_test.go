package response_test

import (
	"crypto/sha256"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/binomial"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/flow/response"
	"github.com/amanah-project/amanah/internal/trace/stranger"
)

// people are a copy's rows without its canaries, who are nobody of ours.
func (s *stand) people(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		known := b.Len() == 0 && !strings.HasPrefix(line, "{") // a head
		for _, n := range s.niks {
			known = known || strings.Contains(line, n.Reveal())
		}
		if known {
			b.WriteString(line)
		}
	}
	return b.String()
}

// TestRecognised measures what is recognised of rows of ours, in two forms of a copy that a
// stranger posts in many ways, and holds what is taken for it against that. It is one number for
// all ways because it is of rows that tell; of each way nearly all of these are recognised.
func TestRecognised(t *testing.T) {
	seeds := uint64(60)
	if os.Getenv("SOAK") == "1" {
		seeds = 500
	}
	s := open(t, 24)
	var texts [][]byte
	for _, form := range []staff.Form{staff.FormCSV, staff.FormNDJSON} {
		_, text := s.copy(form)
		texts = append(texts, []byte(s.people(text)))
	}
	var got leak.Count
	told := int64(0)
	for seed := range seeds {
		post, err := stranger.Post(seed, texts[seed%2])
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(post.Done, "invented") {
			continue // rows that are nobody's
		}
		c := s.once(post.Name, string(post.File)).Counts
		found, of := c.Telling()
		got.Found, got.Tried = got.Found+found, got.Tried+of
		if told += min(of, 1); found < of {
			t.Logf("%d of %d (rows %d, matched %d, mute %d): %s", found, of, c.Rows, c.Matched, c.Mute(), post.Done)
		}
		if 10*found < 9*of {
			t.Errorf("%d of %d rows that tell are recognised after %s", found, of, post.Done)
		}
	}
	bounds, taken := binomial.Interval(got.Found, got.Tried, 1e-6), float64(response.Recognised.Found)/float64(response.Recognised.Tried)
	t.Logf("%d of %d rows in %d postings (%.4f to %.4f)", got.Found, got.Tried, told, bounds.Low, bounds.High)
	if taken < bounds.Low || taken > bounds.High || told < int64(seeds)/3 {
		t.Errorf("%.4f is taken for what is %.4f to %.4f", taken, bounds.Low, bounds.High)
	}
}

// TestSpoiltIsNobodys: what has no row that is recognised is not another's for that: it may be
// ours, spoilt on purpose. The control has numbers of records, and none of ours.
func TestSpoiltIsNobodys(t *testing.T) {
	s := open(t, 8)
	_, text := s.copy(staff.FormCSV)
	copied, err := stranger.Read([]byte(s.people(text)))
	if err != nil {
		t.Fatal(err)
	}
	drop := func(string) string { return "" }
	hash := func(v string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte("salt"+v))) }
	other := func(v string) string { return v[:6] + "550188" + v[12:] } // of women born on the 15th
	for what, spoil := range map[string]map[string]func(string) string{
		"nobody's, with facility and day": {"nik": drop, "name": drop, "record": drop, "phone": drop, "address": drop, "birth_date": drop},
		"names, numbers hashed":           {"nik": hash, "record": hash, "phone": drop, "birth_date": drop, "address": drop},
		"numbers alone":                   {"name": drop, "record": drop, "phone": drop, "address": drop, "facility": drop, "date": drop, "updated": drop},
		"other people's numbers":          {"nik": other, "name": hash, "record": drop, "phone": drop, "address": drop},
	} {
		var b strings.Builder
		w := csv.NewWriter(&b)
		for k := range 20 { // what is said often enough
			for i, row := range append([][]string{copied.Names}, copied.Rows...) {
				if i == 0 && k > 0 || i > 0 && row[0] == copied.Names[0] {
					continue
				}
				row = slices.Clone(row)
				for c, name := range copied.Names {
					if strings.Contains(name, "token") || name == "source" {
						row[c] = map[bool]string{true: name}[i == 0]
					} else if do := spoil[name]; do != nil && i > 0 && row[c] != "" {
						row[c] = do(row[c])
					}
				}
				if err := w.Write(row); err != nil {
					t.Fatal(err)
				}
			}
		}
		w.Flush()
		c := s.once("spoilt.csv", b.String())
		if c.Ours.Finding == leak.Foreign || c.Counts.Rows < 400 {
			t.Errorf("%s: %v\n%s", what, c.Ours.Finding, c.Table())
		}
		if mute := what != "other people's numbers"; mute && (c.Counts.Matched > 0 || c.Ours.Interval.High < 0.95) {
			t.Errorf("%s: at most %.3f of it are ours\n%s", what, c.Ours.Interval.High, c.Table())
		}
	}
	var control strings.Builder
	for i := range 400 {
		fmt.Fprintf(&control, "%d-%d,Hospital Kuala Lumpur\n", i+900_000, 65538+i%9)
	}
	if c := s.once("control.csv", control.String()); c.Ours.Finding != leak.Foreign {
		t.Errorf("the control: %v\n%s", c.Ours.Finding, c.Table())
	}
}

// TestShareHasTwoEnds: of a copy with as many rows of people who are nobody the share lies
// between ends that are both inside, and of those people alone it is next to nothing, which
// does not make them another's.
func TestShareHasTwoEnds(t *testing.T) {
	s := open(t, 96) // enough invented rows for the lower end not to hang on how many there are
	rng := rand.New(rand.NewPCG(3, 4))
	nobody := func(n int, form string) string {
		var b strings.Builder
		for range n { // of a district where nobody of ours is
			born := time.Date(1960, 1, 1+rng.IntN(15_000), 0, 0, 0, 0, time.UTC)
			fmt.Fprintf(&b, form+"\n", fmt.Sprintf("33710%d%s%04d", 1+rng.IntN(5), born.Format("020106"), 1+rng.IntN(9999)),
				fmt.Sprintf("Orang %c", 'A'+rng.IntN(26)), born.Format(time.DateOnly), fmt.Sprintf("+62813%07d", rng.IntN(10_000_000)))
		}
		return b.String()
	}
	c := s.trace("invented.csv", "nik,nama,tgl_lahir,telp\n"+nobody(2000, "%s,%s,%s,%s"))
	s.established("invented", c)
	if c.Ours.Finding != leak.Unclear || c.Ours.Interval.High > 0.01 || c.Counts.Mute() > 2 {
		t.Errorf("invented: %v\n%s", c.Ours.Interval, c.Table())
	}
	copied, text := s.copy(staff.FormNDJSON)
	text = s.people(text)
	ours := strings.Count(text, "\n")
	c = s.trace("mixed.ndjson", text+nobody(ours, `{"nik":"%s","name":"%s","birth_date":"%s","phone":"%s"}`))
	s.established("half of it invented", c, copied)
	if c.Ours.Finding != leak.Proven || c.Ours.Interval.Low < 0.3 || c.Ours.Interval.Low > 0.5 || c.Ours.Interval.High < 0.5 || c.Ours.Interval.High > 0.75 {
		t.Errorf("half of it invented: %v\n%s", c.Ours.Interval, c.Table())
	}
}
