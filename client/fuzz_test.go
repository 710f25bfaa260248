package client

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"testing"
	"time"
)

// comesBack reads a document that may be none: what was read is written, read again and
// written alike, and is refused as what it ought to be.
func comesBack[T any](t *testing.T, raw []byte, read func([]byte) (T, error), write func(T) ([]byte, error), refused error) (got T, ok bool) {
	t.Helper()
	got, err := read(raw)
	if err != nil {
		if !errors.Is(err, refused) {
			t.Fatalf("refused with %v", err)
		}
		return got, false
	}
	first, err := write(got)
	if err != nil {
		t.Fatalf("what was read cannot be written: %v", err)
	}
	if len(first) > 16<<10 { // escaped it is longer than it came
		return got, true
	}
	again, err := read(first)
	if err != nil {
		t.Fatalf("what was written cannot be read: %v\n%s", err, first)
	}
	if second, err := write(again); err != nil || !bytes.Equal(first, second) {
		t.Errorf("%v: written\n%s\nand then\n%s", err, first, second)
	}
	return got, true
}

// add seeds a target with a document and with what only looks like one.
func add(f *testing.F, raw []byte, err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add(bytes.Replace(raw, []byte("2027-02-01T00:00:00Z"), []byte("9999-12-31T23:00:00-05:00"), 1))
	f.Add(bytes.Replace(raw, []byte(`"pin": "`), []byte(`"pin": "AAAA`), 1))
	f.Add(bytes.Replace(raw, []byte(`"key": "`), []byte(`"key": "\n`), 1))
	f.Add([]byte(`{"kind":"amanah-door/1"}`))
	f.Add([]byte(`[]`))
}

var (
	fuzzKey   = bytes.Repeat([]byte{7}, ed25519.SeedSize)
	fuzzUntil = time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)
)

func FuzzParseRelay(f *testing.F) {
	raw, err := RelayCredential{"sehat.example", "https://sehat.example", 7, "token", fuzzKey, fuzzUntil, fuzzKey}.Marshal()
	add(f, raw, err)
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, ok := comesBack(t, raw, ParseRelay, RelayCredential.Marshal, ErrCredential)
		if ok && (len(c.Key) != ed25519.SeedSize || len(c.Pin) != 0 && len(c.Pin) != ed25519.PublicKeySize || c.Platform == "" || c.Token == "") {
			t.Errorf("a relay cannot use it: %d, %d", len(c.Key), len(c.Pin))
		}
	})
}

func FuzzParseDoor(f *testing.F) {
	raw, err := DoorCredential{"sehat.example", "https://sehat.example", fuzzKey, 3, "token", fuzzKey, fuzzUntil}.Marshal()
	add(f, raw, err)
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, ok := comesBack(t, raw, ParseDoor, DoorCredential.Marshal, ErrCredential)
		if ok && (len(c.Key) != ed25519.SeedSize || len(c.Pin) != ed25519.PublicKeySize || c.Venue == 0) {
			t.Errorf("a door cannot use it: %d, %d, %d", len(c.Key), len(c.Pin), c.Venue)
		}
	})
}

func FuzzParseServer(f *testing.F) {
	for _, key := range [][]byte{fuzzKey, nil} {
		raw, err := ServerCredential{"sehat.example", "https://sehat.example", 7, "token", "refresh", key, fuzzUntil.AddDate(-1, 0, 0), fuzzUntil}.Marshal()
		add(f, raw, err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, ok := comesBack(t, raw, ParseServer, ServerCredential.Marshal, ErrCredential)
		if ok && (len(c.Key) != ed25519.SeedSize && len(c.Key) != 0 || c.Platform == "" || c.Token == "") {
			t.Errorf("a server cannot use it: %d", len(c.Key))
		}
	})
}

func FuzzParsePass(f *testing.F) {
	p := Pass{Pass: b64([]byte("a pass")), holder: ed25519.NewKeyFromSeed(fuzzKey)}
	raw, err := p.Marshal()
	add(f, raw, err)
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, ok := comesBack(t, raw, ParsePass, (*Pass).Marshal, ErrNoPass)
		if !ok {
			return
		}
		if len(p.holder) != ed25519.PrivateKeySize {
			t.Error("a pass without its holder's key")
		}
		if text, err := p.Present(fuzzUntil); err == nil && text == "" {
			t.Error("nothing is shown")
		}
	})
}
