package root

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/internal/fault"
)

var otherFile = Credential{Secret: bytes.Repeat([]byte{1}, 32)}

func wants(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: error %v, want %v", what, got, want)
	}
}

func shared(t testing.TB, of, need int) (root []byte, shares [][]byte) {
	t.Helper()
	c := Credential{Secret: make([]byte, 32)}
	root, err := Make(c)
	if err != nil {
		t.Fatal(err)
	}
	if shares, err = MakeShares(root, c, of, need); err != nil {
		t.Fatal(err)
	}
	return root, shares
}

func some(shares [][]byte, numbers []int) (out [][]byte) {
	for _, n := range numbers {
		out = append(out, shares[n-1])
	}
	return out
}

// TestAnyThreeOfFiveRecoverTheRoot: every group of three does, in any order and with
// more than it takes, and none of two.
func TestAnyThreeOfFiveRecoverTheRoot(t *testing.T) {
	root, shares := shared(t, 5, 3)
	want, err := openKey(root, Credential{Secret: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1, 2, 3, 4, 5} {
		for _, g := range groups(5, size) {
			slices.Reverse(g)
			got, err := Recover(some(shares, g), otherFile)
			if size < 3 {
				wants(t, fmt.Sprint("shares ", g), err, ErrShareFew)
				continue
			}
			if err != nil {
				t.Fatalf("shares %v: %v", g, err)
			}
			if key, err := openKey(got, otherFile); err != nil || !bytes.Equal(key, want) {
				t.Errorf("shares %v: another key, %v", g, err)
			}
			_, err = openKey(got, Credential{Secret: make([]byte, 32)})
			wants(t, "the credential of before", err, ErrCredential)
		}
	}
	twice := [][]byte{shares[0], shares[0], shares[1]}
	_, err = Recover(twice, otherFile)
	wants(t, "one share twice", err, ErrShareFew)
}

// TestTwoSharesAndAGuessAreNothing: whoever has two of three and every wrap lacks 256
// random bits; a third that they make up is told from the real one. The control is
// the real one.
func TestTwoSharesAndAGuessAreNothing(t *testing.T) {
	_, shares := shared(t, 5, 3)
	forged := func(secret []byte) []byte {
		var s share
		if err := json.Unmarshal(shares[2], &s); err != nil {
			t.Fatal(err)
		}
		if secret != nil {
			s.Secret = secret
			s.Hashes[2] = s.hash(3, secret) // and they make it fit
		}
		raw, _ := json.Marshal(s)
		return raw
	}
	if _, err := Recover([][]byte{shares[0], shares[1], forged(nil)}, otherFile); err != nil {
		t.Fatalf("the control: %v", err)
	}
	for n := range 200 {
		guess := bytes.Repeat([]byte{byte(n)}, 32)
		if _, err := Recover([][]byte{shares[0], shares[1], forged(guess)}, otherFile); err == nil {
			t.Fatal("a share that was made up is taken")
		}
		all := [][]byte{}
		for _, i := range []int{0, 1} { // they change the others' hashes, too
			var s share
			_ = json.Unmarshal(shares[i], &s)
			s.Hashes[2] = s.hash(3, guess)
			raw, _ := json.Marshal(s)
			all = append(all, raw)
		}
		_, err := Recover(append(all, forged(guess)), otherFile)
		wants(t, "a share that was made to fit", err, ErrShare)
	}
}

func TestAWrongShareIsNamed(t *testing.T) {
	_, shares := shared(t, 5, 3)
	_, others := shared(t, 5, 3)
	_, err := Recover([][]byte{shares[0], others[1], shares[2]}, otherFile)
	wants(t, "a share of another set", err, ErrShareSet)
	for at := range shares[1] {
		raw := bytes.Clone(shares[1])
		raw[at] ^= 0x15
		_, err := Recover([][]byte{shares[0], raw, shares[2]}, otherFile)
		if err == nil { // a letter of a base64 that stands for nothing, a space
			continue
		}
		if fault.KindOf(err) != fault.Invalid {
			t.Fatalf("byte %d altered: %v", at, err)
		}
	}
	_, err = Recover([][]byte{shares[0], []byte("x"), shares[2]}, otherFile)
	if err == nil || !strings.Contains(err.Error(), "share 2 of those given") {
		t.Errorf("not a share: %v", err)
	}
	c := Credential{Secret: make([]byte, 32)}
	root, _ := Make(c)
	for _, n := range [][2]int{{1, 1}, {5, 1}, {8, 3}, {3, 4}, {0, 0}} {
		_, err := MakeShares(root, c, n[0], n[1])
		wants(t, fmt.Sprint(n), err, ErrShareCount)
	}
	_, err = MakeShares(root, otherFile, 5, 3)
	wants(t, "another credential", err, ErrCredential)
}

func FuzzShare(f *testing.F) {
	_, shares := shared(f, 3, 2)
	f.Add(shares[0])
	f.Add([]byte(`{"format":"amanah root share v1","of":7,"need":7}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if got, err := Recover([][]byte{raw, raw}, otherFile); err == nil || got != nil {
			t.Error("one share twice recovered something")
		}
	})
}
