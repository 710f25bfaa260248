package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/fault"
)

func shared(t testing.TB, of, need int) (root []byte, shares [][]byte) {
	t.Helper()
	c := Credential{Secret: make([]byte, 32)}
	root, err := sealRoot(c)
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
	want, err := openRootKey(root, Credential{Secret: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1, 2, 3, 4, 5} {
		for _, g := range groups(5, size) {
			slices.Reverse(g)
			got, err := RecoverRoot(some(shares, g), otherFile)
			if size < 3 {
				wants(t, fmt.Sprint("shares ", g), err, ErrShareFew)
				continue
			}
			if err != nil {
				t.Fatalf("shares %v: %v", g, err)
			}
			if key, err := openRootKey(got, otherFile); err != nil || !bytes.Equal(key, want) {
				t.Errorf("shares %v: another key, %v", g, err)
			}
			_, err = openRootKey(got, Credential{Secret: make([]byte, 32)})
			wants(t, "the credential of before", err, ErrCredential)
		}
	}
	twice := [][]byte{shares[0], shares[0], shares[1]}
	_, err = RecoverRoot(twice, otherFile)
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
	if _, err := RecoverRoot([][]byte{shares[0], shares[1], forged(nil)}, otherFile); err != nil {
		t.Fatalf("the control: %v", err)
	}
	for n := range 200 {
		guess := bytes.Repeat([]byte{byte(n)}, 32)
		if _, err := RecoverRoot([][]byte{shares[0], shares[1], forged(guess)}, otherFile); err == nil {
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
		_, err := RecoverRoot(append(all, forged(guess)), otherFile)
		wants(t, "a share that was made to fit", err, ErrShare)
	}
}

func TestAWrongShareIsNamed(t *testing.T) {
	_, shares := shared(t, 5, 3)
	_, others := shared(t, 5, 3)
	_, err := RecoverRoot([][]byte{shares[0], others[1], shares[2]}, otherFile)
	wants(t, "a share of another set", err, ErrShareSet)
	for at := range shares[1] {
		raw := bytes.Clone(shares[1])
		raw[at] ^= 0x15
		_, err := RecoverRoot([][]byte{shares[0], raw, shares[2]}, otherFile)
		if err == nil { // a letter of a base64 that stands for nothing, a space
			continue
		}
		if fault.KindOf(err) != fault.Invalid {
			t.Fatalf("byte %d altered: %v", at, err)
		}
	}
	_, err = RecoverRoot([][]byte{shares[0], []byte("x"), shares[2]}, otherFile)
	if err == nil || !strings.Contains(err.Error(), "share 2 of those given") {
		t.Errorf("not a share: %v", err)
	}
	c := Credential{Secret: make([]byte, 32)}
	root, _ := sealRoot(c)
	for _, n := range [][2]int{{1, 1}, {5, 1}, {8, 3}, {3, 4}, {0, 0}} {
		_, err := MakeShares(root, c, n[0], n[1])
		wants(t, fmt.Sprint(n), err, ErrShareCount)
	}
	_, err = MakeShares(root, otherFile, 5, 3)
	wants(t, "another credential", err, ErrCredential)
}

// TestAKeeperWhoseCredentialIsLostOpensAgain: with three of five shares.
func TestAKeeperWhoseCredentialIsLostOpensAgain(t *testing.T) {
	c := newClock()
	d := closed(t, c)
	old, err := durable.ReadFile(d, "root")
	if err != nil {
		t.Fatal(err)
	}
	shares, err := MakeShares(old, options(d, c).Credential, 5, 3)
	if err != nil {
		t.Fatal(err)
	}
	root, err := RecoverRoot(shares[1:4], otherFile)
	if err != nil {
		t.Fatal(err)
	}
	fixed, _ := durable.ReadFile(d, "fixed")
	if err := CheckRoot(root, otherFile, "fixed", fixed); err != nil {
		t.Errorf("the recovered root: %v", err)
	}
	stranger, _ := sealRoot(otherFile)
	wants(t, "another root", CheckRoot(stranger, otherFile, "fixed", fixed), ErrRootFile)
	if err := durable.WriteFile(d, "root", root); err != nil {
		t.Fatal(err)
	}
	opt := options(d, c)
	opt.Credential = otherFile
	k, err := Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if got, err := read(k, 1, person1()); err != nil || got.Err != nil {
		t.Errorf("%v %v", err, got.Err)
	}
}

func FuzzShare(f *testing.F) {
	_, shares := shared(f, 3, 2)
	f.Add(shares[0])
	f.Add([]byte(`{"format":"amanah root share v1","of":7,"need":7}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if got, err := RecoverRoot([][]byte{raw, raw}, otherFile); err == nil || got != nil {
			t.Error("one share twice recovered something")
		}
	})
}
