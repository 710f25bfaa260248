package page_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/care/caretest"
	"github.com/amanah-project/amanah/internal/flow/consent"
	"github.com/amanah-project/amanah/internal/flow/portability"
	"github.com/amanah-project/amanah/internal/format/fhir"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/client"
	"github.com/amanah-project/amanah/internal/web/page"
)

// given is the flow that gives records, and who asked.
type given struct {
	flow  page.Records
	taken int
	fail  error // after the first byte
}

func (g *given) Take(ctx context.Context, a consent.Attempt, to string, begin func() io.Writer) error {
	g.taken++
	if g.fail != nil {
		_, err := begin().Write([]byte("age-encryption.org/v1"))
		return errors.Join(err, g.fail)
	}
	return g.flow.Take(ctx, a, to, begin)
}

// treated is a site in which Siti and Ani were vaccinated.
func treated(t *testing.T) (*site, *given) {
	t.Helper()
	g := &given{}
	s := open(t, func(p *page.Pages) { p.Records = g })
	reader, err := fhir.NewReader()
	if err != nil {
		t.Fatal(err)
	}
	k := s.World.Records.Keeper.(*client.Client)
	c := &care.Flow{DB: s.Plain, Keeper: k, Documents: &caretest.Documents{}, Reader: reader, Now: time.Now, Actor: "test", Budget: keeper.BudgetImport}
	hospital := care.Caller{Actor: "client-1", Facility: "rs-99-001", Role: staff.RoleClient, Rights: staff.Enter}
	for lot, nik := range map[string]identity.NIK{"LOT-SITI": siti, "LOT-ANI": ani} {
		who, err := c.Find(t.Context(), nik)
		if err != nil {
			t.Fatal(err)
		}
		r, err := reader.Read(fmt.Appendf(nil, `{"resourceType":"Immunization","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"208"}]},"patient":{"reference":"Patient/%d"},"occurrenceDateTime":"2021-07-01","lotNumber":%q}`, who.Person, lot))
		if err != nil {
			t.Fatal(err)
		}
		done, err := c.Enter(t.Context(), hospital, []care.Entry{{Person: who.Person, Items: []care.Item{{Resource: r}}}})
		if err != nil || done[0].Err != nil {
			t.Fatal(err, done)
		}
	}
	g.flow = &portability.Flow{Keeper: k, Records: c, Base: "https://amanah.example/fhir/R4", Now: time.Now}
	return s, g
}

// own brings a browser to the page of whoever proved by a code that they are Siti.
func (s *site) own() *browser {
	s.Helper()
	b := s.browser()
	res, _ := b.send("/link/phone?lang=en", map[string][]string{"do": {"begin"}})
	s.leads(res, "/link/who?lang=en")
	b.post("/link/who?lang=en", "/link/who", "nik", siti.Reveal())
	res, _ = b.post("/link/code?lang=en", "/link/code", "code", s.Outbox.Next(s.T).Code.Reveal())
	s.leads(res, "/link/phone?lang=en")
	return b
}

// TestOwnRecords: whoever proved who they are downloads their own records, sealed to the key
// that they typed, and nobody else's. What goes wrong before the first byte is said on the
// page, what goes wrong later cuts the connection.
func TestOwnRecords(t *testing.T) {
	s, g := treated(t)
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	b := s.own()
	if _, html := b.get("/link/phone?lang=en"); !strings.Contains(html, `value="records"`) {
		t.Fatalf("the page offers no records:\n%s", html)
	}
	res, raw := b.post("/link/phone?lang=en", "/link/phone", "do", "records", "to", "  "+key.Recipient().String()+"\n")
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "application/octet-stream" || res.Header.Get("Content-Disposition") != `attachment; filename="rekam-medis.tar.age"` || res.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	files := archive(t, []byte(raw), key)
	if all := files["bundle.json"]; !strings.Contains(all, "LOT-SITI") || strings.Contains(all, "LOT-ANI") || files["manifest.json"] == "" || strings.Contains(raw, "LOT-SITI") {
		t.Errorf("the archive: %.300q", all)
	}
	for _, to := range []string{"", "age1xyz", key.String(), "ssh-ed25519 AAAA"} {
		res, html := b.post("/link/phone?lang=en", "/link/phone", "do", "records", "to", to)
		if res.StatusCode != http.StatusBadRequest || !strings.Contains(html, `id="to-error"`) || strings.Contains(html, key.String()) {
			t.Errorf("to %.10q: %d\n%s", to, res.StatusCode, html)
		}
	}
	g.fail = errors.New("the store of documents is away")
	func() {
		defer func() {
			if got := recover(); got != http.ErrAbortHandler {
				t.Errorf("a failure after the first byte: %v, want the connection cut", got)
			}
		}()
		b.post("/link/phone?lang=en", "/link/phone", "do", "records", "to", key.Recipient().String())
	}()
}

// TestOwnRecordsOfNobody: nobody's records are given to who proved nothing, to an attempt to
// link, without the form's token, and where none are given.
func TestOwnRecordsOfNobody(t *testing.T) {
	s, g := treated(t)
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	to := key.Recipient().String()
	before := s.browser()
	before.send("/link/phone?lang=en", map[string][]string{"do": {"begin"}})
	before.post("/link/who?lang=en", "/link/who", "nik", siti.Reveal())
	s.Outbox.Next(t)
	linking := s.fixed(s.Push())
	linking.post("/link/who", "/link/who", "nik", siti.Reveal())
	s.Outbox.Next(t) // neither typed it
	for name, ask := range map[string]func() (*http.Response, string){
		"who proved nothing": func() (*http.Response, string) {
			return before.post("/link/phone?lang=en", "/link/code", "do", "records", "to", to)
		},
		"an attempt to link": func() (*http.Response, string) {
			return linking.post("/link/phone", "/link/code", "do", "records", "to", to)
		},
		"no attempt": func() (*http.Response, string) {
			return s.browser().send("/link/phone", map[string][]string{"do": {"records"}, "to": {to}})
		},
	} {
		res, raw := ask()
		if res.Header.Get("Content-Type") == "application/octet-stream" || strings.Contains(raw, "age-encryption.org") {
			t.Errorf("%s is given records: %d", name, res.StatusCode)
		}
	}
	none := open(t, nil)
	b := none.own()
	if res, html := b.get("/link/phone?lang=en"); res.StatusCode != 200 || strings.Contains(html, `value="records"`) {
		t.Errorf("records are offered where none are given: %d", res.StatusCode)
	}
	if res, _ := b.post("/link/phone?lang=en", "/link/phone", "do", "records", "to", to); res.StatusCode != http.StatusNotFound {
		t.Errorf("where none are given: %d", res.StatusCode)
	}
	// The control: the same request of who proved it.
	taken := g.taken
	mine := s.own()
	if res, _ := mine.send("/link/phone", map[string][]string{"do": {"records"}, "to": {to}}); res.StatusCode != http.StatusForbidden || g.taken != taken {
		t.Errorf("without the form's token: %d", res.StatusCode)
	}
	if res, raw := mine.post("/link/phone?lang=en", "/link/phone", "do", "records", "to", to); res.StatusCode != 200 || len(archive(t, []byte(raw), key)) < 2 {
		t.Errorf("control: %d", res.StatusCode)
	}
}

func archive(t *testing.T, sealed []byte, key *age.X25519Identity) map[string]string {
	t.Helper()
	r, err := age.Decrypt(bytes.NewReader(sealed), key)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for in := tar.NewReader(r); ; {
		h, err := in.Next()
		if err == io.EOF {
			return out
		}
		raw, err2 := io.ReadAll(in)
		if err = errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		out[h.Name] = string(raw)
	}
}
