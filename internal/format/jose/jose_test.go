package jose_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/internal/format/jose"
)

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// signer signs JWS with a key of either kind.
type signer struct {
	key crypto.Signer
	alg string
	jwk string
}

func signers(t testing.TB) []signer {
	t.Helper()
	public, ed, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := ec.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return []signer{
		{ed, "EdDSA", `{"crv":"Ed25519","kty":"OKP","x":"` + b64(public) + `"}`},
		{ec, "ES256", `{"crv":"P-256","kty":"EC","x":"` + b64(raw[1:33]) + `","y":"` + b64(raw[33:]) + `"}`},
	}
}

func (s signer) sign(t testing.TB, head, body string) string {
	t.Helper()
	message := b64([]byte(head)) + "." + b64([]byte(body))
	if k, ok := s.key.(*ecdsa.PrivateKey); ok {
		sum := sha256.Sum256([]byte(message))
		r, v, err := ecdsa.Sign(rand.Reader, k, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return message + "." + b64(append(r.FillBytes(make([]byte, 32)), v.FillBytes(make([]byte, 32))...))
	}
	sig, err := s.key.Sign(nil, []byte(message), crypto.Hash(0))
	if err != nil {
		t.Fatal(err)
	}
	return message + "." + b64(sig)
}

func (s signer) public(t testing.TB) jose.Key {
	t.Helper()
	k, err := jose.ParseKey([]byte(s.jwk))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKeysHaveOneSpelling(t *testing.T) {
	for _, s := range signers(t) {
		k := s.public(t)
		if string(k.JWK()) != s.jwk || k.Thumbprint() != sha256.Sum256([]byte(s.jwk)) || k.Alg() != s.alg {
			t.Errorf("%s: %s", s.alg, k.JWK())
		}
		browser := strings.Replace(s.jwk, "{", `{"ext":true,"key_ops":["verify"],"alg":"`+s.alg+`","use":"sig","kid":"x",`, 1)
		if same, err := jose.ParseKey([]byte(browser)); err != nil || same.Thumbprint() != k.Thumbprint() {
			t.Errorf("as a browser writes it: %v", err)
		}
		for name, alter := range map[string][2]string{
			"private":           {"{", `{"d":"` + b64(make([]byte, 32)) + `",`},
			"for encryption":    {"{", `{"use":"enc",`},
			"use a number":      {"{", `{"use":1,`},
			"to sign":           {"{", `{"key_ops":["sign"],`},
			"another algorithm": {"{", `{"alg":"HS256",`},
			"kty twice":         {"{", `{"kty":"EC",`},
			"KTY twice":         {"{", `{"KTY":"EC",`},
			"a line feed":       {`"x":"`, `"x":"\n`},
			"padding":           {`"}`, `="}`},
			"another curve":     {`"crv":"`, `"crv":"X`},
			"short":             {`"x":"`, `"x":"","z":"`},
			"more behind":       {`"}`, `"}{}`},
			"a list":            {`{`, `[{`},
		} {
			altered := strings.Replace(s.jwk, alter[0], alter[1], 1)
			if _, err := jose.ParseKey([]byte(altered)); err == nil || altered == s.jwk {
				t.Errorf("%s, %s: taken: %s", s.alg, name, altered)
			}
		}
	}
}

func TestSignatures(t *testing.T) {
	all := signers(t)
	for i, s := range all {
		k, other := s.public(t), all[1-i].public(t)
		jws := s.sign(t, `{"alg":"`+s.alg+`","kid":"k","typ":"JWT"}`, "payload")
		h, p, err := k.Open(jws)
		if err != nil || string(p) != "payload" || h.Text("kid") != "k" {
			t.Fatalf("%s: %q %v", s.alg, p, err)
		}
		if _, _, err := other.Open(jws); err == nil {
			t.Errorf("%s: opened by another's key", s.alg)
		}
		if _, _, err := (jose.Key{}).Open(jws); err == nil {
			t.Errorf("%s: opened by no key", s.alg)
		}
		for _, head := range []string{
			`{"alg":"none"}`, `{"alg":"HS256"}`, `{"alg":"` + all[1-i].alg + `"}`, `{}`, `[]`, ``, `{"alg":"` + s.alg + `","crit":["b64"],"b64":false}`,
			`{"alg":"` + s.alg + `","jwk":` + s.jwk + `}`, `{"alg":"` + s.alg + `","alg":"` + s.alg + `"}`, `{"ALG":"` + s.alg + `"}`,
		} {
			if _, _, err := k.Open(s.sign(t, head, "payload")); err == nil {
				t.Errorf("%s: header %s taken", s.alg, head)
			}
		}
		for at := range jws {
			b := []byte(jws)
			if b[at] = 'A'; jws[at] == 'A' {
				b[at] = 'B'
			}
			if _, _, err := k.Open(string(b)); err == nil {
				t.Errorf("%s: opened with character %d altered", s.alg, at)
			}
		}
	}
}

func TestProofsBringTheirKey(t *testing.T) {
	all := signers(t)
	for i, s := range all {
		head := `{"typ":"dpop+jwt","alg":"` + s.alg + `","jwk":` + s.jwk + `}`
		k, p, err := jose.OpenEmbedded(s.sign(t, head, "{}"), "dpop+jwt")
		if err != nil || string(p) != "{}" || k.Thumbprint() != s.public(t).Thumbprint() {
			t.Fatalf("%s: %v", s.alg, err)
		}
		for _, head := range []string{
			strings.Replace(head, "dpop+jwt", "JWT", 1), strings.Replace(head, s.alg, all[1-i].alg, 1), strings.Replace(head, "{", `{"crit":[],`, 1),
			strings.Replace(head, s.jwk, all[1-i].jwk, 1), strings.Replace(head, s.jwk, "null", 1), `{"typ":"dpop+jwt","alg":"` + s.alg + `"}`,
		} {
			if _, _, err := jose.OpenEmbedded(s.sign(t, head, "{}"), "dpop+jwt"); err == nil {
				t.Errorf("%s: header %s taken", s.alg, head)
			}
		}
	}
}

func TestObjects(t *testing.T) {
	o, err := jose.ParseObject([]byte(`{"n":12,"s":"x","f":1.5,"e":1e3,"z":null,"q":"1","o":{"n":1}}`))
	if err != nil {
		t.Fatal(err)
	}
	if n, ok := o.Whole("n"); n != 12 || !ok || o.Text("s") != "x" || o.Text("n") != "" || o.Text("none") != "" {
		t.Errorf("%d %v", n, ok)
	}
	for _, name := range []string{"f", "e", "z", "q", "o", "s", "none"} {
		if n, ok := o.Whole(name); ok {
			t.Errorf("%s is %d", name, n)
		}
	}
	for _, bad := range []string{``, `1`, `null`, `[]`, `{"a":1`, `{"a":1}{}`, `{"a":1,"a":1}`, `{"a":1,"A":1}`, "{\"a\":\"\xff\"}", `{"a":1}x`} {
		if _, err := jose.ParseObject([]byte(bad)); err == nil {
			t.Errorf("%q is an object", bad)
		}
	}
}

type vectors struct {
	Groups []struct {
		Public  json.RawMessage
		Private json.RawMessage
		Tests   []struct {
			ID      int `json:"tcId"`
			Comment string
			JWS     string
			Result  string
		}
	} `json:"testGroups"`
}

func load(t *testing.T, name string) (v vectors) {
	t.Helper()
	raw, err := os.ReadFile("testdata/wycheproof/" + name)
	if err == nil {
		err = json.Unmarshal(raw, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestWycheproof runs every case of both files: of keys that are not taken here none
// may open anything, of P-256 exactly the valid ones.
func TestWycheproof(t *testing.T) {
	ran, opened := 0, 0
	try := func(id int, comment, result, jws string, keys ...json.RawMessage) {
		ran++
		took := false
		for _, raw := range keys {
			k, err := jose.ParseKey(raw)
			if err != nil {
				continue
			}
			if _, _, err := k.Open(jws); err == nil {
				took = true
			}
		}
		if took {
			opened++
		}
		if took && result != "valid" {
			t.Errorf("case %d, %s: opened", id, comment)
		}
		if ec := strings.Contains(string(keys[0]), `"ES256"`); ec && !took && result == "valid" {
			t.Errorf("case %d, %s: refused", id, comment)
		}
	}
	for _, g := range load(t, "json_web_signature_test.json").Groups {
		for _, c := range g.Tests {
			try(c.ID, c.Comment, c.Result, c.JWS, append(json.RawMessage{}, g.Public...), g.Private)
		}
	}
	for _, g := range load(t, "json_web_key_test.json").Groups {
		var all []json.RawMessage
		for _, set := range []json.RawMessage{g.Public, g.Private} {
			var keys struct{ Keys []json.RawMessage }
			if set == nil {
				continue
			}
			if err := json.Unmarshal(set, &keys); err != nil {
				t.Fatal(err)
			}
			all = append(all, keys.Keys...)
		}
		for _, c := range g.Tests {
			try(c.ID, c.Comment, c.Result, c.JWS, all...)
		}
	}
	if ran != 427 || opened != 2 {
		t.Errorf("%d cases ran and %d opened, want 427 and the 2 that are valid with P-256", ran, opened)
	}
}

func FuzzOpen(f *testing.F) {
	s := signers(f)[1]
	k := s.public(f)
	f.Add(s.sign(f, `{"alg":"ES256"}`, "x"))
	f.Add(s.sign(f, `{"typ":"dpop+jwt","alg":"ES256","jwk":`+s.jwk+`}`, "x"))
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, jws string) {
		if _, p, err := k.Open(jws); err == nil && string(p) != "x" {
			t.Errorf("%q opens", jws)
		}
		if k, _, err := jose.OpenEmbedded(jws, "dpop+jwt"); err == nil {
			if again, err := jose.ParseKey(k.JWK()); err != nil || again.Thumbprint() != k.Thumbprint() {
				t.Errorf("key %s is not read again: %v", k.JWK(), err)
			}
		}
	})
}
