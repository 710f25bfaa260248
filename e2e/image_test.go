package e2e

import (
	"bufio"
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestImageHunt loads 5,000 people, lets some check in, kills everything, and
// searches every path the processes could write for names, NIKs and numbers. The
// same hunt over the same folders with the imported file in each is the control.
func TestImageHunt(t *testing.T) {
	engines(t, imageHunt)
}

func imageHunt(t *testing.T, database ...string) {
	s := newSite(t, program, database...)
	s.startKeeper()
	source := t.TempDir() + "/people.csv"
	bukti := t.TempDir() + "/evidence.ndjson"
	s.run("", "person", "synth", "5000", "--seed", "7", "--people", source, "--evidence", bukti)
	s.operate("", "person", "import", source)
	s.operate("", "evidence", "import", bukti)
	s.operate("", "venue", "add", "Mal Uji", "--category", "mall", "--level", "1", "--holds", "100")
	code := s.operate("", "venue", "code", "1")
	s.operate("", "partner", "add", "Mitra Uji", "--platform", "http://"+s.listen, "--out", s.path("relay.json"))
	s.startServer()
	relay := s.startRelay(s.path("relay.json"))
	rows := readPeople(t, source)
	for i, row := range rows[:5] {
		phone := s.path("phone" + string(rune('a'+i)) + ".json")
		s.operate(row[0]+"\n", "link", "add", "--partner", "1", "--relay", relay, "--out", phone)
		s.ask(phone, "checkin", "--code", code)
	}
	s.server.kill()
	s.keeper.kill()

	var planted []string
	for _, row := range rows {
		planted = append(planted, row...)
	}
	h := newHunter(planted)
	roots := []string{s.dir}
	if len(database) > 0 {
		roots = append(roots, os.Getenv("TEST_POSTGRES_DATA"))
	}
	total := int64(0)
	for _, root := range roots {
		found, read := h.tree(t, root)
		total += read
		t.Logf("searched %d bytes for %d values of 5,000 people: %d found", read, len(planted), len(found))
		for v, path := range found {
			t.Errorf("%q is in %s", v, path)
			break
		}
	}

	if total < 4<<20 {
		t.Errorf("only %d bytes were searched: the image is not whole", total)
	}
	for _, root := range roots {
		huntInClear(t, h, root, source, distinct(planted))
	}
}

// huntInClear is the hunt's control: the same search of the same folder, in which the rows
// lie in clear now, finds every value.
func huntInClear(t *testing.T, h *hunter, root, source string, want int) {
	t.Helper()
	rows, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	beside := filepath.Join(root, "amanah-hunt-control.csv")
	write(t, beside, string(rows))
	defer os.Remove(beside) // PostgreSQL's folder is other tests', too
	found, read := h.tree(t, root)
	if len(found) != want {
		t.Errorf("control: %d of %d values found with the rows in clear among %d bytes", len(found), want, read)
	}
}

// readPeople returns each person's NIK, name and phone. Names of one short word
// are left out: chance puts five letters into a hundred megabytes.
func readPeople(t *testing.T, name string) [][]string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(bufio.NewReader(f)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for i, h := range all[0] {
		at[h] = i
	}
	var out [][]string
	for _, r := range all[1:] {
		row := []string{r[at["nik"]]}
		if n := r[at["name"]]; len(n) >= 10 && strings.Contains(n, " ") {
			row = append(row, n)
		}
		if p := strings.TrimPrefix(r[at["phone"]], "+"); len(p) >= 10 {
			row = append(row, p)
		}
		out = append(out, row)
	}
	return out
}

func distinct(v []string) int {
	seen := map[string]bool{}
	for _, s := range v {
		seen[s] = true
	}
	return len(seen)
}
