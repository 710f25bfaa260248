package dispute_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/dispute"
	"github.com/amanah-project/amanah/internal/domain/venue"
)

var noon = time.Date(2026, 11, 25, 5, 0, 0, 0, time.UTC)

// TestNumberErrors: of every number written, each wrong digit and each exchange of
// neighbours is found.
func TestNumberErrors(t *testing.T) {
	found := 0
	for _, n := range []dispute.Number{{2026, 1}, {2026, 123}, {2027, 999_999}, {2030, 1_000_000}, {2099, 405_060}} {
		s := n.String()
		if got, err := dispute.ParseNumber(s); err != nil || got != n {
			t.Fatalf("%s: %v, %v", s, got, err)
		}
		if got, err := dispute.ParseNumber(strings.ToLower(strings.ReplaceAll(s, "-", ""))); err != nil || got != n {
			t.Errorf("%s as it is typed: %v, %v", s, got, err)
		}
		plain := strings.ReplaceAll(s, "-", "")
		for i := 1; i < len(plain); i++ {
			for d := byte('0'); d <= '9'; d++ {
				if b := []byte(plain); b[i] != d {
					b[i] = d
					found++
					if got, err := dispute.ParseNumber(string(b)); !errors.Is(err, dispute.ErrNumber) {
						t.Errorf("%s for %s: %v", b, plain, got)
					}
				}
			}
			if b := []byte(plain); i+1 < len(b) && b[i] != b[i+1] {
				b[i], b[i+1] = b[i+1], b[i]
				found++
				if got, err := dispute.ParseNumber(string(b)); !errors.Is(err, dispute.ErrNumber) {
					t.Errorf("%s for %s: %v", b, plain, got)
				}
			}
		}
	}
	if found < 500 {
		t.Errorf("only %d errors were tried", found)
	}
	for _, s := range []string{"", "D", "D-", "D-2026", "2026-000123-7", "X-2026-000001-3", "D-2026-000000-0", "D-٢٠٢٦-000001-3", "D-2026-0000000001-1", strings.Repeat("D", 99)} {
		if n, err := dispute.ParseNumber(s); !errors.Is(err, dispute.ErrNumber) {
			t.Errorf("%q: %v", s, n)
		}
	}
}

// TestWords: what a person may write, each wrong beside the right one.
func TestWords(t *testing.T) {
	for about, ok := range map[string]bool{
		"colour": true, "0199a3f1c2d80f4e5a6b7c8d9e0f1a2b": true, "case-positive": true,
		"": false, "0199a3": false, "Siti": false, "a b": false, "9-x": false, strings.Repeat("a", 41): false,
	} {
		if _, err := dispute.NewFiling(about, "x", noon); (err == nil) != ok || err != nil && !errors.Is(err, dispute.ErrAbout) {
			t.Errorf("about %q: %v", about, err)
		}
	}
	for text, ok := range map[string]bool{
		"x": true, " dua\nbaris ": true, strings.Repeat("妈", 500): true,
		"": false, " \n ": false, strings.Repeat("x", 501): false, "a\x00b": false, "\xff": false, "a\tb": false, "a\u202eb": false,
	} {
		if _, err := dispute.NewFiling("colour", text, noon); (err == nil) != ok || err != nil && !errors.Is(err, dispute.ErrText) {
			t.Errorf("text %q: %v", text, err)
		}
	}
	for by, ok := range map[string]bool{"desk/17": true, "rs-1.2": true, "": false, "x": false, "Ibu Rina": false, strings.Repeat("a", 41): false} {
		if err := dispute.CheckClerk(by); (err == nil) != ok {
			t.Errorf("by %q: %v", by, err)
		}
	}
	if _, err := dispute.NewAnswer(dispute.Number{Year: 2026, Count: 1}, dispute.Upheld, "desk/17", strings.Repeat(`"`, 400), noon); !errors.Is(err, dispute.ErrReason) {
		t.Errorf("an answer that would be cut: %v", err)
	}
}

// TestClock: 3 x 24 hours to the second, and an answer that came late stays late.
func TestClock(t *testing.T) {
	d := dispute.Dispute{Filed: noon, Due: noon.Add(dispute.AnswerWithin)}
	if d.Overdue(noon.Add(72*time.Hour)) || !d.Overdue(noon.Add(72*time.Hour+time.Second)) {
		t.Error("the clock")
	}
	d.Outcome, d.Answered = dispute.Declined, noon.Add(73*time.Hour)
	if !d.Overdue(noon) {
		t.Error("a late answer")
	}
	d.Answered = noon.Add(71 * time.Hour)
	if d.Overdue(noon.AddDate(1, 0, 0)) {
		t.Error("an answer in time")
	}
}

// TestSealedWordsAreHeldAgainstTheRow: a row whose clock or outcome was changed does
// not show its words.
func TestSealedWordsAreHeldAgainstTheRow(t *testing.T) {
	f, err := dispute.NewFiling("colour", "x", noon)
	if err != nil {
		t.Fatal(err)
	}
	d := dispute.Dispute{Number: dispute.Number{Year: 2026, Count: 7}, Filed: f.Filed, Outcome: dispute.Declined, Answered: noon.Add(time.Hour)}
	a, err := dispute.NewAnswer(d.Number, d.Outcome, "desk/17", "y", d.Answered)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := d.ReadFiling(f.Marshal()); err != nil || got != f {
		t.Fatalf("control: %v, %v", got, err)
	}
	if got, err := d.ReadAnswer(a.Marshal()); err != nil || got != a {
		t.Fatalf("control: %v, %v", got, err)
	}
	for name, change := range map[string]func(*dispute.Dispute){
		"filed":    func(d *dispute.Dispute) { d.Filed = d.Filed.Add(time.Hour) },
		"outcome":  func(d *dispute.Dispute) { d.Outcome = dispute.Corrected },
		"answered": func(d *dispute.Dispute) { d.Answered = d.Answered.Add(-time.Minute) },
		"number":   func(d *dispute.Dispute) { d.Number.Count++ },
	} {
		bad := d
		change(&bad)
		_, err1 := bad.ReadFiling(f.Marshal())
		_, err2 := bad.ReadAnswer(a.Marshal())
		if !errors.Is(errors.Join(err1, err2), dispute.ErrCorrupt) {
			t.Errorf("%s: %v, %v", name, err1, err2)
		}
	}
}

// TestNames: a retry has one name; another person's, nonce's or words' differ.
func TestNames(t *testing.T) {
	n := venue.Nonce{1, 2, 3, 4, 5, 6, 7}
	other := n
	other[15]++
	same := n
	if dispute.Name(1, n) != dispute.Name(1, same) || dispute.Name(1, n) == dispute.Name(2, n) || dispute.Name(1, n) == dispute.Name(1, other) {
		t.Error("names")
	}
	a, b := dispute.Filing{About: "ab", Text: "c"}, dispute.Filing{About: "a", Text: "bc"}
	if a.Digest(n) == b.Digest(n) || a.Digest(n) == a.Digest(other) || a.Digest(n) != a.Digest(same) {
		t.Error("digests")
	}
}
