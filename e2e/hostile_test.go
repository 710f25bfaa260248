package e2e

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// mostMemory bounds the resident memory of a process that reads hostile input, in bytes.
const mostMemory = 300 << 20

// TestHostileRequests sends the server what is meant to exhaust, crash or mislead it, by
// every way in over the network. Each is answered in its form with the place of what is
// wrong, or kept as the bytes that it is; the process stays within its memory and serves
// the next request; nothing that was entered before is lost.
func TestHostileRequests(t *testing.T) {
	t.Parallel()
	s := newVaultSite(t, program)
	p := s.neighbour()
	s.startServer()
	s.signIn()
	worst, of := int64(0), ""
	for _, a := range append(hostileFHIR(t), hostileImages(t)...) {
		s.forgetPeak(s.server)
		status, raw := s.attack(a)
		if status != a.status || !strings.Contains(string(raw), a.says) {
			t.Errorf("%s: %d %.300s, want %d and %q", a.name, status, raw, a.status, a.says)
		}
		if used := s.peak(s.server); used > mostMemory {
			t.Errorf("%s: the server took %d MiB", a.name, used>>20)
		} else if used > worst {
			worst, of = used, a.name
		}
		if status, raw := s.send("POST", "/fhir/R4/Condition", fhirMedia, strings.NewReader(p)); status != 201 {
			t.Fatalf("after %s a neighbour is answered %d %s", a.name, status, raw)
		}
	}
	t.Logf("at most %d MiB resident, at %q", worst>>20, of)
	s.server.stop()
	s.whole()
}

const fhirMedia = "application/fhir+json"

// neighbour registers somebody and returns a record of theirs that may always be entered.
func (s *vaultSite) neighbour() string {
	s.t.Helper()
	p := newVictim(0)
	dir := s.t.TempDir()
	write(s.t, filepath.Join(dir, "Patient.ndjson"), fmt.Sprintf(`{"resourceType":"Patient","id":"p0","identifier":[{"system":%q,"value":%q}],"name":[{"text":%q}],"birthDate":%q}`+"\n", nikSystem, p.nik, p.name, p.birth))
	s.operate("", "record", "import", dir, "--facility", "rs-99-001", "--register")
	return `{"resourceType":"Condition","subject":{"reference":"Patient/1"},"code":{"text":"a neighbour's"}}`
}

// whole has the installation checked: every row is there and opens.
func (s *vaultSite) whole() {
	s.t.Helper()
	if r := s.try("", append([]string{"check", "--json"}, s.flags()...)...); r.code != 0 {
		s.t.Errorf("afterwards, amanah check: exit %d\n%s%s", r.code, r.out, r.err)
	}
}

// attack is one hostile request.
type attack struct {
	name, path, media string
	body              func() io.Reader
	status            int
	says              string
	header            string // Content-Encoding
}

func (s *vaultSite) attack(a attack) (int, []byte) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), "POST", "http://"+s.listen+a.path, a.body())
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Content-Type", a.media)
	if a.header != "" {
		req.Header.Set("Content-Encoding", a.header)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil { // the server answers and hangs up while more is sent
		return 0, []byte(err.Error())
	}
	defer res.Body.Close()
	raw, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, raw
}

// again reads a text so many times over, between a beginning and an end.
func again(begin, text string, bytesOfIt int, end string) func() io.Reader {
	size, long := int64(bytesOfIt/len(text)*len(text)), strings.Repeat(text, 1+(32<<10)/len(text))
	return func() io.Reader {
		return io.MultiReader(strings.NewReader(begin), io.LimitReader(&repeated{text: long}, size), strings.NewReader(end))
	}
}

type repeated struct {
	text string
	at   int
}

// Read implements io.Reader.
func (r *repeated) Read(p []byte) (n int, err error) {
	for n < len(p) {
		did := copy(p[n:], r.text[r.at:])
		n += did
		r.at = (r.at + did) % len(r.text)
	}
	return n, nil
}

func exactly(b []byte) func() io.Reader { return func() io.Reader { return bytes.NewReader(b) } }

// letterOf is a resource with a document in it.
func letterOf(media string, content []byte) func() io.Reader {
	return exactly(fmt.Appendf(nil, `{"resourceType":"DocumentReference","status":"current","subject":{"reference":"Patient/1"},"content":[{"attachment":{"contentType":%q,"data":%q}}]}`,
		media, base64.StdEncoding.EncodeToString(content)))
}

// hostileFHIR are attacks by resources, bundles and the documents in them.
func hostileFHIR(t *testing.T) []attack {
	const (
		one, all = "/fhir/R4/Basic", "/fhir/R4"
		basic    = `{"resourceType":"Basic","code":{"text":"x"},"extension":`
		at       = "DocumentReference.content[0].attachment.data"
		mib      = 1 << 20
	)
	doc := func(name, media string, content []byte, status int, says string) attack {
		return attack{name, "/fhir/R4/DocumentReference", fhirMedia, letterOf(media, content), status, says, ""}
	}
	out := []attack{
		{"deep lists", one, fhirMedia, again(basic, "[", mib/4, ""), 400, "nested deeper", ""},
		{"deep objects", one, fhirMedia, again(basic, `{"a":`, mib, ""), 400, "nested deeper", ""},
		{"many values", one, fhirMedia, again(basic+"[1", ",1", 14*mib, "]}"), 400, "values", ""},
		{"many values in a bundle", all, fhirMedia, again(`{"resourceType":"Bundle","type":"transaction","entry":[1`, ",1", 60*mib, "]}"), 400, "values", ""},
		{"half a million values", one, fhirMedia, again(basic+"[1", ",1", mib-100, "]}"), 400, "Basic.extension[0]", ""},
		{"many objects", one, fhirMedia, again(basic+`[{"url":"x"}`, `,{"url":"x"}`, 14*mib, "]}"), 400, "values", ""},
		{"a long name", one, fhirMedia, again(`{"resourceType":"Basic","`, "x", 14*mib, `":1}`), 400, "name of a member", ""},
		{"a long text", one, fhirMedia, again(`{"resourceType":"Basic","code":{"text":"`, "x", 14*mib, `"}}`), 422, "", ""}, // whole, of a type that is kept as it came, and nobody's
		{"a huge number", "/fhir/R4/Observation", fhirMedia, again(`{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/1"},"valueQuantity":{"value":1`, "0", 14*mib, `}}`), 400, "Observation.valueQuantity.value", ""},
		{"a huge exponent", "/fhir/R4/Observation", fhirMedia, exactly([]byte(`{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/1"},"valueQuantity":{"value":1e999999999}}`)), 400, "Observation.valueQuantity.value", ""},
		{"a huge integer", "/fhir/R4/Immunization", fhirMedia, exactly([]byte(`{"resourceType":"Immunization","status":"completed","vaccineCode":{"text":"x"},"patient":{"reference":"Patient/1"},"occurrenceDateTime":"2022-01-01","protocolApplied":[{"doseNumberPositiveInt":99999999999999999999999}]}`)), 400, "doseNumberPositiveInt", ""},
		{"too long", one, fhirMedia, again(basic, "[", 17*mib, ""), 413, "at most", ""},
		{"a bundle too long", all, fhirMedia, again(`{"resourceType":"Bundle"`, " ", 65*mib, "}"), 413, "at most", ""},
		{"a gzip bomb, as it says", one, fhirMedia, exactly(bomb(t, 64*mib)), 415, "Content-Encoding", "gzip"},
		{"a gzip bomb, as JSON", one, fhirMedia, exactly(bomb(t, 64*mib)), 400, "byte", ""},
		{"a narrative with entities", one, fhirMedia, exactly([]byte(`{"resourceType":"Basic","code":{"text":"x"},"text":{"status":"generated","div":"<!DOCTYPE div [<!ENTITY a \"aaaa\">]><div>&a;</div>"}}`)), 400, "Basic.text.div", ""},
		{"a deep narrative", one, fhirMedia, again(`{"resourceType":"Basic","code":{"text":"x"},"text":{"status":"generated","div":"`, "<div>", 10*mib, `"}}`), 400, "Basic.text.div", ""},
		{"a script in a narrative", one, fhirMedia, exactly([]byte(`{"resourceType":"Basic","code":{"text":"x"},"text":{"status":"generated","div":"<div><script>x</script></div>"}}`)), 400, "Basic.text.div", ""},

		doc("a PDF that runs a script", "application/pdf", hostilePDF("/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >>"), 400, at),
		doc("a PDF that runs a hidden script", "application/pdf", hostilePDF("/OpenAction << /S /J#61vaScript /J#53 (x) >>"), 400, at),
		doc("a PDF that starts a program", "application/pdf", hostilePDF("/OpenAction << /S /Launch /F (cmd.exe) >>"), 400, at),
		doc("a PDF that was cut", "application/pdf", hostilePDF("")[:40], 400, at),
		doc("a PDF with a bomb of objects", "application/pdf", objectBomb(t), 201, ""), // inflated by nobody here
		doc("HTML as a PDF", "application/pdf", []byte("<html><script>x</script></html>"), 400, at),
		doc("XML whose entities multiply", "application/xml", []byte(laughs), 400, at),
		doc("XML of an outer entity", "text/xml", []byte(`<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>`), 400, at),
		doc("a table with a formula", "text/csv", []byte("a,b\n1,\"=cmd|' /C calc'!A0\"\n"), 400, at),
		doc("a PNG of 30,000 by 30,000", "image/png", pngBomb(t), 201, ""), // decoded by nobody here
		doc("a zip bomb", "application/zip", zipBomb(t), 201, ""),          // a document like any, never opened
		doc("a photo that is a PNG", "image/jpeg", pngBomb(t), 400, at),
	}
	for i, name := range naughty(t) { // a name that differs waits, whatever it says
		raw, err := json.Marshal(map[string]any{
			"resourceType": "Patient", "identifier": []any{map[string]any{"system": nikSystem, "value": newVictim(0).nik}},
			"name": []any{map[string]any{"text": name}}, "birthDate": newVictim(0).birth,
		})
		if err != nil {
			t.Fatal(err)
		}
		if i%5 == 0 { // the rest come in by files
			out = append(out, attack{fmt.Sprintf("the name %.40q", name), "/fhir/R4/Patient", fhirMedia, exactly(raw), nameStatus(name), "", ""})
		}
	}
	return out
}

// nameStatus is what a Patient of another name is answered: it waits, unless it has no
// name at all.
func nameStatus(name string) int {
	switch {
	case strings.TrimSpace(name) == "":
		return 400
	case !isName(name):
		return 422
	}
	return 202
}

// naughty are names that mean something to spreadsheets, shells, databases and browsers.
func naughty(t *testing.T) (out []string) {
	t.Helper()
	f, err := os.Open("testdata/attack/csv-payload.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		out = append(out, lines.Text())
	}
	if err := json.Unmarshal([]byte(read(t, "testdata/attack/blns-even.json")), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// most waits for a process to end and returns the most memory that it had resident.
// What the kernel says of a process that ended is also its parent's, so it is asked
// meanwhile.
func (p *process) most() (n int64) {
	for {
		n = max(n, p.resident())
		select {
		case <-p.done:
			return n
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// peak is the most memory that a process had resident since it began or was told to
// forget; zero where the kernel does not say.
func (s *vaultSite) peak(p *process) int64 { return p.resident() }

func (p *process) resident() int64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(raw), "VmHWM:")
	line, _, _ := strings.Cut(rest, "kB")
	n, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	if err != nil {
		return 0 // it ended
	}
	return n << 10
}

// forgetPeak begins to measure anew, where the kernel can.
func (s *vaultSite) forgetPeak(p *process) {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.cmd.Process.Pid), []byte("5"), 0)
}

// bomb is so many zeros as gzip.
func bomb(t *testing.T, size int64) []byte {
	t.Helper()
	return zipped(t, again("", "\x00", int(size), "")())
}

func zipped(t *testing.T, from io.Reader) []byte {
	t.Helper()
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err == nil {
		_, err = io.Copy(z, from)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
