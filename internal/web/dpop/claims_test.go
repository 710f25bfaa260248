package dpop

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

var plainSeeds = []string{
	`{"jti":"a","htm":"POST","htu":"https://localhost/ohttp","iat":1764000000,"ath":"x","nonce":"n"}`,
	`{"iat":1,"jti":""}`, `{}`, `{,}`, `{"jti":"a",}`, `{"jti":"a""htm":"b"}`, `{"jti":"a","jti":"b"}`, `{"JTI":"a"}`,
	`{"jti":"a","JTI":"b"}`, `{"iat":01}`, `{"iat":1.5}`, `{"iat":1e3}`, `{"iat":-1}`, `{"iat":"1"}`, `{"jti":1}`,
	`{"iat":9223372036854775808}`, `{"iat":}`, `{"iat":0}`, `{"jti":"a\u0062"}`, `{"jti":"é"}`, "{\"jti\":\"a\n\"}", "{\"jti\":\"a\x7f\"}",
	`{"jti":"a"} `, ` {"jti":"a"}`, `{"jti": "a"}`, `{"more":1}`, `{"jti":"a"`, `"jti"`, `{"jti":"a}`, `{"jti"}`, `[]`, `null`, ``,
}

// TestPlain: the form that clients write is read without the general parser, and
// nothing else is.
func TestPlain(t *testing.T) {
	want := map[int]bool{0: true, 1: true, 2: true}
	for i, s := range plainSeeds {
		if _, ok := parsePlain([]byte(s)); ok != want[i] {
			t.Errorf("%q: plain %t", s, ok)
		}
	}
	got, _ := parsePlain([]byte(plainSeeds[0]))
	if d := cmp.Diff(claims{"a", "POST", "https://localhost/ohttp", 1764000000, "x", "n", ""}, got); d != "" {
		t.Error(d)
	}
}

// FuzzPlain: what the short way reads, the general parser reads alike.
func FuzzPlain(f *testing.F) {
	for _, s := range plainSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		plain, ok := parsePlain(raw)
		if !ok {
			if (plain != claims{}) {
				t.Errorf("%q: refused, and took %+v", raw, plain)
			}
			return
		}
		var general claims
		if err := strict(raw, &general); err != nil {
			t.Fatalf("%q: the general parser: %v", raw, err)
		}
		if d := cmp.Diff(general, plain); d != "" {
			t.Errorf("%q (-general +plain):\n%s", raw, d)
		}
	})
}
