package server

import (
	"testing"

	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/keeper/root"
)

// TestAKeeperWhoseCredentialIsLostOpensAgain: with three of five shares.
func TestAKeeperWhoseCredentialIsLostOpensAgain(t *testing.T) {
	c := newClock()
	d := closed(t, c)
	old, err := durable.ReadFile(d, "root")
	if err != nil {
		t.Fatal(err)
	}
	shares, err := root.MakeShares(old, options(d, c).Credential, 5, 3)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := root.Recover(shares[1:4], otherFile)
	if err != nil {
		t.Fatal(err)
	}
	fixed, _ := durable.ReadFile(d, "fixed")
	if err := root.Check(raw, otherFile, "fixed", fixed); err != nil {
		t.Errorf("the recovered root: %v", err)
	}
	stranger, _ := root.Make(otherFile)
	wants(t, "another root", root.Check(stranger, otherFile, "fixed", fixed), root.ErrFile)
	if err := durable.WriteFile(d, "root", raw); err != nil {
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
