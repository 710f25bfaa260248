package client

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/verify"
)

// passKit is a platform's keys, a door's credential and a pass that it signed.
type passKit struct {
	now    time.Time
	ticket ed25519.PrivateKey
	pin    ed25519.PrivateKey
	holder ed25519.PrivateKey
	signed []byte // the last pass
	kit    Kit
	door   DoorCredential
}

func newPassKit(t *testing.T) *passKit {
	t.Helper()
	key := func() ed25519.PrivateKey {
		_, k, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	p := &passKit{now: time.Date(2026, 11, 24, 5, 0, 20, 0, time.UTC), ticket: key(), pin: key(), holder: key()}
	public := func(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }
	tickets, err := verify.NewKeys(verify.ForTickets, verify.NewKey(public(p.ticket), p.now.Add(-24*time.Hour).Truncate(time.Second), p.now.Add(48*time.Hour)))
	if err != nil {
		t.Fatal(err)
	}
	venues, err := verify.NewKeys(verify.ForVenues)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := verify.Published{Venues: venues, Tickets: tickets}.Sign(p.pin, p.now.Add(-time.Hour), p.now.Add(24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	p.kit = Kit{Keys: doc, Category: "mall", Level: 2}
	p.door = DoorCredential{Host: "amanah.example", Platform: "http://127.0.0.1:1", Pin: public(p.pin), Venue: 1, Token: "t", Key: key().Seed()}
	return p
}

// screen is what a phone shows of a pass that was fetched some time ago.
func (p *passKit) screen(t *testing.T, fetched time.Duration, change func(*verify.Pass)) string {
	t.Helper()
	holder, err := verify.NewPublicKey(p.holder.Public())
	if err != nil {
		t.Fatal(err)
	}
	issued := p.now.Add(-fetched).Truncate(time.Minute)
	v := verify.Pass{Category: "mall", Level: 2, Issued: issued, Expires: issued.Add(12 * time.Hour), Serial: [16]byte{1}, Party: 2, Decision: verify.Admit, Holder: holder}
	change(&v)
	signed, err := verify.SignPass(p.ticket, v)
	if err != nil {
		t.Fatal(err)
	}
	p.signed = signed
	text, err := verify.ShowPass(signed, p.holder, p.now)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (p *passKit) open(t *testing.T) *Door {
	t.Helper()
	d, err := OpenDoorKit(p.door, p.kit, Options{Now: func() time.Time { return p.now }})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestCheckPassOffline: a door without network admits a pass once and sees its age; it
// asks nobody, because there is nobody at its platform's address.
func TestCheckPassOffline(t *testing.T) {
	p := newPassKit(t)
	as := func(*verify.Pass) {}
	d := p.open(t)
	got, err := d.CheckPass(p.screen(t, 9*time.Hour, as), 10*time.Hour)
	if err != nil || got.Party != 2 || got.Age(p.now) != 9*time.Hour {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, err := d.CheckPass(p.screen(t, 9*time.Hour, as), 0); !errors.Is(err, ErrSeen) {
		t.Errorf("again: %v", err)
	}
	for name, c := range map[string]struct {
		screen string
		oldest time.Duration
		want   error
	}{
		"older than allowed": {p.screen(t, 9*time.Hour, as), 8 * time.Hour, ErrOld},
		"another category":   {p.screen(t, time.Hour, func(v *verify.Pass) { v.Category = "cinema" }), 0, verify.ErrWrongCategory},
		"a milder level":     {p.screen(t, time.Hour, func(v *verify.Pass) { v.Level = 1 }), 0, verify.ErrWrongLevel},
		"over":               {p.screen(t, 0, func(v *verify.Pass) { v.Issued, v.Expires = v.Issued.Add(-13*time.Hour), v.Issued.Add(-time.Hour) }), 0, verify.ErrExpired},
		"no pass":            {"AMANAH1:x", 0, verify.ErrMalformed},
	} {
		if _, err := p.open(t).CheckPass(c.screen, c.oldest); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	other := p.open(t)
	other.Remember("no pass")
	other.Remember(p.screen(t, 9*time.Hour, as))
	if _, err := other.CheckPass(p.screen(t, 9*time.Hour, as), 0); !errors.Is(err, ErrSeen) {
		t.Errorf("remembered from a list: %v", err)
	}
}

// TestKitHolds: a kit is good for its day and its platform.
func TestKitHolds(t *testing.T) {
	for name, spoil := range map[string]func(p *passKit){
		"a day later":      func(p *passKit) { p.now = p.now.Add(25 * time.Hour) },
		"another platform": func(p *passKit) { p.door.Pin = make([]byte, 32) },
		"altered":          func(p *passKit) { p.kit.Keys[20] ^= 1 },
		"empty":            func(p *passKit) { p.kit.Keys = nil },
	} {
		p := newPassKit(t)
		p.open(t) // the control
		spoil(p)
		if _, err := OpenDoorKit(p.door, p.kit, Options{Now: func() time.Time { return p.now }}); !errors.Is(err, ErrKit) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := newPassKit(t)
	p.kit.Category = ""
	if _, err := p.open(t).CheckPass(p.screen(t, 0, func(*verify.Pass) {}), 0); !errors.Is(err, ErrKit) {
		t.Errorf("a kit of no place: %v", err)
	}
}

// TestPassFile: what a phone keeps can be shown again, and prints nothing.
func TestPassFile(t *testing.T) {
	p := newPassKit(t)
	screen := p.screen(t, time.Hour, func(*verify.Pass) {})
	signed := b64(p.signed)
	file := fmt.Appendf(nil, `{"kind":"amanah-pass/1","pass":%q,"holder":%q}`, signed, b64(p.holder.Seed()))
	kept, err := ParsePass(file)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := kept.Present(p.now); err != nil || got != screen {
		t.Errorf("%s, %v", got, err)
	}
	if s := fmt.Sprintf("%v %+v %#v %s", kept, *kept, kept, kept); strings.Contains(s, "AT") || strings.Count(s, "[redacted]") != 4 {
		t.Errorf("it prints %s", s)
	}
	again, err := kept.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParsePass(again); err != nil {
		t.Error(err)
	}
	for name, file := range map[string]string{
		"nothing": "", "another kind": `{"kind":"amanah-door/1","pass":"x","holder":"y"}`,
		"no key": fmt.Sprintf(`{"kind":"amanah-pass/1","pass":%q}`, signed), "no pass": fmt.Sprintf(`{"kind":"amanah-pass/1","holder":%q}`, b64(p.holder.Seed())),
	} {
		if _, err := ParsePass([]byte(file)); !errors.Is(err, ErrNoPass) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var refused Pass
	if err := json.Unmarshal([]byte(`{"decision":"refuse"}`), &refused); err != nil {
		t.Fatal(err)
	}
	if _, err := refused.Marshal(); !errors.Is(err, ErrNoPass) {
		t.Errorf("a refused one: %v", err)
	}
	if _, err := refused.Present(p.now); !errors.Is(err, ErrNoPass) {
		t.Errorf("a refused one: %v", err)
	}
}
