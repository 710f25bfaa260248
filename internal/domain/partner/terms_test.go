package partner_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

var b64 = base64.RawURLEncoding

func edKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32))
}

func edJWK(seed byte) json.RawMessage {
	return json.RawMessage(`{"crv":"Ed25519","kty":"OKP","x":"` + b64.EncodeToString(edKey(seed).Public().(ed25519.PublicKey)) + `"}`)
}

func ecKey(t testing.TB, seed byte) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{seed}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func ecJWK(t testing.TB, seed byte) json.RawMessage {
	t.Helper()
	point, err := ecKey(t, seed).PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return json.RawMessage(`{"crv":"P-256","kty":"EC","x":"` + b64.EncodeToString(point[1:33]) + `","y":"` + b64.EncodeToString(point[33:]) + `"}`)
}

var now = time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)

// terms are good in every field.
func terms(t testing.TB) partner.Terms {
	t.Helper()
	sum := sha256.Sum256([]byte("a certificate"))
	return partner.Terms{
		Partner: 2, Version: 1, Name: "Toko Maya <& Co>",
		Scopes:        []partner.Scope{partner.ScopeColour, partner.ScopeDecision},
		Colours:       []string{"green", "yellow", "red", "black"},
		Purposes:      []string{partner.PurposeVenue, partner.PurposeJourney},
		Limits:        partner.Limits{MessagesPerMinute: 60000, DecisionsPerDay: 250000},
		Stages:        []int{500, 20000, 1500000},
		Contacts:      []partner.Contact{{Role: "technical", Email: "ops@toko.example", Phone: "+622150000001"}, {Role: "data-protection", Email: "dpo@toko.example", Phone: "+622150000002"}, {Role: "incident", Email: "soc@toko.example", Phone: "+622150000003"}},
		SubProcessors: []partner.SubProcessor{{Name: "Awan Contoh", Country: "ID", Task: "hosting"}},
		Redirects:     []string{"https://toko.example/back", "https://toko.example/back?app=2"},
		Keys:          partner.Keys{Sign: edJWK(1), Relay: ecJWK(t, 2), Clients: []json.RawMessage{edJWK(3), ecJWK(t, 4)}, Certificate: b64.EncodeToString(sum[:])},
		From:          time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC),
		Until:         time.Date(2027, 12, 1, 0, 0, 0, 0, time.UTC),
	}
}

func canonical(t testing.TB, terms partner.Terms) []byte {
	t.Helper()
	raw, err := terms.Canonical()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestGoodTermsPass(t *testing.T) {
	if err := terms(t).Check(now); err != nil {
		t.Error(err)
	}
	only := terms(t) // a server alone: no colours, no certificate, nobody between
	only.Scopes, only.Colours, only.SubProcessors, only.Keys.Certificate = only.Scopes[1:], nil, nil, ""
	if err := only.Check(now); err != nil {
		t.Error(err)
	}
	app := terms(t) // an app alone
	app.Scopes, app.Limits.DecisionsPerDay, app.Keys.Clients = app.Scopes[:1], 0, nil
	for _, c := range status.Colours() {
		app.Colours = []string{c.String()}
		if err := app.Check(now); err != nil {
			t.Errorf("%v: %v", c, err)
		}
	}
}

// TestCheck: each wrong field is named, with how to mend it and nothing of itself.
func TestCheck(t *testing.T) {
	for field, spoil := range map[string][]func(*partner.Terms){
		"partner":        {func(t *partner.Terms) { t.Partner = 0 }},
		"version":        {func(t *partner.Terms) { t.Version = 0 }, func(t *partner.Terms) { t.Version = -1 }, func(t *partner.Terms) { t.Version = 10000001 }},
		"name":           {func(t *partner.Terms) { t.Name = "" }, func(t *partner.Terms) { t.Name = " x" }, func(t *partner.Terms) { t.Name = "x\n- y" }, func(t *partner.Terms) { t.Name = "x\u202ey" }, func(t *partner.Terms) { t.Name = strings.Repeat("é", 101) }},
		"retention_days": {func(t *partner.Terms) { t.RetentionDays = 1 }, func(t *partner.Terms) { t.RetentionDays = -1 }},
		"scopes":         {func(t *partner.Terms) { t.Scopes = nil }, func(t *partner.Terms) { t.Scopes = []partner.Scope{"record"} }, func(t *partner.Terms) { t.Scopes = append(t.Scopes, partner.ScopeColour) }},
		"colours":        {func(t *partner.Terms) { t.Colours = nil }, func(t *partner.Terms) { t.Colours[0] = "Green" }, func(t *partner.Terms) { t.Colours[0] = "red" }, func(t *partner.Terms) { t.Scopes = t.Scopes[1:] }},
		"purposes":       {func(t *partner.Terms) { t.Purposes = nil }, func(t *partner.Terms) { t.Purposes[0] = "marketing" }},

		"limits.messages_per_minute": {func(t *partner.Terms) { t.Limits.MessagesPerMinute = 0 }, func(t *partner.Terms) { t.Limits.MessagesPerMinute = -1 }, func(t *partner.Terms) { t.Limits.MessagesPerMinute = 10000001 }},
		"limits.decisions_per_day":   {func(t *partner.Terms) { t.Limits.DecisionsPerDay = 0 }, func(t *partner.Terms) { t.Limits.DecisionsPerDay = 10000001 }, func(t *partner.Terms) { t.Scopes = t.Scopes[:1] }},

		"stages":   {func(t *partner.Terms) { t.Stages = nil }, func(t *partner.Terms) { t.Stages[0] = 0 }, func(t *partner.Terms) { t.Stages[1] = t.Stages[0] }, func(t *partner.Terms) { t.Stages[2] = 300000001 }},
		"contacts": {func(t *partner.Terms) { t.Contacts = t.Contacts[1:] }, func(t *partner.Terms) { t.Contacts = t.Contacts[:2] }, func(t *partner.Terms) { t.Contacts[1].Role = "incident" }},

		"contacts.role":  {func(t *partner.Terms) { t.Contacts[0].Role = "sales" }},
		"contacts.email": {func(t *partner.Terms) { t.Contacts[0].Email = "ops" }, func(t *partner.Terms) { t.Contacts[0].Email = "Ops <ops@toko.example>" }},
		"contacts.phone": {func(t *partner.Terms) { t.Contacts[0].Phone = "021" }, func(t *partner.Terms) { t.Contacts[0].Phone = "+62 21 5000 0001" }},

		"sub_processors.name":    {func(t *partner.Terms) { t.SubProcessors[0].Name = "" }},
		"sub_processors.country": {func(t *partner.Terms) { t.SubProcessors[0].Country = "id" }},
		"sub_processors.task":    {func(t *partner.Terms) { t.SubProcessors[0].Task = "" }},

		"redirect_uris": redirects("http://toko.example/back", "toko://back", "https:///back", "https:toko.example", "https://*.toko.example/", "https://u@toko.example/", "https://toko.example/#a", "https://toko.example/#", "https://toko.example\\@evil.example/", "https://toko.example/back?app=2", "https://toko.example/a b", ""),

		"keys.sign":        {func(t *partner.Terms) { t.Keys.Sign = nil }, func(t *partner.Terms) { t.Keys.Sign = json.RawMessage(`{"kty":"oct","k":"AAAA"}`) }},
		"keys.relay":       {func(t *partner.Terms) { t.Keys.Relay = t.Keys.Sign }, func(t *partner.Terms) { t.Keys.Relay = json.RawMessage(`{}`) }},
		"keys.clients":     {func(t *partner.Terms) { t.Keys.Clients = nil }, func(t *partner.Terms) { t.Keys.Clients[1] = t.Keys.Relay }},
		"keys.certificate": {func(t *partner.Terms) { t.Keys.Certificate = "AAAA" }, func(t *partner.Terms) { t.Keys.Certificate += "=" }},
		"from":             {func(t *partner.Terms) { t.From = time.Time{} }, func(t *partner.Terms) { t.From = t.From.Add(1) }},
		"until":            {func(t *partner.Terms) { t.Until = t.From }, func(t *partner.Terms) { t.From, t.Until = now.Add(-time.Hour), now }, func(t *partner.Terms) { t.Until = t.Until.AddDate(9000, 0, 0) }},
	} {
		for i, f := range spoil {
			bad := terms(t)
			f(&bad)
			err := bad.Check(now)
			if fault.KindOf(err) != fault.Invalid || !strings.HasPrefix(fault.Text(err), field+": ") {
				t.Errorf("%s %d: %v", field, i, err)
			}
		}
	}
}

func redirects(bad ...string) (out []func(*partner.Terms)) {
	for _, r := range bad {
		out = append(out, func(t *partner.Terms) { t.Redirects[0] = r })
	}
	return append(out, func(t *partner.Terms) { t.Redirects = nil })
}

func TestCanonicalIsTheSameForTheSameTerms(t *testing.T) {
	want := canonical(t, terms(t))
	got, err := partner.ParseTerms(want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(terms(t), got); diff != "" {
		t.Error(diff)
	}
	other := terms(t) // the same said otherwise
	other.From = other.From.In(time.FixedZone("WIB", 7*3600))
	other.Keys.Sign = json.RawMessage(" { \"x\" : " + strings.SplitN(string(other.Keys.Sign), `"x":`, 2)[1][:45] + ", \"kty\":\"OKP\",\"crv\":\"Ed25519\" } ")
	if again := canonical(t, other); !bytes.Equal(again, want) {
		t.Errorf("%s\nis not\n%s", again, want)
	}
	if !bytes.Contains(want, []byte(`"Toko Maya <& Co>"`)) {
		t.Error("RFC 8785 escapes no <, & or >")
	}
	none, empty := terms(t), terms(t)
	none.SubProcessors, empty.SubProcessors = nil, []partner.SubProcessor{}
	if !bytes.Equal(canonical(t, none), canonical(t, empty)) {
		t.Error("none and an empty list are signed differently")
	}
	golden(t, "canonical.json", want)
}

// TestParseRefuses what two readers could take for two agreements.
func TestParseRefuses(t *testing.T) {
	good := string(canonical(t, terms(t)))
	swap := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the terms hold no %s", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	for name, bad := range map[string]string{
		"nothing": "", "null": "null", "a list": "[" + good + "]", "half": good[:len(good)-1],
		"an unknown field":           swap(`{`, `{"more":1,`),
		"an unknown field in limits": swap(`"limits":{`, `"limits":{"more":1,`),
		"a field twice":              swap(`"version":1`, `"version":2,"version":1`),
		"a key's field twice":        swap(`"kty":"OKP"`, `"kty":"EC","kty":"OKP"`),
		"a contact's field twice":    swap(`"role":"incident"`, `"role":"technical","role":"incident"`),
		"another case":               swap(`"version"`, `"Version"`),
		"a letter that folds":        swap(`"keys"`, `"\u212aeys"`),
		"null for a value":           swap(`"version":1`, `"version":null`),
		"a word for a number":        swap(`"version":1`, `"version":"1"`),
		"a fraction":                 swap(`"version":1`, `"version":1.5`),
		"something after":            good + " {}", "a bracket after": good + "}",
		"bytes that are no text": swap("Toko", "\xff"),
		"too much":               good + strings.Repeat(" ", 64<<10),
	} {
		if _, err := partner.ParseTerms([]byte(bad)); !errors.Is(err, partner.ErrTerms) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := partner.ParseTerms([]byte(swap(`"kty":"OKP"`, `"d":"AAAA","kty":"OKP"`))); !errors.Is(err, partner.ErrKey) {
		t.Errorf("a private key: %v", err)
	}
	if _, err := partner.ParseTerms([]byte(" " + good + "\n")); err != nil {
		t.Errorf("space around is no change: %v", err)
	}
}

func TestText(t *testing.T) {
	for _, lang := range []string{"id", "en"} {
		text, err := terms(t).Text(lang)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "terms."+lang+".txt", []byte(text))
	}
	for _, lang := range []string{"", "EN", "fr"} {
		if _, err := terms(t).Text(lang); !errors.Is(err, partner.ErrLanguage) {
			t.Errorf("%q: %v", lang, err)
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s: %s", name, diff)
	}
}

func FuzzParseTerms(f *testing.F) {
	good := canonical(f, terms(f))
	for _, seed := range []string{string(good), "{}", "null", "[]", string(good) + "{}", strings.Replace(string(good), "12-01T00:00:00Z", "12-01T00:00:00+07:00", 1),
		strings.Replace(string(good), `"id"`, `"Id"`, 1), strings.Replace(string(good), "Toko", `\u2028\ud800`, 1), strings.Repeat(`{"keys":`, 1000)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := partner.ParseTerms(raw)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatal(err)
			}
			return
		}
		once, err := got.Canonical()
		if err != nil {
			if got.Check(now) == nil {
				t.Fatal("good terms cannot be signed")
			}
			return
		}
		if len(once) > 64<<10 {
			return // escapes that grew: no document Check passes does
		}
		again, err := partner.ParseTerms(once)
		if err != nil {
			t.Fatalf("%v: %s", err, once)
		}
		if diff := cmp.Diff(got, again); diff != "" {
			t.Fatal(diff)
		}
		for _, lang := range []string{"id", "en"} {
			if _, err := got.Text(lang); err != nil {
				t.Fatal(err)
			}
		}
	})
}
