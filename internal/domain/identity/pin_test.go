package identity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"
)

func nikOf(t *testing.T, s string) NIK {
	t.Helper()
	n, err := ParseNIK(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPIN(t *testing.T) {
	for _, bad := range []string{"", "12345", "1234567", "12345a", "12345 ", "-12345", "１２３４５６"} {
		if _, err := ParsePIN(bad); !errors.Is(err, ErrPIN) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	// A woman born on 17 August 1990: the NIK says 57 for the day.
	n := nikOf(t, "9901015708900042")
	for _, weak := range []string{
		"000000", "121212", "123123", "123456", "654321", "890123", "210987",
		"990101", "570890", "900042", "170890", "081790", "900817", "901708",
	} {
		p, err := ParsePIN(weak)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Check(n); !errors.Is(err, ErrWeakPIN) {
			t.Errorf("%s: %v", weak, err)
		}
	}
	for _, good := range []string{"482915", "100200", "112233", "170891", "123457"} {
		p, err := ParsePIN(good)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Check(n); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	if err := (PIN{}).Check(n); !errors.Is(err, ErrPIN) {
		t.Error(err)
	}
}

// TestPINBlind: what the keeper makes a tag of differs by person and by PIN.
func TestPINBlind(t *testing.T) {
	a, _ := ParsePIN("482915")
	b, _ := ParsePIN("482916")
	if bytes.Equal(a.Blind(1), a.Blind(2)) || bytes.Equal(a.Blind(1), b.Blind(1)) || !bytes.Equal(a.Blind(1), a.Blind(1)) {
		t.Error("blinds are not of one person and PIN")
	}
}

func TestPINNeverPrints(t *testing.T) {
	p, _ := ParsePIN("482915")
	j, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(p), fmt.Sprintf("%+v %#v %s %q %x", p, p, p, p, p), string(j), p.LogValue().String(), fmt.Sprint(struct{ P PIN }{p})} {
		if bytes.Contains([]byte(text), []byte("482915")) || bytes.Contains([]byte(text), []byte(fmt.Sprintf("%x", "482915"))) {
			t.Errorf("prints %s", text)
		}
	}
}

func TestCardHolds(t *testing.T) {
	now := time.Date(2022, 8, 1, 5, 0, 0, 0, time.UTC)
	good := Card{ID: NewCardID(now), Person: 1, Issued: now, Expires: now.Add(time.Hour)}
	revoked := good
	revoked.Revoked = now
	for name, c := range map[string]struct {
		card Card
		at   time.Time
		want bool
	}{
		"holds": {good, now, true}, "last moment": {good, now.Add(time.Hour - 1), true},
		"expired": {good, now.Add(time.Hour), false}, "revoked": {revoked, now, false}, "none": {Card{}, now, false},
	} {
		if c.card.Holds(c.at) != c.want {
			t.Error(name)
		}
	}
	if a, b := NewCardID(now), NewCardID(now.Add(time.Millisecond)); bytes.Compare(a[:], b[:]) >= 0 {
		t.Error("numbers do not ascend")
	}
}
