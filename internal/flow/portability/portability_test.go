package portability_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/care/caretest"
	"github.com/amanah-project/amanah/internal/flow/consent"
	"github.com/amanah-project/amanah/internal/flow/portability"
	"github.com/amanah-project/amanah/internal/store/memory"
)

// open opens a sealed archive.
func open(t *testing.T, sealed []byte, key age.Identity) map[string][]byte {
	t.Helper()
	r, err := age.Decrypt(bytes.NewReader(sealed), key)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for in := tar.NewReader(r); ; {
		h, err := in.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if out[h.Name], err = io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
	}
}

// proved is an attempt of somebody's who proved who they are.
func proved(who identity.PersonID) consent.Attempt {
	a := consent.Attempt{ID: identity.AuthorizationID{1}}
	a.Asking.Page.Asked, a.Asking.Page.Proved = who, true
	return a
}

// TestTake: a person takes all of theirs, held and restricted, to their own key: every
// byte of resources and documents is what was entered, nobody else's is there, and the
// intent is in the journal before the first byte.
func TestTake(t *testing.T) {
	s := caretest.New(t, memory.New())
	who, other := s.Register("9901015703840001", "Ani Contoh", "1984-03-17"), s.Register("9901015508900002", "Budi Contoh", "1990-08-15")
	s.Sign()
	hospital := care.Caller{Actor: "client-1", Facility: "rs-99-001", Role: staff.RoleClient, Rights: staff.Enter | staff.Correct}
	office := care.Caller{Actor: "officer-1", Facility: "dinkes-99", Role: staff.RoleOfficer}
	dose := func(p identity.PersonID, lot string) string {
		return fmt.Sprintf(`{"resourceType":"Immunization","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"208"}]},"patient":{"reference":"Patient/%d"},"occurrenceDateTime":"2021-07-01","lotNumber":%q}`, p, lot)
	}
	long := string(bytes.Repeat([]byte("panjang "), 20<<10)) // outgrows its row
	for p, lots := range map[identity.PersonID][]string{who: {"LOT-A", "LOT-B" + long}, other: {"LOT-C"}} {
		var items []care.Item
		for _, l := range lots {
			items = append(items, care.Item{Resource: s.Read(dose(p, l))})
		}
		done, err := s.Care.Enter(t.Context(), hospital, []care.Entry{{Person: p, Items: items}})
		if err != nil || done[0].Err != nil {
			t.Fatal(err, done[0].Err)
		}
	}
	documents := map[string][]byte{}
	for i, media := range []string{"image/png", "application/pdf", "application/octet-stream"} {
		raw := bytes.Repeat([]byte{byte(i), 'x', 0}, 100<<10*(i+1)/3+i)
		d, err := s.Care.EnterDocument(t.Context(), hospital, care.Entry{Person: who, Items: []care.Item{{Meta: record.Meta{Kind: record.Scan, ContentType: media}}}}, bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		documents[d.Placed[0].Ref.String()] = raw
	}
	if err := s.Care.Restrict(t.Context(), office, who, true, "own-request"); err != nil {
		t.Fatal(err)
	}
	if err := s.Care.Hold(t.Context(), office, who, true, "court-order"); err != nil {
		t.Fatal(err)
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	f := &portability.Flow{Keeper: s.Server, Records: s.Care, Base: "https://amanah.example/fhir/R4", Now: time.Now}
	before, err := s.Server.Health(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var sealed bytes.Buffer
	err = f.Take(t.Context(), proved(who), key.Recipient().String(), func() io.Writer {
		if now, err := s.Server.Health(t.Context()); err != nil || now.Intents != before.Intents+1 {
			t.Errorf("%d intents before the first byte", now.Intents-before.Intents)
		}
		return &sealed
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, plain := range []string{"LOT-A", "manifest.json", "Immunization"} {
		if bytes.Contains(sealed.Bytes(), []byte(plain)) {
			t.Errorf("%s stands in the clear", plain)
		}
	}
	got := open(t, sealed.Bytes(), key)
	var m portability.Manifest
	if err := json.Unmarshal(got["manifest.json"], &m); err != nil || m.Resources != 2 || len(m.Files) != len(documents) || len(got) != 2+len(documents) {
		t.Fatalf("%+v %v; %d files", m, err, len(got))
	}
	for _, file := range m.Files {
		raw, want := got[file.Name], documents[file.Record]
		if sum := sha256.Sum256(raw); !bytes.Equal(raw, want) || len(raw) == 0 || hex.EncodeToString(sum[:]) != file.SHA256 || int64(len(raw)) != file.Size {
			t.Errorf("%s: other bytes than were entered", file.Name)
		}
	}
	b := s.Read(string(got["bundle.json"]))
	if b.Kind != "collection" || len(b.Entries) != 2 || !bytes.Contains(got["bundle.json"], []byte("LOT-A")) || !bytes.Contains(got["bundle.json"], []byte("LOT-B"+long)) || bytes.Contains(got["bundle.json"], []byte("LOT-C")) {
		t.Errorf("the bundle: %s, %d entries", b.Kind, len(b.Entries))
	}
	for _, e := range b.Entries {
		if want := "https://amanah.example/fhir/R4/Immunization/" + e.Resource.ID; e.FullURL != want {
			t.Errorf("%s, want %s", e.FullURL, want)
		}
	}
	stranger, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := age.Decrypt(bytes.NewReader(sealed.Bytes()), stranger); err == nil {
		t.Error("another's key opens it")
	}
	never := func() io.Writer { t.Error("something is written for nobody"); return io.Discard }
	linking := proved(who)
	linking.Partner = 1
	guessed := proved(who)
	guessed.Asking.Page.Proved = false
	for name, a := range map[string]consent.Attempt{"in an attempt to link": linking, "who did not prove it": guessed, "nobody": {}} {
		if err := f.Take(t.Context(), a, key.Recipient().String(), never); !errors.Is(err, identity.ErrStep) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, to := range []string{"", "age1", "ssh-ed25519 AAAA", key.String(), key.Recipient().String() + "x"} {
		if err := f.Take(t.Context(), proved(who), to, never); !errors.Is(err, portability.ErrRecipient) {
			t.Errorf("sealed to %d letters: %v", len(to), err)
		}
	}
}
