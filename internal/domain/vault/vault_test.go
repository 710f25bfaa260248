package vault_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/vault"
)

var (
	testKey = bytes.Repeat([]byte{7}, 32)
	place   = vault.Binding{Table: vault.People, Person: 42, Record: 1, Version: 3}
)

func seal(t testing.TB, key []byte, b vault.Binding, plain []byte) []byte {
	t.Helper()
	sealed, err := vault.SealRecord(key, b, plain)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// TestStoredFormStays opens a record sealed when the form was fixed: databases
// hold it, so it may never change.
func TestStoredFormStays(t *testing.T) {
	raw, err := os.ReadFile("testdata/golden-v1.hex")
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := hex.DecodeString(strings.TrimSpace(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := vault.OpenRecord(testKey, place, sealed)
	if err != nil || string(got) != "one record, for ever" {
		t.Fatalf("got %q, %v", got, err)
	}
}

func TestSealedOpensInItsPlaceOnly(t *testing.T) {
	plain := []byte("evidence \x80\x00\x00")
	sealed := seal(t, testKey, place, plain)
	if got, err := vault.OpenRecord(testKey, place, sealed); err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("its own place: %q, %v", got, err)
	}
	elsewhere := map[string]vault.Binding{
		"table":   {Table: vault.Quarantine, Person: 42, Record: 1, Version: 3},
		"person":  {Table: vault.People, Person: 43, Record: 1, Version: 3},
		"record":  {Table: vault.People, Person: 42, Record: 2, Version: 3},
		"version": {Table: vault.People, Person: 42, Record: 1, Version: 2},
	}
	for name, b := range elsewhere {
		if _, err := vault.OpenRecord(testKey, b, sealed); !errors.Is(err, vault.ErrOpen) {
			t.Errorf("another %s: got %v, want ErrOpen", name, err)
		}
	}
	other := bytes.Clone(testKey)
	other[31] ^= 1
	if _, err := vault.OpenRecord(other, place, sealed); !errors.Is(err, vault.ErrOpen) {
		t.Errorf("another key: got %v, want ErrOpen", err)
	}
}

func TestEveryBitAndLengthMatters(t *testing.T) {
	sealed := seal(t, testKey, place, []byte("a person"))
	for i := range sealed {
		for bit := range 8 {
			altered := bytes.Clone(sealed)
			altered[i] ^= 1 << bit
			if _, err := vault.OpenRecord(testKey, place, altered); !errors.Is(err, vault.ErrOpen) {
				t.Fatalf("byte %d bit %d: got %v, want ErrOpen", i, bit, err)
			}
		}
		if _, err := vault.OpenRecord(testKey, place, sealed[:i]); !errors.Is(err, vault.ErrOpen) {
			t.Fatalf("cut to %d: got %v, want ErrOpen", i, err)
		}
	}
	if _, err := vault.OpenRecord(testKey, place, append(sealed, 0)); !errors.Is(err, vault.ErrOpen) {
		t.Fatalf("longer: got %v, want ErrOpen", err)
	}
}

func TestWhatCannotBeSealed(t *testing.T) {
	bad := []vault.Binding{
		{},
		{Table: vault.People, Record: 1, Version: 1},
		{Table: vault.People, Person: 1, Version: 1},
		{Table: vault.People, Person: 1, Record: 1},
		{Person: 1, Record: 1, Version: 1},
		{Table: vault.Table(strings.Repeat("t", 256)), Person: 1, Record: 1, Version: 1},
	}
	for _, b := range bad {
		if _, err := vault.SealRecord(testKey, b, nil); !errors.Is(err, vault.ErrKey) {
			t.Errorf("seal to %v: got %v, want ErrKey", b, err)
		}
		if _, err := vault.OpenRecord(testKey, b, make([]byte, 93)); !errors.Is(err, vault.ErrKey) {
			t.Errorf("open at %v: got %v, want ErrKey", b, err)
		}
	}
	for _, n := range []int{0, 16, 24, 31, 33} {
		if _, err := vault.SealRecord(make([]byte, n), place, nil); !errors.Is(err, vault.ErrKey) {
			t.Errorf("key of %d bytes: got %v, want ErrKey", n, err)
		}
	}
	if _, err := vault.SealRecord(testKey, place, make([]byte, vault.MaxRecord+1)); !errors.Is(err, vault.ErrLarge) {
		t.Errorf("too large: got %v, want ErrLarge", err)
	}
	seal(t, testKey, place, make([]byte, vault.MaxRecord))
}

// TestLengthTellsNothing holds that evidence of nobody, of a dose and of a full
// course have one length.
func TestLengthTellsNothing(t *testing.T) {
	b := vault.Binding{Table: vault.Evidence, Person: 1, Record: 2, Version: 1}
	want := len(seal(t, testKey, b, nil))
	for _, n := range []int{1, 12, 45, 150, 255} {
		if got := len(seal(t, testKey, b, make([]byte, n))); got != want {
			t.Errorf("%d bytes seal to %d, nothing to %d", n, got, want)
		}
	}
	if got := len(seal(t, testKey, b, make([]byte, 256))); got != want+256 {
		t.Errorf("256 bytes seal to %d", got)
	}
}

func TestSealAgainDiffers(t *testing.T) {
	if bytes.Equal(seal(t, testKey, place, []byte("x")), seal(t, testKey, place, []byte("x"))) {
		t.Error("two seals are equal: the nonce does not change")
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key")
		b := vault.Binding{
			Table:   rapid.SampledFrom([]vault.Table{vault.People, vault.Quarantine, vault.Evidence}).Draw(t, "table"),
			Person:  identity.PersonID(rapid.Uint64Min(1).Draw(t, "person")),
			Record:  rapid.Uint64Min(1).Draw(t, "record"),
			Version: rapid.Uint64Min(1).Draw(t, "version"),
		}
		plain := rapid.SliceOfN(rapid.Byte(), 0, 600).Draw(t, "plain")
		sealed, err := vault.SealRecord(key, b, plain)
		if err != nil {
			t.Fatal(err)
		}
		got, err := vault.OpenRecord(key, b, sealed)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("got %x, %v", got, err)
		}
	})
}

// TestWycheproof runs the AES-256-GCM vectors with nonces of 96 bits, which are
// kept once in this repository, with their licence, beside package ohttp.
func TestWycheproof(t *testing.T) {
	raw, err := os.ReadFile("../../../ohttp/testdata/wycheproof/aes_gcm_test.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		TestGroups []struct {
			IVSize, KeySize, TagSize int
			Tests                    []struct {
				TcID                       int
				Comment, Result            string
				Key, IV, AAD, Msg, CT, Tag string
			}
		}
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	valid, invalid := 0, 0
	for _, g := range v.TestGroups {
		if g.IVSize != 96 || g.KeySize != 256 || g.TagSize != 128 {
			continue
		}
		for _, x := range g.Tests {
			got, err := vault.OpenRaw(unhex(t, x.Key), unhex(t, x.IV), unhex(t, x.AAD), unhex(t, x.CT+x.Tag))
			switch {
			case x.Result == "valid":
				valid++
				if err != nil || hex.EncodeToString(got) != x.Msg {
					t.Errorf("%d %s: %v", x.TcID, x.Comment, err)
				}
			default:
				invalid++
				if err == nil {
					t.Errorf("%d %s: opened", x.TcID, x.Comment)
				}
			}
		}
	}
	if valid != 39 || invalid != 27 {
		t.Fatalf("ran %d valid and %d invalid vectors: the file is not what it was", valid, invalid)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func FuzzOpenRecord(f *testing.F) {
	f.Add(seal(f, testKey, place, []byte("one record")), uint64(42))
	f.Add(seal(f, testKey, place, nil), uint64(43))
	f.Add([]byte{}, uint64(0))
	f.Add(bytes.Repeat([]byte{1}, 93), uint64(42))
	f.Fuzz(func(t *testing.T, sealed []byte, person uint64) {
		b := place
		b.Person = identity.PersonID(person)
		plain, err := vault.OpenRecord(testKey, b, sealed)
		if err != nil {
			if plain != nil || !errors.Is(err, vault.ErrOpen) && !errors.Is(err, vault.ErrKey) {
				t.Fatalf("got %x, %v", plain, err)
			}
			return
		}
		if person != 42 || len(sealed) != len(plain)/64*64+64+29 {
			t.Fatalf("%d bytes opened for person %d", len(sealed), person)
		}
	})
}

func BenchmarkSealRecord(b *testing.B) {
	plain := make([]byte, 56)
	b.ReportAllocs()
	for b.Loop() {
		seal(b, testKey, place, plain)
	}
}
