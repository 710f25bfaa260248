package verify_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/amanah-project/amanah/verify"
)

func statement(t testing.TB, doc []byte) (verify.Transfer, ed25519.PublicKey) {
	t.Helper()
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	at := time.Date(2022, 1, 2, 3, 4, 5, 0, time.UTC)
	s := verify.Transfer{
		ID: [16]byte{1}, From: "rs-99-001", To: "rs-99-002", By: "client-rs-99-001", Digest: sha256.Sum256(doc), Size: int64(len(doc)), Sent: at, Until: at.Add(time.Hour),
	}
	if err := s.Sign(key); err != nil {
		t.Fatal(err)
	}
	return s, key.Public().(ed25519.PublicKey)
}

// TestTransfer: a statement verifies of its bytes under its key, and no longer when any
// bit of either is another; the first line is the control.
func TestTransfer(t *testing.T) {
	doc := []byte(`{"resourceType":"Bundle","type":"document"}`)
	s, key := statement(t, doc)
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back verify.Transfer
	if err := json.Unmarshal(raw, &back); err != nil || back != s {
		t.Fatalf("%+v %v", back, err)
	}
	if err := back.Verify(bytes.NewReader(doc), key); err != nil {
		t.Fatal(err)
	}
	for i := range doc {
		other := bytes.Clone(doc)
		other[i] ^= 1
		if err := s.Verify(bytes.NewReader(other), key); !errors.Is(err, verify.ErrTransfer) {
			t.Errorf("byte %d altered: %v", i, err)
		}
	}
	for _, other := range [][]byte{doc[1:], append(bytes.Clone(doc), ' '), nil} {
		if err := s.Verify(bytes.NewReader(other), key); !errors.Is(err, verify.ErrTransfer) {
			t.Errorf("%q: %v", other, err)
		}
	}
	for name, alter := range map[string]func(*verify.Transfer){
		"from": func(s *verify.Transfer) { s.From = "rs-99-003" }, "to": func(s *verify.Transfer) { s.To = "rs-99-003" },
		"by": func(s *verify.Transfer) { s.By = "client-x" }, "id": func(s *verify.Transfer) { s.ID[3]++ },
		"size": func(s *verify.Transfer) { s.Size++ }, "sent": func(s *verify.Transfer) { s.Sent = s.Sent.Add(time.Second) },
		"until": func(s *verify.Transfer) { s.Until = s.Until.Add(time.Second) }, "digest": func(s *verify.Transfer) { s.Digest[9]++ },
		"signature":   func(s *verify.Transfer) { s.Signature[9]++ },
		"from and to": func(s *verify.Transfer) { s.From, s.To = s.From+s.To[:1], s.To[1:] },
	} {
		one := s
		alter(&one)
		if err := one.Verify(bytes.NewReader(doc), key); !errors.Is(err, verify.ErrSignature) {
			t.Errorf("%s altered: %v", name, err)
		}
	}
	other := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32)).Public().(ed25519.PublicKey)
	if err := s.Verify(bytes.NewReader(doc), other, make([]byte, 32), nil); !errors.Is(err, verify.ErrSignature) {
		t.Errorf("another key: %v", err)
	}
}

// FuzzTransfer: what is read is written as it was, and nothing that was made up holds.
func FuzzTransfer(f *testing.F) {
	s, key := statement(f, []byte("x"))
	raw, _ := json.Marshal(s)
	f.Add(raw)
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var got verify.Transfer
		if json.Unmarshal(raw, &got) != nil {
			return
		}
		again, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		var back verify.Transfer
		if err := json.Unmarshal(again, &back); err != nil || back != got {
			t.Fatalf("%s: %+v %v", again, back, err)
		}
		if got.Verify(bytes.NewReader([]byte("x")), key) == nil && got != s {
			t.Fatalf("%+v holds", got)
		}
	})
}
