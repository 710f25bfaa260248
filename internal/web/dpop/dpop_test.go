package dpop_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/web/dpop"
)

func signers(t testing.TB) map[string]*signer {
	return map[string]*signer{"EdDSA": newEd(t), "ES256": newEC(t)}
}

// TestAccepts is the control of every refusal below: unaltered, the same draft
// is accepted.
func TestAccepts(t *testing.T) {
	for name, s := range signers(t) {
		n := testNonces()
		d := s.draft(n.Give())
		p, err := dpop.Verify(s.proof(d), want(n))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if p.Thumbprint != s.thumbprint() || p.ID != d.body["jti"] || !p.Issued.Equal(testNow) {
			t.Errorf("%s: wrong proof: %+v", name, p)
		}
		bare := s.draft(n.Give())
		delete(bare.body, "ath")
		w := want(n)
		w.Token = ""
		if _, err := dpop.Verify(s.proof(bare), w); err != nil {
			t.Errorf("%s: without a token: %v", name, err)
		}
	}
}

// TestClaims alters one claim of RFC 9449 §4.2 or header member at a time.
func TestClaims(t *testing.T) {
	head := func(k string, v any) func(*draft) { return func(d *draft) { d.head[k] = v } }
	body := func(k string, v any) func(*draft) { return func(d *draft) { d.body[k] = v } }
	key := func(k string, v any) func(*draft) { return func(d *draft) { d.key()[k] = v } }
	no := func(k string) func(*draft) { return func(d *draft) { delete(d.body, k); delete(d.head, k) } }
	other := sha256.Sum256([]byte("another token"))
	for _, c := range []struct {
		name  string
		alter func(*draft)
		want  error
	}{
		{"typ JWT", head("typ", "JWT"), dpop.ErrProof},
		{"typ in capitals", head("typ", "DPoP+JWT"), dpop.ErrProof},
		{"no typ", no("typ"), dpop.ErrProof},
		{"typ a number", head("typ", 1), dpop.ErrProof},
		{"alg none", head("alg", "none"), dpop.ErrKey},
		{"alg HS256", head("alg", "HS256"), dpop.ErrKey},
		{"alg RS256", head("alg", "RS256"), dpop.ErrKey},
		{"alg ES384", head("alg", "ES384"), dpop.ErrKey},
		{"no alg", no("alg"), dpop.ErrKey},
		{"no jwk", no("jwk"), dpop.ErrProof},
		{"jwk null", head("jwk", nil), dpop.ErrProof},
		{"jwk an array", head("jwk", []any{}), dpop.ErrProof},
		{"jwk empty", head("jwk", map[string]any{}), dpop.ErrKey},
		{"private key in it", key("d", b64(make([]byte, 32))), dpop.ErrProof},
		{"kty RSA", key("kty", "RSA"), dpop.ErrKey},
		{"kty oct", key("kty", "oct"), dpop.ErrKey},
		{"crv P-384", key("crv", "P-384"), dpop.ErrKey},
		{"crv X25519", key("crv", "X25519"), dpop.ErrKey},
		{"x short", key("x", b64(make([]byte, 31))), dpop.ErrKey},
		{"x long", key("x", b64(make([]byte, 33))), dpop.ErrKey},
		{"x with a line feed", func(d *draft) { d.key()["x"] = "\n" + d.key()["x"].(string) }, dpop.ErrKey},
		{"x padded", func(d *draft) { d.key()["x"] = d.key()["x"].(string) + "=" }, dpop.ErrKey},
		{"no jti", no("jti"), dpop.ErrProof},
		{"jti empty", body("jti", ""), dpop.ErrProof},
		{"jti too long", body("jti", strings.Repeat("j", 65)), dpop.ErrProof},
		{"jti a number", body("jti", 7), dpop.ErrProof},
		{"htm GET", body("htm", "GET"), dpop.ErrBound},
		{"htm in small letters", body("htm", "post"), dpop.ErrBound},
		{"no htm", no("htm"), dpop.ErrBound},
		{"htu of another host", body("htu", "https://evil.example/v1/visits"), dpop.ErrBound},
		{"htu of another path", body("htu", testURL+"/leave"), dpop.ErrBound},
		{"htu without TLS", body("htu", strings.Replace(testURL, "https", "http", 1)), dpop.ErrBound},
		{"htu with a query", body("htu", testURL+"?page=1"), dpop.ErrBound},
		{"htu with a fragment", body("htu", testURL+"#a"), dpop.ErrBound},
		{"no htu", no("htu"), dpop.ErrBound},
		{"no iat", no("iat"), dpop.ErrProof},
		{"iat zero", body("iat", 0), dpop.ErrProof},
		{"iat negative", body("iat", -1), dpop.ErrProof},
		{"iat a string", body("iat", "1"), dpop.ErrProof},
		{"iat a fraction", body("iat", 1.5), dpop.ErrProof},
		{"no ath", no("ath"), dpop.ErrBound},
		{"ath of another token", body("ath", b64(other[:])), dpop.ErrBound},
		{"ath padded", func(d *draft) { d.body["ath"] = d.body["ath"].(string) + "=" }, dpop.ErrBound},
		{"no nonce", no("nonce"), dpop.ErrNonce},
		{"nonce made up", body("nonce", b64(make([]byte, 24))), dpop.ErrNonce},
	} {
		t.Run(c.name, func(t *testing.T) {
			for name, s := range signers(t) {
				n := testNonces()
				d := s.draft(n.Give())
				if _, err := dpop.Verify(s.proof(d), want(n)); err != nil {
					t.Fatalf("%s: control: %v", name, err)
				}
				c.alter(d)
				if _, err := dpop.Verify(s.proof(d), want(n)); !errors.Is(err, c.want) {
					t.Errorf("%s: %v, want %v", name, err, c.want)
				}
			}
		})
	}
}

// TestBoundToNoToken: a proof that names a token is not one for a request
// without.
func TestBoundToNoToken(t *testing.T) {
	s, n := newEd(t), testNonces()
	w := want(n)
	w.Token = ""
	if _, err := dpop.Verify(s.proof(s.draft(n.Give())), w); !errors.Is(err, dpop.ErrBound) {
		t.Errorf("%v", err)
	}
}

// TestKeysDoNotMix: a proof names one kind of algorithm and carries a key of the
// other.
func TestKeysDoNotMix(t *testing.T) {
	ed, ec, n := newEd(t), newEC(t), testNonces()
	for _, c := range []struct {
		name  string
		by    *signer
		alter func(*draft)
		want  error
	}{
		{"EdDSA key as ES256", ed, func(d *draft) { d.head["alg"] = "ES256" }, dpop.ErrKey},
		{"ES256 key as EdDSA", ec, func(d *draft) { d.head["alg"] = "EdDSA" }, dpop.ErrKey},
		{"EdDSA key with a y", ed, func(d *draft) { d.key()["y"] = d.key()["x"] }, dpop.ErrKey},
		{"P-256 key without y", ec, func(d *draft) { delete(d.key(), "y") }, dpop.ErrKey},
		{"off the curve", ec, func(d *draft) { d.key()["y"] = d.key()["x"] }, dpop.ErrKey},
		{"the point at infinity", ec, func(d *draft) {
			d.key()["x"], d.key()["y"] = b64(make([]byte, 32)), b64(make([]byte, 32))
		}, dpop.ErrKey},
		{"y with a line feed", ec, func(d *draft) { d.key()["y"] = d.key()["y"].(string) + "\n" }, dpop.ErrKey},
		{"another's Ed25519 key", ed, func(d *draft) { d.head["jwk"] = newEd(t).jwk }, dpop.ErrSigned},
		{"another's P-256 key", ec, func(d *draft) { d.head["jwk"] = newEC(t).jwk }, dpop.ErrSigned},
	} {
		d := c.by.draft(n.Give())
		if _, err := dpop.Verify(c.by.proof(d), want(n)); err != nil {
			t.Fatalf("%s: control: %v", c.name, err)
		}
		c.alter(d)
		if _, err := dpop.Verify(c.by.proof(d), want(n)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// TestForm alters the text of a proof whose content is right; all but the last
// group are signed as they stand.
func TestForm(t *testing.T) {
	s, n := newEd(t), testNonces()
	enc := func(text string) string { return b64([]byte(text)) }
	repeat := func(text, member string) string { return strings.Replace(text, "{", "{"+member+",", 1) }
	for _, c := range []struct {
		name  string
		write func(head, body string) string
	}{
		{"jti twice", func(h, b string) string { return s.sign(enc(h), enc(repeat(b, `"jti":"other"`))) }},
		{"jti twice, once in capitals", func(h, b string) string { return s.sign(enc(h), enc(repeat(b, `"JTI":"other"`))) }},
		{"jti twice, once escaped", func(h, b string) string { return s.sign(enc(h), enc(repeat(b, `"\u006ati":"other"`))) }},
		{"htu twice", func(h, b string) string { return s.sign(enc(h), enc(repeat(b, `"htu":"https://evil.example/"`))) }},
		{"alg twice", func(h, b string) string { return s.sign(enc(repeat(h, `"alg":"none"`)), enc(b)) }},
		{"kty twice in the key", func(h, b string) string {
			return s.sign(enc(strings.Replace(h, `"kty"`, `"kty":"RSA","kty"`, 1)), enc(b))
		}},
		{"data after the claims", func(h, b string) string { return s.sign(enc(h), enc(b+"{}")) }},
		{"data after the header", func(h, b string) string { return s.sign(enc(h+"x"), enc(b)) }},
		{"claims null", func(h, _ string) string { return s.sign(enc(h), enc("null")) }},
		{"claims an array", func(h, b string) string { return s.sign(enc(h), enc("["+b+"]")) }},
		{"claims not UTF-8 base64", func(h, b string) string { return s.sign(enc(h), "!!") }},
		{"header padded", func(h, b string) string {
			return s.sign(base64.URLEncoding.EncodeToString([]byte(h+pad(h, 1))), enc(b))
		}},
		{"line feed in the header", func(h, b string) string { return s.sign("\n"+enc(h), enc(b)) }},
		{"line feed in the claims", func(h, b string) string { return s.sign(enc(h), enc(b)+"\r\n") }},
		{"loose last bits", func(h, b string) string { return s.sign(loosen(enc(h+pad(h, 1))), enc(b)) }},
		{"two segments", func(h, b string) string { return enc(h) + "." + enc(b) }},
		{"four segments", func(h, b string) string { return s.sign(enc(h), enc(b)) + ".AA" }},
		{"no signature", func(h, b string) string { return enc(h) + "." + enc(b) + "." }},
		{"short signature", func(h, b string) string { return enc(h) + "." + enc(b) + "." + b64(make([]byte, 63)) }},
		{"line feed in the signature", func(h, b string) string { return s.sign(enc(h), enc(b)) + "\n" }},
		{"oversize", func(h, b string) string { return s.sign(enc(h+strings.Repeat(" ", 1024)), enc(b)) }},
		{"empty", func(string, string) string { return "" }},
		{"dots", func(string, string) string { return ".." }},
	} {
		head, body := s.draft(n.Give()).texts(t)
		if _, err := dpop.Verify(s.sign(enc(head+pad(head, 1)), enc(body)), want(n)); err != nil {
			t.Fatalf("%s: control: %v", c.name, err)
		}
		if _, err := dpop.Verify(c.write(head, body), want(n)); !errors.Is(err, dpop.ErrProof) {
			t.Errorf("%s: %v, want %v", c.name, err, dpop.ErrProof)
		}
	}
}

// pad returns the spaces that make text's length n modulo 3.
func pad(text string, n int) string { return strings.Repeat(" ", (n-len(text)%3+3)%3) }

// loosen sets the unused bits of a base64 text whose last group has two letters.
func loosen(s string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(letters, s[len(s)-1])
	return s[:len(s)-1] + string(letters[last|1])
}

// TestEverySignedByte changes each byte of a good proof in turn.
func TestEverySignedByte(t *testing.T) {
	for name, s := range signers(t) {
		n := testNonces()
		good := s.proof(s.draft(n.Give()))
		for i := range len(good) {
			b := []byte(good)
			if b[i]++; b[i] == '.' {
				b[i]++
			}
			if _, err := dpop.Verify(string(b), want(n)); err == nil {
				t.Errorf("%s: accepted with byte %d of %d altered", name, i, len(good))
			}
		}
		if _, err := dpop.Verify(good, want(n)); err != nil {
			t.Errorf("%s: control: %v", name, err)
		}
	}
}

// TestDeviceClock: a device's own clock is not looked at; the nonce carries the
// platform's.
func TestDeviceClock(t *testing.T) {
	s, n := newEd(t), testNonces()
	for _, off := range []time.Duration{-5 * time.Minute, 5 * time.Minute, -24 * time.Hour} {
		d := s.draft(n.Give())
		d.body["iat"] = testNow.Add(off).Unix()
		if _, err := dpop.Verify(s.proof(d), want(n)); err != nil {
			t.Errorf("a clock %v off: %v", off, err)
		}
	}
}

// TestExactSize: the bound is on the proof's whole text.
func TestExactSize(t *testing.T) {
	s, n := newEd(t), testNonces()
	head, body := s.draft(n.Give()).texts(t)
	for spaces := range 1024 {
		p := s.sign(b64([]byte(head+strings.Repeat(" ", spaces))), b64([]byte(body)))
		_, err := dpop.Verify(p, want(n))
		if len(p) <= dpop.MaxProof && err != nil || len(p) > dpop.MaxProof && !errors.Is(err, dpop.ErrProof) {
			t.Fatalf("%d bytes: %v", len(p), err)
		}
		if len(p) > dpop.MaxProof+4 {
			return
		}
	}
	t.Error("the bound was never reached")
}
