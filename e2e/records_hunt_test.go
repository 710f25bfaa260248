package e2e

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestRecordsHunt puts patients with planted names, NIKs, telephone numbers, diagnosis
// codes and pixels into the vault by every way in, kills importer, server and keeper in
// the middle of it, lets them finish, makes a backup, kills them again, and searches
// every path that they could write: not one planted value is legible. The control is the
// same in a build that seals nothing, where each one is found.
//
// 300 patients in the suite; 100,000 with SOAK=1, or SOAK_HUNT of them.
func TestRecordsHunt(t *testing.T) {
	engines(t, func(t *testing.T, database ...string) {
		v := newVictims(t, program, number("SOAK_HUNT", victims()), database...)
		v.enterAndCut()
		if found := v.hunt("killed in the middle of an import"); len(found) > 0 {
			v.legible(found)
		}
		v.enterAll()
		if found := v.hunt("whole, with a backup, killed"); len(found) > 0 {
			v.legible(found)
		}
	})
	t.Run("control, nothing is sealed", func(t *testing.T) {
		v := newVictims(t, tagged(t, "amanah_unsealed"), max(60, number("SOAK_HUNT", victims())/50))
		v.enterAll()
		found := v.hunt("unsealed")
		for _, p := range v.people {
			for _, planted := range p.values() {
				if found[planted] == "" {
					t.Errorf("nothing was sealed and %q is not found: the hunt shows nothing", planted)
				}
			}
		}
	})
}

func victims() int {
	if soak() {
		return 100_000
	}
	return 300
}

// plot is the patients of a vaultSite, and what of them comes over the network.
type plot struct {
	*vaultSite
	people []victim
	posted int // of them, also over HTTP
}

func newVictims(t *testing.T, bin string, n int, database ...string) *plot {
	t.Helper()
	v := &plot{vaultSite: newVaultSite(t, bin, database...), posted: min(n, 40+n/100)}
	files := map[string]*bytes.Buffer{"Patient": {}, "Condition": {}, "DocumentReference": {}}
	for i := range n {
		p := newVictim(i)
		v.people = append(v.people, p)
		fmt.Fprintf(files["Patient"], `{"resourceType":"Patient","id":"p%d","identifier":[{"system":%q,"value":%q}],"name":[{"text":%q}],"birthDate":%q,"telecom":[{"system":"phone","value":"+%s"}]}`+"\n",
			i, nikSystem, p.nik, p.name, p.birth, p.phone)
		fmt.Fprintf(files["Condition"], `{"resourceType":"Condition","id":"c%d","subject":{"reference":"Patient/p%d"},"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":%q,"display":"of %s"}]}}`+"\n",
			i, i, p.code, p.name)
		fmt.Fprintf(files["DocumentReference"], `{"resourceType":"DocumentReference","id":"d%d","status":"current","subject":{"reference":"Patient/p%d"},"content":[{"attachment":{"contentType":"image/png","data":%q}}]}`+"\n",
			i, i, base64.StdEncoding.EncodeToString(p.image(t, 4)))
	}
	for name, text := range files {
		write(t, filepath.Join(v.source, name+".ndjson"), text.String())
	}
	write(t, filepath.Join(v.mkdir("tmp"), "kept"), "") // the folder is searched, too
	return v
}

// enterAndCut kills importer and keeper in the middle of an import.
func (v *plot) enterAndCut() {
	v.t.Helper()
	before := v.written()
	dir := v.t.TempDir()
	for _, name := range []string{"Patient", "Condition", "DocumentReference"} {
		if err := os.Link(filepath.Join(v.source, name+".ndjson"), filepath.Join(dir, name+".ndjson")); err != nil {
			v.t.Fatal(err)
		}
	}
	p := v.importing(dir)
	enough := int64(1500 * len(v.people)) // of 10,000 a patient
	if len(v.database) > 0 {
		enough = int64(150 * len(v.people)) // of 400 a patient in the keeper's folder
	}
	for v.written() < before+enough {
		select {
		case <-p.done:
			v.t.Fatalf("the import was over before anything was written:\n%s", tail(p.log.String()))
		case <-time.After(time.Millisecond):
		}
	}
	p.kill()
	v.keeper.kill()
}

// written is how much lies in the database's folder, or where that is PostgreSQL's own,
// in the keeper's.
func (v *plot) written() (n int64) {
	folder := v.path("keeper")
	if len(v.database) == 0 {
		folder = v.mkdir("data")
	}
	err := filepath.Walk(folder, func(_ string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			n += info.Size()
		}
		return nil // a file that is replaced meanwhile
	})
	if err != nil {
		v.t.Fatal(err)
	}
	return n
}

// enterAll brings in everybody, by files and over the network, with a crash of server
// and keeper in the middle of that, and makes a backup.
func (v *plot) enterAll() {
	v.t.Helper()
	if v.keeper.over() {
		v.startKeeper()
	}
	began := time.Now()
	p := v.importing(v.source)
	<-p.done
	if !strings.Contains(p.log.String(), `"refused":0`) && !strings.Contains(p.log.String(), `"refused": 0`) {
		v.t.Fatalf("the import:\n%s", tail(p.log.String()))
	}
	v.t.Logf("%d resources in %.1f s", 3*len(v.people), time.Since(began).Seconds())
	v.startServer()
	v.signIn()
	var crash sync.WaitGroup
	crash.Go(func() {
		time.Sleep(300 * time.Millisecond)
		v.server.kill()
		v.keeper.kill()
	})
	next := v.post(0, false) // whose write died keeps others of the same person's waiting
	crash.Wait()
	v.startKeeper()
	v.startServer()
	v.signIn()
	v.post(next, true)
	b := v.start(append([]string{"backup", "--at", v.mkdir("backups"), "--recovery", v.mkdir("recovery")}, v.flags()...)...)
	if <-b.done; b.cmd.ProcessState.ExitCode() != 0 {
		v.t.Fatalf("the backup:\n%s", tail(b.log.String()))
	}
	v.output.Write([]byte(p.log.String() + b.log.String()))
	v.server.kill()
	v.keeper.kill()
}

// post enters some of the people over FHIR and DICOMweb: visits as transactions, letters
// longer than a row, images. all says that none may be missing; otherwise it ends when
// nobody answers. It returns whose turn is next.
func (v *plot) post(from int, all bool) int {
	v.t.Helper()
	const media = "application/fhir+json"
	for i := from; i < v.posted; i++ {
		p := &v.people[i]
		visit := fmt.Sprintf(`{"resourceType":"Bundle","type":"transaction","entry":[
			{"resource":{"resourceType":"Patient","identifier":[{"system":%[1]q,"value":%[2]q}],"name":[{"text":%[3]q}],"birthDate":%[4]q},"fullUrl":"urn:uuid:2f3b1a52-0000-4000-8000-%012[6]d","request":{"method":"POST","url":"Patient"}},
			{"resource":{"resourceType":"Condition","subject":{"reference":"urn:uuid:2f3b1a52-0000-4000-8000-%012[6]d"},"code":{"text":%[5]q}},"request":{"method":"POST","url":"Condition"}},
			{"resource":{"resourceType":"DocumentReference","status":"current","subject":{"reference":"urn:uuid:2f3b1a52-0000-4000-8000-%012[6]d"},"content":[{"attachment":{"contentType":"application/pdf","data":%[7]q}}]},"request":{"method":"POST","url":"DocumentReference"}}]}`,
			nikSystem, p.nik, p.name, p.birth, p.code, i, base64.StdEncoding.EncodeToString(p.letter()))
		status, raw := v.send("POST", "/fhir/R4", media, strings.NewReader(visit))
		if all && status != 200 {
			v.t.Fatalf("visit of %d: %d %s", i, status, raw)
		}
		status, raw = v.sendScan(p.scan(i))
		if all && status != 200 {
			v.t.Fatalf("scan of %d: %d %s", i, status, raw)
		}
		if !all && status == 0 {
			return i + 1
		}
	}
	return v.posted
}

// hunt searches all that the processes could write, and what they printed. It returns
// what is legible, and where.
func (v *plot) hunt(when string) map[string]string {
	v.t.Helper()
	var planted []string
	for i := range v.people {
		planted = append(planted, v.people[i].values()...)
	}
	h := newHunter(planted)
	roots := []string{v.dir}
	if len(v.database) > 0 {
		roots = append(roots, os.Getenv("TEST_POSTGRES_DATA"))
	}
	found, total := map[string]string{}, int64(0)
	for _, root := range roots {
		some, read := h.tree(v.t, root)
		for value, path := range some {
			found[value] = path
		}
		total += read
	}
	for value := range h.search([]byte(v.output.String())) {
		found[value] = "what commands printed"
	}
	for name, p := range map[string]*process{"the server": v.server, "the keeper": v.keeper} {
		if p == nil {
			continue
		}
		for value := range h.search([]byte(p.log.String())) {
			found[value] = "the log of " + name
		}
	}
	v.t.Logf("%s: %d of %d values of %d people found in %.1f MB", when, len(found), len(planted), len(v.people), float64(total)/1e6)
	if total < int64(1500*len(v.people)) {
		v.t.Errorf("only %d bytes were searched: the image is not whole", total)
	}
	return found
}

// legible says what was found, a few of them.
func (v *plot) legible(found map[string]string) {
	v.t.Helper()
	n := 0
	for value, path := range found {
		if v.t.Errorf("%q is legible in %s", value, path); n == 5 {
			return
		}
		n++
	}
}
