package verify

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestKeysDocument(t *testing.T) {
	ks := keysFor(t, ForTickets, ticketKey(), edKey(7))
	doc, err := json.Marshal(ks)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseKeys(doc)
	if err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(got)
	if err != nil || !bytes.Equal(doc, again) || got.Purpose() != ForTickets || got.Len() != 2 {
		t.Errorf("%s became %s, %v", doc, again, err)
	}
	if _, err := got.Ticket(signedTicket(t, onlineTicket(t)), testNow()); err != nil {
		t.Error(err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, doc, "", "  "); err != nil {
		t.Fatal(err)
	}
	if _, err := ParseKeys(indented.Bytes()); err != nil {
		t.Error("white space must not matter: ", err)
	}
	empty, err := json.Marshal(keysFor(t, ForVenues))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseKeys(empty); err != nil {
		t.Error("an empty set: ", err)
	}
}

func TestParseKeysRefuses(t *testing.T) {
	b, err := json.Marshal(keysFor(t, ForTickets, ticketKey()))
	if err != nil {
		t.Fatal(err)
	}
	doc := string(b)
	id, other := IDOf(ticketKey().Public().(ed25519.PublicKey)).String(), IDOf(edKey(7).Public().(ed25519.PublicKey)).String()
	entry := doc[strings.Index(doc, "[")+1 : strings.Index(doc, "]")]
	replace := func(from, to string) string {
		if !strings.Contains(doc, from) {
			t.Fatalf("%s has no %s", doc, from)
		}
		return strings.Replace(doc, from, to, 1)
	}
	for name, x := range map[string]string{
		"empty":           "",
		"null":            "null",
		"list":            "[]",
		"trailing":        doc + "{}",
		"truncated":       doc[:len(doc)-1],
		"format":          replace("amanah-keys/1", "amanah-keys/2"),
		"purpose":         replace(`"ticket"`, `"door"`),
		"no purpose":      replace(`"purpose":"ticket",`, ""),
		"algorithm":       replace(`"Ed25519"`, `"none"`),
		"id of another":   replace(id, other),
		"upper-case id":   replace(id, strings.ToUpper(id)+" "),
		"short key":       replace(`"public":"`, `"public":"AA`),
		"padded key":      replace(`","not_before`, `=","not_before`),
		"same key twice":  replace(entry, entry+","+entry),
		"unknown field":   replace(`"alg"`, `"kid":1,"alg"`),
		"repeated field":  replace(`"alg":"Ed25519"`, `"alg":"none","alg":"Ed25519"`),
		"other case":      replace(`"alg"`, `"Alg"`),
		"times reversed":  replace("2026-11-01", "2028-11-01"),
		"time zone":       replace("2026-11-01T00:00:00Z", "2026-11-01T00:00:00+00:00"),
		"fractional time": replace("2026-11-01T00:00:00Z", "2026-11-01T00:00:00.5Z"),
		"null keys":       replace("["+entry+"]", "null"),
		"small-order key": smallOrderDocument(t),
		"oversized":       strings.Repeat(" ", maxKeySet) + doc,
	} {
		if _, err := ParseKeys([]byte(x)); !errors.Is(err, ErrKeySet) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func smallOrderDocument(t *testing.T) string {
	t.Helper()
	k := NewKey(append(make([]byte, 0, 32), append([]byte{1}, make([]byte, 31)...)...), time.Unix(0, 0), time.Unix(1, 0))
	b, err := json.Marshal(Keys{ForTickets, []Key{k}})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestNewKeys(t *testing.T) {
	var many []Key
	for i := range maxKeys + 1 {
		many = append(many, keyOf(edKey(byte(i))))
	}
	if _, err := NewKeys(ForVenues, many[:maxKeys]...); err != nil {
		t.Error("control: ", err)
	}
	if _, err := NewKeys(ForVenues, many...); !errors.Is(err, ErrKeySet) {
		t.Error("too many keys: ", err)
	}
	short := NewKey(make([]byte, 31), time.Unix(0, 0), time.Unix(1, 0))
	if _, err := NewKeys(ForVenues, short); !errors.Is(err, ErrKeySet) {
		t.Error("short key: ", err)
	}
	k := keyOf(edKey(7))
	ks, err := NewKeys(ForTickets, k)
	if err != nil {
		t.Fatal(err)
	}
	clear(k.Public) // the caller's slice is not the set's
	if got, _ := ks.find(k.ID); IDOf(got.Public) != k.ID {
		t.Error("the set shares memory with its maker")
	}
}

// For a key of small order anybody makes a signature that holds for many
// messages. The control shows that crypto/ed25519 would take them, every one.
func TestSmallOrderKeys(t *testing.T) {
	sig := make([]byte, 64)
	sig[0] = 1 // R is the neutral point, S is 0
	for _, y := range smallOrderY() {
		for _, sign := range []byte{0, 0x80} {
			key, err := hex.DecodeString(y)
			if err != nil {
				t.Fatal(err)
			}
			key[31] |= sign
			if _, err := ParsePublicKey(Ed25519, key); !errors.Is(err, ErrUnsupported) {
				t.Errorf("%x: %v", key, err)
			}
			if !anyHolds(key, sig) {
				t.Errorf("control: %x is harmless, why refuse it?", key)
			}
		}
	}
	if anyHolds(edKey(3).Public().(ed25519.PublicKey), sig) {
		t.Error("control: it holds for an honest key")
	}
	if smallOrder(edKey(3).Public().(ed25519.PublicKey)) {
		t.Error("an honest key is refused")
	}
}

// anyHolds reports whether the same signature holds for one of 256 messages.
func anyHolds(key, sig []byte) bool {
	for i := range 256 {
		if ed25519.Verify(key, []byte{byte(i)}, sig) {
			return true
		}
	}
	return false
}

func TestPublicKeyBinary(t *testing.T) {
	for _, k := range []PublicKey{publicKey(t, edKey(3).Public()), publicKey(t, ecKey(t, 4).Public())} {
		b, err := k.MarshalBinary()
		if err != nil || len(b) != HolderKeySize {
			t.Fatalf("%d bytes, %v", len(b), err)
		}
		var got PublicKey
		if err := got.UnmarshalBinary(b); err != nil || got != k {
			t.Errorf("%v: %v", k.Alg(), err)
		}
		for _, bad := range [][]byte{nil, b[:33], append(b, 0), append([]byte{0}, b[1:]...), append([]byte{9}, b[1:]...)} {
			if err := got.UnmarshalBinary(bad); !errors.Is(err, ErrUnsupported) {
				t.Errorf("%x: %v", bad, err)
			}
		}
	}
	if _, err := (PublicKey{}).MarshalBinary(); !errors.Is(err, ErrUnsupported) {
		t.Error("no key was written: ", err)
	}
	ec, err := publicKey(t, ecKey(t, 4).Public()).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func([]byte){
		"uncompressed prefix": func(b []byte) { b[0] = 4 },
		"infinity":            func(b []byte) { clear(b) },
		"x beyond the field":  func(b []byte) { copy(b[1:], bytes.Repeat([]byte{0xff}, 32)) },
		"off the curve":       func(b []byte) { clear(b[1:]); b[32] = 1 },
	} {
		b := bytes.Clone(ec[1:])
		change(b)
		if _, err := ParsePublicKey(P256, b); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
