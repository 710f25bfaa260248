package app

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/memory"
)

// club is a snapshot of partners over a memory store, with a clock.
type club struct {
	*partners
	t    *testing.T
	db   store.DB
	now  time.Time
	log  bytes.Buffer
	keys PartnerKeys
	sign ed25519.PrivateKey // the platform's
}

func newClub(t *testing.T, change func(*partner.Terms)) *club {
	t.Helper()
	c := &club{t: t, db: memory.New(), now: time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC), sign: newKey(t)}
	t.Cleanup(func() { _ = c.db.Close() })
	var err error
	if c.keys, err = NewPartnerKeys(); err != nil {
		t.Fatal(err)
	}
	c.partners = newPartners(func() time.Time { return c.now }, func() ed25519.PublicKey { return c.sign.Public().(ed25519.PublicKey) },
		slog.New(slog.NewTextHandler(&c.log, nil)))
	c.put(partner.Partner{ID: 1, State: partner.Live, Stage: 1})
	terms := DraftTerms(1, "Toko Maya", c.keys, c.now)
	if change != nil {
		change(&terms)
	}
	c.agree(terms)
	c.tick(0)
	return c
}

func (c *club) put(p partner.Partner) {
	c.t.Helper()
	c.update(func(s store.Stores) error { return s.Partners.Put(p) })
}

func (c *club) update(fn func(s store.Stores) error) {
	c.t.Helper()
	if err := c.db.Bulk(c.t.Context(), fn); err != nil {
		c.t.Fatal(err)
	}
}

func (c *club) agree(terms partner.Terms) {
	c.t.Helper()
	raw, err := terms.Canonical()
	if err != nil {
		c.t.Fatal(err)
	}
	g := partner.Agreement{Partner: terms.Partner, Version: terms.Version, Terms: raw, Signature: partner.Detached(c.keys.Sign, raw), Until: terms.Until}
	s := partner.Countersignature{Seq: 1, At: c.now}
	s.Sign(c.sign, g.Digest())
	c.update(func(st store.Stores) error {
		if err := st.Agreements.Offer(g); err != nil {
			return err
		}
		return st.Agreements.Countersign(g.Partner, g.Version, s)
	})
}

// tick polls after some time.
func (c *club) tick(after time.Duration) {
	c.t.Helper()
	c.now = c.now.Add(after)
	if err := c.poll(c.t.Context(), c.db); err != nil {
		c.t.Fatal(err)
	}
}

func (c *club) relay() [32]byte { return thumbprint(c.keys.Relay.Public().(ed25519.PublicKey)) }

func (c *club) admitted() error {
	_, err := c.Admit(1, c.relay())
	return err
}

// TestKillSwitch: a suspension bites at the next poll, and without a poll nobody is
// served after five seconds: either way within five seconds of the suspension.
func TestKillSwitch(t *testing.T) {
	if pollEvery > 2*time.Second || staleAfter > 5*time.Second {
		t.Fatal("the kill switch is slower than promised")
	}
	c := newClub(t, nil)
	if err := c.admitted(); err != nil {
		t.Fatal(err)
	}
	c.put(partner.Partner{ID: 1, State: partner.Suspended, Held: partner.Live, Stage: 1})
	c.now = c.now.Add(pollEvery - 1)
	if err := c.admitted(); err != nil {
		t.Errorf("before the poll: %v", err)
	}
	c.tick(1)
	if err := c.admitted(); !errors.Is(err, partner.ErrSuspended) {
		t.Errorf("after the poll: %v", err)
	}
	c.put(partner.Partner{ID: 1, State: partner.Live, Stage: 1})
	c.tick(pollEvery)
	if err := c.admitted(); err != nil {
		t.Errorf("resumed: %v", err)
	}
	if err := c.db.Close(); err != nil {
		t.Fatal(err)
	}
	for after, want := range map[time.Duration]error{staleAfter: nil, staleAfter + 1: errStale} {
		at := c.now
		c.now = c.now.Add(after)
		if err := c.poll(t.Context(), c.db); err == nil {
			t.Fatal("a closed database was read")
		}
		if err := c.admitted(); !errors.Is(err, want) {
			t.Errorf("%v after the last poll: %v", after, err)
		}
		c.now = at
	}
}

// TestPartnersOutside: who is outside the agreement or its stage is refused, by name.
func TestPartnersOutside(t *testing.T) {
	other := sha256.Sum256([]byte("a certificate"))
	bound := func(terms *partner.Terms) { terms.Keys.Certificate = base64.RawURLEncoding.EncodeToString(other[:]) }
	for name, c := range map[string]struct {
		terms func(*partner.Terms)
		do    func(c *club) error
		want  error
	}{
		"live":                        {nil, func(c *club) error { return c.admitted() }, nil},
		"an unknown partner":          {nil, func(c *club) error { _, err := c.Admit(2, c.relay()); return err }, partner.ErrUnknown},
		"another relay key":           {nil, func(c *club) error { _, err := c.Admit(1, [32]byte{1}); return err }, partner.ErrUnknown},
		"its certificate":             {bound, func(c *club) error { _, err := c.AdmitCertificate(other); return err }, nil},
		"another certificate":         {bound, func(c *club) error { _, err := c.AdmitCertificate([32]byte{1}); return err }, partner.ErrUnknown},
		"no certificate":              {nil, func(c *club) error { _, err := c.AdmitCertificate([32]byte{}); return err }, partner.ErrUnknown},
		"an agreement that is over":   {nil, func(c *club) error { c.tick(400 * 24 * time.Hour); return c.admitted() }, partner.ErrUnsigned},
		"an agreement to come":        {func(t *partner.Terms) { t.From = t.From.Add(time.Second) }, func(c *club) error { return c.admitted() }, partner.ErrUnsigned},
		"that agreement, a second on": {func(t *partner.Terms) { t.From = t.From.Add(time.Second) }, func(c *club) error { c.now = c.now.Add(time.Second); return c.admitted() }, nil},
		"an application":              {nil, func(c *club) error { return c.in(partner.Applied) }, partner.ErrUnknown},
		"an end":                      {nil, func(c *club) error { return c.in(partner.Ended) }, partner.ErrUnknown},
		"suspended, by certificate":   {bound, func(c *club) error { _ = c.in(partner.Suspended); _, err := c.AdmitCertificate(other); return err }, partner.ErrSuspended},
		"past its quota":              {func(t *partner.Terms) { t.Limits.MessagesPerMinute = 3 }, func(c *club) error { return c.spend(4) }, partner.ErrQuota},
		"within its quota":            {func(t *partner.Terms) { t.Limits.MessagesPerMinute = 3 }, func(c *club) error { return c.spend(3) }, nil},
		"its quota, a minute on": {func(t *partner.Terms) { t.Limits.MessagesPerMinute = 3 }, func(c *club) error {
			_ = c.spend(4)
			c.tick(time.Minute)
			return c.spend(3)
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.do(newClub(t, c.terms)); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

func (c *club) in(s partner.State) error {
	c.t.Helper()
	c.put(partner.Partner{ID: 1, State: s, Stage: 1, Held: partner.Live})
	c.tick(pollEvery)
	return c.admitted()
}

func (c *club) spend(n int) (err error) {
	c.t.Helper()
	g, err := c.Grant(1)
	for range n {
		if err == nil {
			err = c.Spend(g)
		}
	}
	return err
}

// TestSandboxIsSynthetic: who is not live is granted synthetic people only.
func TestSandboxIsSynthetic(t *testing.T) {
	c := newClub(t, nil)
	for s, only := range map[partner.State]bool{partner.Sandbox: true, partner.Certified: true, partner.Live: false} {
		if err := c.in(s); err != nil {
			t.Fatal(err)
		}
		if g, err := c.Grant(1); err != nil || g.SyntheticOnly != only {
			t.Errorf("%v: %+v, %v", s, g, err)
		}
	}
}

// TestForgedAgreement: a version written into the database grants nothing, the one
// before stays in force, and the log names it.
func TestForgedAgreement(t *testing.T) {
	c := newClub(t, nil)
	mine := c.sign
	c.sign = newKey(t) // a thief's
	forged := DraftTerms(1, "Toko Maya", c.keys, c.now)
	forged.Version, forged.Name = 2, "Toko Lain"
	c.agree(forged)
	c.sign = mine
	c.tick(pollEvery)
	if g, err := c.Grant(1); err != nil || g.Version != 1 || g.Name != "Toko Maya" {
		t.Errorf("granted under %+v, %v", g, err)
	}
	if !strings.Contains(c.log.String(), "does not hold") || strings.Contains(c.log.String(), "Toko Lain") {
		t.Errorf("log: %s", c.log.String())
	}
	if fault.KindOf(errStale) != fault.Unavailable {
		t.Error("a stale snapshot is not a refusal of the partner")
	}
}
