package venue_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/venue"
)

const firstFile = "2021-08-10.yaml"

// nowhere marks errors of the YAML parser, which tells its own line.
const nowhere = -1 << 20

// folder returns a copy of the shipped folder's files so named.
func folder(t testing.TB, names ...string) fstest.MapFS {
	t.Helper()
	m := fstest.MapFS{}
	for _, name := range names {
		b, err := os.ReadFile("policies/" + name)
		if err != nil {
			t.Fatal(err)
		}
		m[name] = &fstest.MapFile{Data: b}
	}
	return m
}

// edit replaces the first occurrence and returns the line on which it stood.
func edit(t *testing.T, m fstest.MapFS, file, from, to string) (line int) {
	t.Helper()
	before, after, ok := strings.Cut(string(m[file].Data), from)
	if !ok {
		t.Fatalf("%s has no %q", file, from)
	}
	m[file] = &fstest.MapFile{Data: []byte(before + to + after)}
	return 1 + strings.Count(before, "\n")
}

// mistake is an edit to a good folder.
type mistake struct {
	name, file, from, to string
	offset               int // from the edited line to the line named
	want                 string
}

// refuse makes each mistake and wants it told with its file, its line and how to
// mend it.
func refuse(t *testing.T, mistakes []mistake) {
	t.Helper()
	files := []string{"texts.yaml", "stays.yaml", firstFile, "2021-08-30.yaml"}
	if _, err := venue.OpenPolicy(folder(t, files...)); err != nil {
		t.Fatal("control: ", err)
	}
	for _, x := range mistakes {
		t.Run(x.name, func(t *testing.T) {
			m := folder(t, files...)
			line := edit(t, m, x.file, x.from, x.to) + x.offset
			_, err := venue.OpenPolicy(m)
			if err == nil || !errors.Is(err, venue.ErrPolicy) || !strings.Contains(err.Error(), x.want) {
				t.Fatalf("got %v, want %s", err, x.want)
			}
			if at := fmt.Sprintf("%s:%d: ", x.file, line); x.offset != nowhere && !strings.HasPrefix(err.Error(), at) {
				t.Errorf("got %v, want it at %s", err, at)
			}
		})
	}
}

// TestOpenPolicyRows refuses rows that leave a cell open or say two things.
func TestOpenPolicyRows(t *testing.T) {
	refuse(t, []mistake{
		{"unknown field", firstFile, "      most: none\n", "      most: none\n      minimum: 3\n", 1, `unknown field "minimum": use levels, capacity`},
		{"missing field", firstFile, "      most: none\n", "", -2, `field "most" is missing: nothing has a default`},
		{"repeated field", firstFile, "      most: none\n", "      most: none\n      most: 3\n", 1, `"most" is there twice: remove one`},
		{"repeated category", firstFile, "  supermarket:\n", "  mall:\n", 0, `"mall" is there twice`},
		{"unknown category", firstFile, "  supermarket:\n", "  casino:\n", 0, `"casino" is no category: use one of mall,`},
		{"level twice", firstFile, "    - levels: [1, 2, 3]\n", "    - levels: [1, 2, 3, 4]\n", 0, "level 4 of mall has two rows"},
		{"level missing", firstFile, "    - levels: [1, 2, 3]\n", "    - levels: [1, 3]\n", -6, "mall has no row for level 2: add it"},
		{"level unknown", firstFile, "    - levels: [4]\n", "    - levels: [5]\n", 0, `"5" is no level: use 1, 2, 3 or 4`},
		{"levels not a list", firstFile, "    - levels: [4]\n", "    - levels: 4\n", 0, "want a list"},
		{"capacity over 100", firstFile, "capacity: 25", "capacity: 101", 0, "want a whole number from 0 to 100"},
		{"most is no number", firstFile, "most: none", "most: some", 0, "want a whole number from 1"},
		{"no source", firstFile, `source: "[14][15][30]"`, `source: ""`, 0, "want a text here"},
		{"ages with a gap", firstFile, "0-11: barred, 12-70: vaccinated", "0-11: barred, 13-70: vaccinated", 0, "this band must begin at 12"},
		{"ages overlap", firstFile, "0-11: barred, 12-70: vaccinated", "0-11: barred, 11-70: vaccinated", 0, "this band must begin at 12"},
		{"ages end", firstFile, "71+: barred", "71-80: barred", 0, `write "81+"`},
		{"ages unreadable", firstFile, "71+: barred", "old: barred", 0, `"old" is no band of ages`},
	})
}

// TestOpenPolicyRules refuses rules that no venue may have.
func TestOpenPolicyRules(t *testing.T) {
	refuse(t, []mistake{
		{"unknown rule", firstFile, "12-70: vaccinated", "12-70: vacinated", 0, `there is no rule "vacinated"`},
		{"adult for an adult", firstFile, "12-70: vaccinated", "12-70: vaccinated with green adult", 0, "end the band before 18"},
		{"black adult", firstFile, "{0-11: barred,", "{0-11: barred with black adult,", 0, "is no company"},
		{"ladder not monotone", firstFile, "[admit ok, check yellow,  refuse red,     refuse black]", "[check red, admit ok, refuse red, refuse black]", 0, "yellow would fare better than green"},
		{"black admitted", firstFile, "[admit ok, admit ok, admit patient, check patient]", "[admit ok, admit ok, admit patient, admit patient]", 0, "black would be admitted"},
		{"short ladder", firstFile, "[admit ok, check yellow,  refuse red,     refuse black]", "[admit ok, check yellow, refuse red]", 0, "want four outcomes"},
		{"no decision", firstFile, "[admit ok, check yellow, ", "[allow ok, check yellow, ", 0, `"allow ok" is not an outcome`},
		{"no text", firstFile, "[admit ok, check yellow, ", "[admit ok, check nothing, ", 0, `there is no text for "check nothing": add it to texts.yaml`},
		{"rule lacks a standing", firstFile, "    no_data: [admit ok, check no_data, check no_data,  refuse black]\n", "", -2, `field "no_data" is missing`},
		{"patient refused", firstFile, "[admit ok, admit ok, admit patient, check patient]", "[admit ok, admit ok, admit patient, refuse black]", 126, "a health facility never refuses a patient"},
		{"idle rule", "2021-08-30.yaml", "rules:\n", "rules:\n  idle: {" +
			"plain: [admit ok, admit ok, admit ok, refuse black], exempt: [admit ok, admit ok, admit ok, refuse black], " +
			"no_data: [admit ok, admit ok, admit ok, refuse black], arrival: [admit ok, admit ok, admit ok, refuse black]}\n", 1, `rule "idle" is used nowhere: remove it`},
	})
}

// TestOpenPolicyFiles refuses files that do not follow one another, or are not plain YAML.
func TestOpenPolicyFiles(t *testing.T) {
	refuse(t, []mistake{
		{"wrong format", firstFile, "amanah-admission/1", "amanah-admission/2", 0, "this program reads"},
		{"wrong predecessor", "2021-08-30.yaml", "after: 2021-08-10", "after: 2021-08-11", 0, `the file before this one is "2021-08-10"`},
		{"name and day differ", "2021-08-30.yaml", "from: 2021-08-30", "from: 2021-08-31", 0, "2021-08-31.yaml"},
		{"no date", firstFile, "from: 2021-08-10", "from: tomorrow", 0, "want a day"},
		{"impossible date", firstFile, "from: 2021-08-10", "from: 2021-02-30", 0, "want a day"},
		{"rule defined again", "2021-08-30.yaml", "  ticketed:", "  vaccinated:", 0, "is defined in an earlier file"},
		{"category not covered", firstFile, "  health: #", "  hotel: #", 0, "is there twice"},
	})
}

// TestOpenPolicyCases refuses files whose own examples fail, are missing or unreadable.
func TestOpenPolicyCases(t *testing.T) {
	refuse(t, []mistake{
		{"failing case", firstFile, "party: [yellow 35], extra: 0, want: check yellow", "party: [yellow 35], extra: 0, want: admit ok", 0, `answers "check yellow" and not "admit ok": mend the case or its rule`},
		{"failing capacity", firstFile, "declared: 1000, want: 250", "declared: 1000, want: 251", 0, "holds 250 of 1000 and not 251"},
		{"no case for a category", firstFile, "    - {venue: hotel, level: 3, party: [green 50], extra: 2, want: check unlinked}\n", "", -13, "hotel has rows but lacks a case"},
		{"visitor unreadable", firstFile, "party: [yellow 35], extra", "party: [yellow], extra", 0, "is no visitor"},
		{"visitor's colour", firstFile, "party: [yellow 35], extra", "party: [amber 35], extra", 0, "is no colour"},
		{"visitor's age", firstFile, "party: [yellow 35], extra", "party: [yellow -1], extra", 0, "is no age"},
		{"visitor's reason", firstFile, "party: [yellow 35], extra", "party: [yellow 35 rich], extra", 0, "is no reason"},
		{"alias", firstFile, "capacity: 25", "capacity: *x", nowhere, "unknown anchor"},
		{"anchor", firstFile, "capacity: 25", "capacity: &x 25", 0, "anchors, aliases and tags"},
		{"tag", firstFile, "capacity: 25", "capacity: !!int 25", 0, "anchors, aliases and tags"},
		{"two documents", firstFile, "format: amanah", "a: b\n---\nformat: amanah", nowhere, "a second document follows"},
		{"tab", firstFile, "venues:\n  mall:", "venues:\n\tmall:", nowhere, "2021-08-10.yaml"},
		{"text in one language", "texts.yaml", "  en: You may enter.\n", "", -1, `field "en" is missing`},
		{"text for no outcome", "texts.yaml", "admit ok:", "admit nothing:", 0, `"admit nothing" is no outcome`},
		{"text of the program's own", "texts.yaml", "check unlinked:", "check ok:", nowhere, `the text for "check unlinked" is missing`},
		{"stay too long", "stays.yaml", "mall: 4h", "mall: 25h", 0, "want a time from 15m to 24h"},
		{"stay missing", "stays.yaml", "mall: 4h\n", "", 0, `field "mall" is missing`},
	})
}

func TestOpenPolicyFolder(t *testing.T) {
	for _, missing := range []string{"texts.yaml", "stays.yaml", firstFile} {
		m := folder(t, "texts.yaml", "stays.yaml", firstFile)
		delete(m, missing)
		if _, err := venue.OpenPolicy(m); !errors.Is(err, venue.ErrPolicy) {
			t.Errorf("without %s: %v", missing, err)
		}
	}
	m := folder(t, "texts.yaml", "stays.yaml", firstFile)
	m[firstFile] = &fstest.MapFile{Data: make([]byte, 1<<20+1)}
	if _, err := venue.OpenPolicy(m); err == nil || !strings.Contains(err.Error(), "1 MiB") {
		t.Errorf("oversized: %v", err)
	}
	m[firstFile] = &fstest.MapFile{}
	if _, err := venue.OpenPolicy(m); !errors.Is(err, venue.ErrPolicy) {
		t.Errorf("empty: %v", err)
	}
}

// A change announced at noon may be live the same night, to the minute.
func TestPolicyFromInstant(t *testing.T) {
	m := folder(t, "texts.yaml", "stays.yaml", firstFile)
	change := folder(t, "2021-09-14.yaml")
	edit(t, change, "2021-09-14.yaml", "after: 2021-08-30", "after: 2021-08-10")
	edit(t, change, "2021-09-14.yaml", "from: 2021-09-14", "from: 2021-09-14T23:59:00+07:00")
	m["2021-09-14T2359.yaml"] = change["2021-09-14.yaml"]
	again := folder(t, "2021-09-14.yaml")
	edit(t, again, "2021-09-14.yaml", "after: 2021-08-30", "after: 2021-09-14T2359")
	m["2021-09-14Z.yaml"] = again["2021-09-14.yaml"]
	if _, err := venue.OpenPolicy(m); err == nil || !strings.Contains(err.Error(), "not later than 2021-09-14T2359.yaml") {
		t.Errorf("a file that takes force before its predecessor: %v", err)
	}
	delete(m, "2021-09-14Z.yaml")
	p, err := venue.OpenPolicy(m)
	if err != nil {
		t.Fatal(err)
	}
	at := p.Starts()[1]
	party := []venue.Visitor{person(status.Red, 30)}
	if d := p.Admit(venue.Supermarket, 3, at.Add(-1), party, 0).Decision; d != venue.Check {
		t.Errorf("before: %v", d)
	}
	if d := p.Admit(venue.Supermarket, 3, at, party, 0).Decision; d != venue.Refuse {
		t.Errorf("after: %v", d)
	}
}

// Whatever a file holds, it loads whole or is refused as a fault.
func FuzzOpenPolicy(f *testing.F) {
	base := folder(f, "texts.yaml", "stays.yaml", firstFile)
	names, err := fs.Glob(os.DirFS("policies"), "20*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		b, err := os.ReadFile("policies/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m := fstest.MapFS{
			"texts.yaml": base["texts.yaml"], "stays.yaml": base["stays.yaml"],
			firstFile: base[firstFile], "2021-08-30.yaml": {Data: b},
		}
		p, err := venue.OpenPolicy(m)
		if err != nil {
			if !errors.Is(err, venue.ErrPolicy) {
				t.Fatalf("no fault: %v", err)
			}
			return
		}
		for _, c := range venue.Categories() {
			for _, l := range venue.Levels() {
				table, _ := p.Table(c, l, p.Starts()[1])
				for _, colour := range status.Colours() {
					if d := table.Decide(person(colour, 30), venue.Company{}).Decision; d < venue.Admit || d > venue.Refuse {
						t.Fatalf("%s level %s %s: %v", c, l, colour, d)
					}
				}
			}
		}
	})
}
