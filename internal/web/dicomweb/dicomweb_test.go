package dicomweb_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/care/caretest"
	"github.com/amanah-project/amanah/internal/flow/document"
	"github.com/amanah-project/amanah/internal/format/dicom"
	"github.com/amanah-project/amanah/internal/format/dicom/dicomtest"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store/disk"
	"github.com/amanah-project/amanah/internal/store/memory"
	"github.com/amanah-project/amanah/internal/web/dicomweb"
	"github.com/amanah-project/amanah/internal/web/route"
)

var errUnsigned = fault.New(fault.Denied, "the test's caller did not sign")

// rig is a server over a real flow and keeper, whose callers are who a header says.
type rig struct {
	*caretest.Site
	*httptest.Server
	flow *document.Flow
	who  identity.PersonID
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{Site: caretest.New(t, memory.New())}
	blobs, err := disk.Open(durable.OS(filepath.Join(t.TempDir(), "blobs")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = blobs.Close() })
	spool := t.TempDir()
	v := &document.Vault{
		DB: r.DB, Blobs: blobs, Keeper: r.Site.Keeper, Now: time.Now,
		Spool: func() (document.Spooled, error) { return disk.Spool(spool), nil },
	}
	r.Care.Documents = v
	r.flow = &document.Flow{Vault: v, Records: r.Care}
	r.who = r.Register("9901015703840001", "Ani Contoh", "1984-03-17")
	s := &dicomweb.Server{Host: "health.example.id", Documents: r.flow, Now: time.Now, Admit: admit}
	var mux route.Mux
	s.Routes(&mux)
	r.Server = httptest.NewServer(&mux)
	t.Cleanup(r.Server.Close)
	return r
}

func admit(_ http.ResponseWriter, r *http.Request, views bool) (care.Caller, error) {
	by := care.Caller{Actor: "client-rs-99-001", Facility: "rs-99-001", Role: staff.RoleClient, Rights: staff.Enter | staff.View}
	if views && r.Header.Get("Unsigned") == "" {
		by.Ask = keeper.Ask{Proof: "signed"}
	}
	if r.Header.Get("Stranger") != "" {
		return by, errUnsigned
	}
	return by, nil
}

// body makes a multipart body.
func body(parts ...[]byte) (media string, raw []byte) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		one, err := w.CreatePart(textproto.MIMEHeader{"Content-Type": {"application/dicom"}})
		if err == nil {
			_, err = one.Write(p)
		}
		if err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return `multipart/related; type="application/dicom"; boundary=` + w.Boundary(), b.Bytes()
}

// ask makes a request; headers are name and value in turn.
func (r *rig) ask(method, path string, raw []byte, headers ...string) (*http.Response, []byte) {
	r.Helper()
	req, err := http.NewRequestWithContext(r.Context(), method, r.URL+path, bytes.NewReader(raw))
	if err != nil {
		r.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := r.Client().Do(req)
	if err != nil {
		r.Fatal(err)
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	if err != nil {
		r.Fatal(err)
	}
	return resp, out
}

func (r *rig) stow(path string, parts ...[]byte) (*http.Response, answer) {
	r.Helper()
	media, raw := body(parts...)
	resp, out := r.ask("POST", path, raw, "Content-Type", media, "Accept", "application/dicom+json")
	var a answer
	if resp.Header.Get("Content-Type") == "application/dicom+json" {
		if err := json.Unmarshal(out, &a); err != nil {
			r.Fatalf("%v in %s", err, out)
		}
	}
	return resp, a
}

type attribute struct {
	VR    string `json:"vr"`
	Value []any
}

// answer is a data set.
type answer map[string]attribute

// items are the data sets of a sequence.
func (a answer) items(tag string) (out []map[string]any) {
	for _, v := range a[tag].Value {
		out = append(out, v.(map[string]any))
	}
	return out
}

func reason(item map[string]any) float64 {
	return item["00081197"].(map[string]any)["Value"].([]any)[0].(float64)
}

// ct is an instance of the registered person's.
func ct(study, series, instance string, more map[dicom.Tag]string) []byte {
	all := map[dicom.Tag]string{
		dicomtest.PatientID: "9901015703840001", dicomtest.Name: "Contoh^Ani", dicomtest.Birth: "19840317",
		dicomtest.Study: study, dicomtest.Series: series, dicomtest.Instance: instance,
	}
	for k, v := range more {
		all[k] = v
	}
	return dicomtest.Image(all, 40)
}

func (r *rig) at(path string) string {
	return dicomweb.Base + "/patients/" + record.Ref{Person: r.who}.String() + path
}

// TestStoreAndRetrieve: what was sent comes back byte for byte, whole, by study, series
// and instance, and in ranges.
func TestStoreAndRetrieve(t *testing.T) {
	r := newRig(t)
	sent := map[string][]byte{}
	var parts [][]byte
	for i, series := range []string{"1.2.3.1", "1.2.3.1", "1.2.3.2"} {
		n := fmt.Sprintf("1.2.3.9.%d", i)
		sent[n] = ct("1.2.3", series, n, nil)
		parts = append(parts, sent[n])
	}
	resp, a := r.stow(dicomweb.Base+"/studies", parts...)
	if resp.StatusCode != 200 || len(a.items("00081199")) != 3 || a["00081198"].Value != nil {
		t.Fatalf("%s %+v", resp.Status, a)
	}
	if got := a["00081190"].Value[0]; got != "https://health.example.id"+r.at("/studies/1.2.3") {
		t.Errorf("the study is at %v", got)
	}
	for path, want := range map[string]int{"/studies/1.2.3": 3, "/studies/1.2.3/series/1.2.3.1": 2, "/studies/1.2.3/series/1.2.3.2/instances/1.2.3.9.2": 1} {
		for _, accept := range []string{"", `multipart/related; type="application/dicom"; transfer-syntax=*`, "*/*", `image/png, multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.1`} {
			resp, out := r.ask("GET", r.at(path), nil, "Accept", accept)
			_, params, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
			if resp.StatusCode != 200 || err != nil || params["type"] != "application/dicom" {
				t.Fatalf("%s %q: %s %s", path, accept, resp.Status, out)
			}
			n := 0
			for m := multipart.NewReader(bytes.NewReader(out), params["boundary"]); ; n++ {
				p, err := m.NextRawPart()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				got, _ := io.ReadAll(p)
				at := p.Header.Get("Content-Location")
				if !bytes.Equal(got, sent[at[strings.LastIndex(at, "/")+1:]]) || !strings.Contains(p.Header.Get("Content-Type"), "transfer-syntax=1.2.840.10008.1.2.1") {
					t.Errorf("%s: %d bytes, not what was sent", at, len(got))
				}
			}
			if n != want {
				t.Errorf("%s %q: %d parts, want %d", path, accept, n, want)
			}
		}
	}
	one := r.at("/studies/1.2.3/series/1.2.3.1/instances/1.2.3.9.0")
	resp, out := r.ask("GET", one, nil, "Accept", "application/dicom")
	if want := sent["1.2.3.9.0"]; resp.StatusCode != 200 || !bytes.Equal(out, want) || resp.Header.Get("Accept-Ranges") != "bytes" || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s, %d bytes, %v", resp.Status, len(out), resp.Header)
	}
	if resp, out := r.ask("GET", one, nil, "Accept", "application/dicom", "Range", "bytes=20000-20999"); resp.StatusCode != 206 || !bytes.Equal(out, sent["1.2.3.9.0"][20000:21000]) {
		t.Errorf("a range: %s, %d bytes", resp.Status, len(out))
	}
	if resp, a := r.stow(dicomweb.Base+"/studies/1.2.3", parts...); resp.StatusCode != 200 || len(a.items("00081199")) != 3 {
		t.Errorf("sent again: %s %+v", resp.Status, a)
	}
}

// TestStoreInPart: each instance is for itself, and says why it was not kept.
func TestStoreInPart(t *testing.T) {
	r := newRig(t)
	good := ct("1.2.3", "1.2.3.1", "1.2.3.4", nil)
	for name, c := range map[string]struct {
		raw    []byte
		path   string
		tag    string
		reason float64
	}{
		"another study":    {ct("1.2.99", "1.2.3.1", "1.2.3.5", nil), "/studies/1.2.3", "00081198", 0xa900},
		"another's name":   {ct("1.2.3", "1.2.3.1", "1.2.3.6", map[dicom.Tag]string{dicomtest.Name: "Lain^Sekali"}), "/studies", "00081198", 0xc100},
		"nobody's NIK":     {ct("1.2.3", "1.2.3.1", "1.2.3.7", map[dicom.Tag]string{dicomtest.PatientID: "9901011508900001"}), "/studies", "00081198", 0xc101},
		"no NIK":           {ct("1.2.3", "1.2.3.1", "1.2.3.8", map[dicom.Tag]string{dicomtest.PatientID: "17"}), "/studies", "00081198", 0xc000},
		"no study":         {ct("", "1.2.3.1", "1.2.3.9", nil), "/studies", "00081198", 0xc000},
		"a study of words": {ct("../../x", "1.2.3.1", "1.2.3.10", nil), "/studies", "00081198", 0xc000},
		"cut":              {good[:len(good)-100], "/studies", "0008119A", 0xc000},
		"no DICOM":         {[]byte("a letter"), "/studies", "0008119A", 0xc000},
		"empty":            {nil, "/studies", "0008119A", 0xc000},
	} {
		resp, a := r.stow(dicomweb.Base+c.path, c.raw, ct("1.2.3", "1.2.3.1", "1.2.3.4", nil))
		if items := a.items(c.tag); resp.StatusCode != 202 || len(items) != 1 || reason(items[0]) != c.reason || len(a.items("00081199")) != 1 {
			t.Errorf("%s: %s %+v", name, resp.Status, a)
		}
		if resp, _ := r.stow(dicomweb.Base+c.path, c.raw); resp.StatusCode != 409 {
			t.Errorf("%s, alone: %s", name, resp.Status)
		}
	}
}

// TestMetadataAndSearch: what instances say of themselves, and finding them within one
// person.
func TestMetadataAndSearch(t *testing.T) {
	r := newRig(t)
	r.stow(dicomweb.Base+"/studies",
		ct("1.2.3", "1.2.3.1", "1.2.3.1.1", nil), ct("1.2.3", "1.2.3.1", "1.2.3.1.2", nil), ct("1.2.3", "1.2.3.2", "1.2.3.2.1", map[dicom.Tag]string{dicomtest.Modality: "MR"}),
		ct("1.2.4", "1.2.4.1", "1.2.4.1.1", map[dicom.Tag]string{dicomtest.StudyDate: "20250630"}))
	for path, want := range map[string]int{
		"/studies":                                   3 - 1,
		"/studies?StudyInstanceUID=1.2.4":            1,
		"/studies?0020000D=1.2.4,1.2.3":              2,
		"/studies?StudyDate=20250101-20251231":       1,
		"/studies?StudyDate=20260102":                1,
		"/studies?StudyDate=-20261231":               2,
		"/studies?ModalitiesInStudy=MR":              1,
		"/studies?limit=1":                           1,
		"/studies?limit=1&offset=1":                  1,
		"/studies?offset=7":                          0,
		"/studies?Modality=US":                       0,
		"/studies?includefield=all&AccessionNumber=": 2,
		"/series":                                 3,
		"/series?Modality=CT":                     2,
		"/instances":                              4,
		"/instances?SOPInstanceUID=1.2.3.2.1":     1,
		"/studies/1.2.3/series":                   2,
		"/studies/1.2.3/instances":                3,
		"/studies/1.2.3/series/1.2.3.1/instances": 2,
		"/studies/1.2.3/metadata":                 3,
		"/studies/1.2.3/series/1.2.3.2/metadata":  1,
	} {
		resp, out := r.ask("GET", r.at(path), nil, "Accept", "application/dicom+json")
		var all []answer
		if resp.StatusCode == 200 {
			if err := json.Unmarshal(out, &all); err != nil {
				t.Fatalf("%s: %v in %s", path, err, out)
			}
		}
		if len(all) != want || (want == 0) != (resp.StatusCode == 204) {
			t.Errorf("%s: %s, %d results, want %d", path, resp.Status, len(all), want)
		}
		for _, a := range all {
			if a["0020000D"].Value == nil || a["00100020"].Value[0] != "9901015703840001" {
				t.Errorf("%s: %v", path, a)
			}
		}
	}
	_, out := r.ask("GET", r.at("/studies?StudyInstanceUID=1.2.3"), nil)
	var all []answer
	if err := json.Unmarshal(out, &all); err != nil || len(all) != 1 || all[0]["00201206"].Value[0] != 2.0 || all[0]["00201208"].Value[0] != 3.0 || len(all[0]["00080061"].Value) != 2 {
		t.Errorf("a study: %s %v", out, err)
	}
}

// TestRefusals: what is asked for otherwise is refused with the status HTTP has for it.
func TestRefusals(t *testing.T) {
	r := newRig(t)
	good := ct("1.2.3", "1.2.3.1", "1.2.3.4", nil)
	if resp, _ := r.stow(dicomweb.Base+"/studies", good); resp.StatusCode != 200 {
		t.Fatal(resp.Status)
	}
	media, raw := body(good)
	post, one := dicomweb.Base+"/studies", r.at("/studies/1.2.3/series/1.2.3.1/instances/1.2.3.4")
	for name, c := range map[string]struct {
		method, path string
		raw          []byte
		headers      []string
		want         int
	}{
		"one file alone":         {"POST", post, good, []string{"Content-Type", "application/dicom"}, 415},
		"without a boundary":     {"POST", post, raw, []string{"Content-Type", `multipart/related; type="application/dicom"`}, 415},
		"of another type":        {"POST", post, raw, []string{"Content-Type", strings.Replace(media, "application/dicom", "application/dicom+json", 1)}, 415},
		"compressed":             {"POST", post, raw, []string{"Content-Type", media, "Content-Encoding", "gzip"}, 415},
		"of another boundary":    {"POST", post, raw, []string{"Content-Type", `multipart/related; boundary=x`}, 400},
		"cut":                    {"POST", post, raw[:len(raw)-30], []string{"Content-Type", media}, 400},
		"nothing":                {"POST", post, []byte("--x--\r\n"), []string{"Content-Type", `multipart/related; boundary=x`}, 413},
		"a part of text":         {"POST", post, []byte("--x\r\nContent-Type: text/plain\r\n\r\nx\r\n--x--\r\n"), []string{"Content-Type", `multipart/related; boundary=x`}, 415},
		"a part in base64":       {"POST", post, []byte("--x\r\nContent-Type: application/dicom\r\nContent-Transfer-Encoding: base64\r\n\r\neA==\r\n--x--\r\n"), []string{"Content-Type", `multipart/related; boundary=x`}, 415},
		"an answer in XML":       {"POST", post, raw, []string{"Content-Type", media, "Accept", "application/dicom+xml"}, 406},
		"nobody who may":         {"POST", post, raw, []string{"Content-Type", media, "Stranger", "1"}, 403},
		"unsigned":               {"GET", one, nil, []string{"Unsigned", "1"}, 403},
		"a picture":              {"GET", one, nil, []string{"Accept", "image/png"}, 406},
		"rendered":               {"GET", one + "/rendered", nil, nil, 406},
		"another syntax":         {"GET", one, nil, []string{"Accept", "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.50"}, 406},
		"a study as one":         {"GET", r.at("/studies/1.2.3"), nil, []string{"Accept", "application/dicom"}, 406},
		"metadata in XML":        {"GET", one + "/metadata", nil, []string{"Accept", `multipart/related; type="application/dicom+xml"`}, 406},
		"no such study":          {"GET", r.at("/studies/1.2.5"), nil, nil, 404},
		"no such instance":       {"GET", one + "5", nil, nil, 404},
		"another's":              {"GET", strings.Replace(one, r.at(""), dicomweb.Base+"/patients/999", 1), nil, nil, 404},
		"nobody":                 {"GET", dicomweb.Base + "/patients/x/studies", nil, nil, 404},
		"a record for a person":  {"GET", dicomweb.Base + "/patients/1-65540/studies", nil, nil, 404},
		"an unknown attribute":   {"GET", r.at("/studies?PatientName=Ani"), nil, nil, 400},
		"twice":                  {"GET", r.at("/studies?StudyID=1&StudyID=2"), nil, nil, 400},
		"no date":                {"GET", r.at("/studies?StudyDate=2026"), nil, nil, 400},
		"no number":              {"GET", r.at("/studies?limit=-1"), nil, nil, 400},
		"delete":                 {"DELETE", one, nil, nil, 405},
		"across people, studies": {"GET", dicomweb.Base + "/studies", nil, nil, 405},
	} {
		resp, out := r.ask(c.method, c.path, c.raw, c.headers...)
		if resp.StatusCode != c.want {
			t.Errorf("%s: %s, want %d: %s", name, resp.Status, c.want, out)
		}
		if resp.StatusCode >= 400 && resp.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %s", name, resp.Header.Get("Content-Type"))
		}
	}
}

// FuzzStore: whatever is sent, the answer is one of the table's, and nothing panics.
func FuzzStore(f *testing.F) {
	media, raw := body([]byte("x"))
	f.Add(media, raw)
	f.Add("multipart/related; boundary=x", []byte("--x\r\nContent-Type: application/dicom\r\n\r\n\r\n--x--"))
	f.Add("multipart/related; boundary=\"a b\"; type=application/dicom", []byte("--a b\n\n--a b--"))
	s := &dicomweb.Server{Host: "h", Documents: (*nothing)(nil), Now: time.Now, Admit: admit}
	var mux route.Mux
	s.Routes(&mux)
	f.Fuzz(func(t *testing.T, media string, raw []byte) {
		req := httptest.NewRequest("POST", dicomweb.Base+"/studies", bytes.NewReader(raw))
		req.Header.Set("Content-Type", media)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, req)
		switch w.Code {
		case 200, 202, 400, 409, 413, 415:
		default:
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	})
}

// nothing reads documents and keeps none.
type nothing struct{ dicomweb.Documents }

// Put reads to the end.
func (*nothing) Put(_ context.Context, _ care.Caller, in document.Incoming) (document.Stored, error) {
	if _, err := io.Copy(io.Discard, in.From); err != nil {
		return document.Stored{}, err
	}
	return document.Stored{}, errors.Join(errUnsigned)
}
