package e2e

import (
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/binomial"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/keeper/copies"
	"github.com/amanah-project/amanah/internal/trace/stranger"
)

// requestNumber is what a command printed as a request's.
func requestNumber(t *testing.T, output string) string {
	t.Helper()
	fields := strings.Fields(output)
	at := slices.Index(fields, "number")
	if at < 0 || at+1 == len(fields) {
		t.Fatalf("no number in %q", output)
	}
	return fields[at+1]
}

// copied makes a copy for a recipient of their own, and returns what they read.
func (o *office) copied(purpose, list string, officers ...*member) (id, rows string) {
	o.t.Helper()
	recipient, err := age.GenerateX25519Identity()
	if err != nil {
		o.t.Fatal(err)
	}
	id = requestNumber(o.t, o.operate("", "export", "request", "--purpose", purpose, "--to", recipient.Recipient().String(), "--people", list, "--form", "csv"))
	out := o.path("copy-" + purpose)
	for _, by := range officers {
		if r := o.try("", append([]string{"export", "run", id, "--people", list, "--out", out}, o.flags()...)...); r.code == 0 {
			o.t.Fatal("an export leaves before it is approved by all")
		}
		by.approve(id)
	}
	o.operate("", "export", "run", id, "--people", list, "--out", out)
	parts, err := filepath.Glob(filepath.Join(out, "*.age"))
	if err != nil || len(parts) == 0 {
		o.t.Fatalf("%v: no parts", err)
	}
	var text strings.Builder
	for _, name := range parts {
		raw, err := os.ReadFile(name)
		if err != nil {
			o.t.Fatal(err)
		}
		r, err := age.Decrypt(bytes.NewReader(raw), recipient)
		if err != nil {
			o.t.Fatal(err)
		}
		if _, err := io.Copy(&text, r); err != nil {
			o.t.Fatal(err)
		}
	}
	return id, text.String()
}

// TestLeak: of two copies of the same people one is posted, without its head and every
// second row; the command names that copy and no other, twice the same, and nothing where
// somebody else leaked the same people.
func TestLeak(t *testing.T) {
	t.Parallel()
	const people = 40
	o := newOffice(t, "--canaries-regions", "990151", "--canaries-serials", "31-60", "--canaries-phones", "6289950", "--canaries-percent", "30")
	one, two := o.officers()
	o.importPatients(people)
	var niks, foreign strings.Builder
	foreign.WriteString("nik,nama,tanggal_lahir\n")
	for i := range people {
		p := newVictim(i)
		fmt.Fprintln(&niks, p.nik)
		fmt.Fprintf(&foreign, "%s,%s,%s\n", p.nik, p.name, p.birth)
	}
	list := o.path("niks.txt")
	write(t, list, niks.String())
	o.copied("audit", list, one, two)
	id, text := o.copied("riset", list, one, two)
	request, err := staff.ParseRequestID(id)
	if err != nil {
		t.Fatal(err)
	}
	o.canariesAreNowhere(one, text, people)
	guiltyCopy := copies.CopyOf(request)
	guilty := hex.EncodeToString(guiltyCopy[:])
	leaked := strings.SplitAfter(text, "\n")
	var posted strings.Builder
	for i, row := range leaked {
		if i%2 == 1 || strings.Contains(row, ",990151") { // the thief does not know whom they spare
			posted.WriteString(row)
		}
	}
	o.operate("", "leak", "index")

	traceFile := func(name, file string) (found []finding, result []byte) {
		t.Helper()
		folder := o.path("case-" + name)
		id := requestNumber(t, o.operate("", "leak", "request", "--purpose", name, file))
		one.approve(id)
		if r := o.try("", append([]string{"leak", "trace", id, file, "--case", folder, "--json"}, o.flags()...)...); r.code == 0 {
			t.Error("one officer's approval opens the codes")
		}
		two.approve(id)
		var said struct {
			Found []finding `json:"found"`
		}
		text := o.operate("", "leak", "trace", id, file, "--case", folder, "--json")
		if err := json.Unmarshal([]byte(text), &said); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if again := o.operate("", "leak", "trace", id, file, "--case", o.path("again-"+name), "--json"); again != text {
			t.Errorf("%s: a second run differs", name)
		}
		return said.Found, []byte(text)
	}
	trace := func(name, text string) (found []finding, result []byte) {
		t.Helper()
		file := o.path(name + ".csv")
		write(t, file, text)
		return traceFile(name, file)
	}
	found, result := trace("sample", posted.String())
	if got := established(found); len(got) != 1 || got[0] != guilty {
		t.Errorf("established %v, the guilty is %s: %s", got, guilty, result)
	}
	if !canaryFound(found, guilty) {
		t.Errorf("no canary of the copy is found: %s", result)
	}
	if bytes.Contains(result, []byte(newVictim(1).nik)) || bytes.Contains(result, []byte(newVictim(1).name)) {
		t.Error("the result names people")
	}
	o.identified(one, two, o.path("case-sample"), result, people)
	o.killedTrace(posted.String(), one, two)
	if found, result := trace("elsewhere", foreign.String()); len(established(found)) != 0 {
		t.Errorf("a copy is named for what somebody else leaked: %s", result)
	}
	o.postedByStrangers(text, guilty, traceFile)
}

// postedByStrangers has a copy posted as somebody does who knows nothing of marks, by the file,
// in ways that follow from seeds: each file names its copy, but for one at most, and no other.
func (o *office) postedByStrangers(text, guilty string, trace func(name, file string) ([]finding, []byte)) {
	o.t.Helper()
	const leaks = 8
	named := int64(0)
	for seed := range uint64(leaks) {
		post, err := stranger.Post(seed, []byte(text))
		if err != nil {
			o.t.Fatal(err)
		}
		file := o.path(fmt.Sprintf("posted-%d-%s", seed, filepath.Base(post.Name)))
		write(o.t, file, string(post.File))
		found, result := trace(fmt.Sprint("stranger-", seed), file)
		for _, c := range established(found) {
			if c != guilty {
				o.t.Errorf("after %s an innocent copy is named: %s", post.Done, result)
			}
		}
		if named += int64(len(established(found))); len(established(found)) == 0 {
			o.t.Logf("nobody is named after %s", post.Done)
		}
	}
	if bounds := binomial.Interval(named, leaks, 0.05); named < leaks-1 {
		o.t.Errorf("%d of %d files that a stranger posted name their copy (95 %%: %.2f to %.2f)", named, leaks, bounds.Low, bounds.High)
	}
}

// identified asks for the names of a case's people, which takes both officers and is sealed to
// whom they approved.
func (o *office) identified(one, two *member, folder string, result []byte, people int) {
	o.t.Helper()
	var said struct{ Patients int }
	if err := json.Unmarshal(result, &said); err != nil || said.Patients == 0 {
		o.t.Fatalf("%d people: %v", said.Patients, err)
	}
	to, err := age.GenerateX25519Identity()
	if err != nil {
		o.t.Fatal(err)
	}
	id := requestNumber(o.t, o.operate("", "leak", "names-request", folder, "--purpose", "art. 46", "--to", to.Recipient().String()))
	out := o.path("people.csv.age")
	names := append([]string{"leak", "names", id, folder, "--out", out}, o.flags()...)
	one.approve(id)
	if r := o.try("", names...); r.code == 0 {
		o.t.Error("one officer's approval names people")
	}
	two.approve(id)
	o.operate("", "leak", "names", id, folder, "--out", out)
	f, err := os.Open(out)
	if err != nil {
		o.t.Fatal(err)
	}
	defer f.Close()
	plain, err := age.Decrypt(f, to)
	if err != nil {
		o.t.Fatal(err)
	}
	text, err := io.ReadAll(plain)
	known := 0
	for i := range people {
		if strings.Contains(string(text), newVictim(i).nik) {
			known++
		}
	}
	if n := strings.Count(string(text), "\n") - 1; err != nil || n != said.Patients || known != n {
		o.t.Errorf("%d of %d people named, %d of them as they were entered: %v", n, said.Patients, known, err)
	}
}

// canariesAreNowhere holds the people of a copy that nobody registered against all that
// serves people: none of it knows them, and nobody with such a NIK comes in.
func (o *office) canariesAreNowhere(officer *member, text string, people int) {
	o.t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		o.t.Fatal(err)
	}
	client := o.system(officer, "client-rs-99-001", "rs-99-001")
	canaries, canary := 0, ""
	for _, row := range rows {
		number, nik, name, birth := row[2], row[3], row[4], row[5]
		if !strings.HasPrefix(nik, "990151") {
			continue
		}
		canary = nik
		if canaries++; canaries > 3 {
			continue
		}
		if status, got := client.ask("GET", "/fhir/R4/Patient?identifier="+url.QueryEscape(nikSystem+"|"+nik), "", ""); status != 200 || fmt.Sprint(got["total"]) != "0" {
			o.t.Errorf("a search finds a canary: %d %v", status, got)
		}
		if status, got := client.ask("GET", "/fhir/R4/Patient/"+number, "", ""); status != 404 {
			o.t.Errorf("a canary's number is somebody's: %d %v", status, got)
		}
		write(o.t, o.path("one.txt"), nik+"\n")
		if r := o.try("", append([]string{"export", "request", "--purpose", "canary", "--to", "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p", "--people", o.path("one.txt")}, o.flags()...)...); r.code != 3 {
			o.t.Errorf("a canary is somebody: %d %s", r.code, r.err)
		}
		write(o.t, o.path("reserved.csv"), "nik,name,birth_date\n"+nik+","+name+","+birth+"\n")
		if r := o.try("", append([]string{"person", "import", o.path("reserved.csv")}, o.flags()...)...); r.code != 8 {
			o.t.Errorf("a canary is registered: %d %s %s", r.code, r.out, r.err)
		}
		res, err := http.Get("http://" + o.ops + "/metrics")
		if err != nil {
			o.t.Fatal(err)
		}
		said, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || bytes.Contains(said, []byte(nik)) || bytes.Contains(said, []byte(name)) {
			o.t.Errorf("metrics: %v, or a canary", err)
		}
	}
	if canaries < 4 {
		o.t.Errorf("%d canaries in the copy", canaries)
	}
	o.canaryIsNobody(client, newVictim(1).nik, canary, people)
	o.operate("", "check") // numbers of nobody's are no loss
}

// canaryFound reports whether a copy's canaries are among what a trace found of it.
func canaryFound(all []finding, copy string) bool {
	for _, f := range all {
		for _, p := range f.Parts {
			if f.Copy == copy && p.Domain == leak.Uniques && p.Found > 0 {
				return true
			}
		}
	}
	return false
}

type finding struct {
	Copy    string      `json:"copy"`
	Account string      `json:"account"`
	Grade   string      `json:"grade"`
	Parts   []leak.Part `json:"parts"`
}

// established are the copies and accounts that a trace accuses.
func established(all []finding) (names []string) {
	for _, f := range all {
		if f.Grade == leak.Established.String() || f.Grade == leak.StronglySupported.String() {
			names = append(names, f.Copy+f.Account)
		}
	}
	return names
}
