package ohttp_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/amanah-project/amanah/ohttp"
	"github.com/google/go-cmp/cmp"
)

func pinKey(n byte) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = n
	return ed25519.NewKeyFromSeed(seed)
}

func pinOf(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

var (
	from = time.Date(2021, 8, 30, 0, 0, 0, 0, time.UTC)
	to   = from.Add(7 * 24 * time.Hour)
)

func envelope(t testing.TB, list []byte) []byte {
	t.Helper()
	return must[[]byte](t)(ohttp.SignConfigs(pinKey(1), list, from, to))
}

func TestSignedConfigs(t *testing.T) {
	configs := []ohttp.Config{newKey(t, 1, ohttp.X25519).Config(), newKey(t, 2, ohttp.P256).Config()}
	e := envelope(t, must[[]byte](t)(ohttp.AppendConfigs(nil, configs...)))
	for name, now := range map[string]time.Time{
		"first second": from, "within": from.Add(time.Hour), "last second": to.Add(time.Second - 1),
	} {
		// The second pin is the platform's next key.
		got, err := ohttp.VerifyConfigs(e, now, pinOf(pinKey(2)), pinOf(pinKey(1)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := &ohttp.SignedConfigs{Configs: configs, NotBefore: from, NotAfter: to}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestSignedConfigsRefused(t *testing.T) {
	list := must[[]byte](t)(ohttp.AppendConfigs(nil, newKey(t, 1, ohttp.X25519).Config()))
	e := envelope(t, list)
	pin, now := pinOf(pinKey(1)), from.Add(time.Hour)
	foreign := must[[]byte](t)(ohttp.SignConfigs(pinKey(3), list, from, to))
	bare := ed25519.Sign(pinKey(1), e[:len(e)-64])
	for _, c := range []struct {
		name string
		b    []byte
		now  time.Time
		pins []ed25519.PublicKey
		want error
	}{
		{"empty", nil, now, nil, ohttp.ErrEnvelope},
		{"unsigned list", list, now, nil, ohttp.ErrEnvelope},
		{"signature cut off", e[:len(e)-64], now, nil, ohttp.ErrEnvelope},
		{"signature of zeros", append(slices.Clone(e[:len(e)-64]), make([]byte, 64)...), now, nil, ohttp.ErrSignature},
		{"signed without the domain", append(slices.Clone(e[:len(e)-64]), bare...), now, nil, ohttp.ErrSignature},
		{"foreign key", foreign, now, nil, ohttp.ErrSignature},
		{"other pin", e, now, []ed25519.PublicKey{pinOf(pinKey(2))}, ohttp.ErrSignature},
		{"no pin", e, now, []ed25519.PublicKey{}, ohttp.ErrSignature},
		{"malformed pin", e, now, []ed25519.PublicKey{pin[1:]}, ohttp.ErrSignature},
		{"not yet valid", e, from.Add(-time.Nanosecond), nil, ohttp.ErrNotYetValid},
		{"expired", e, to.Add(time.Second), nil, ohttp.ErrExpired},
		{"oversized", append(slices.Clone(e), make([]byte, ohttp.MaxEnvelopeSize)...), now, nil, ohttp.ErrEnvelope},
		{"two envelopes", slices.Concat(e, e), now, nil, ohttp.ErrEnvelope},
	} {
		pins := c.pins
		if pins == nil {
			pins = []ed25519.PublicKey{pin}
		}
		if got, err := ohttp.VerifyConfigs(c.b, c.now, pins...); !errors.Is(err, c.want) || got != nil {
			t.Errorf("%s: %v, %v, want %v", c.name, got, err, c.want)
		}
	}
}

func TestSignedConfigsAltered(t *testing.T) {
	e := envelope(t, must[[]byte](t)(ohttp.AppendConfigs(nil, newKey(t, 1, ohttp.X25519).Config())))
	pin, now := pinOf(pinKey(1)), from.Add(time.Hour)
	for i := range e {
		for bit := range 8 {
			e[i] ^= 1 << bit
			if _, err := ohttp.VerifyConfigs(e, now, pin); !errors.Is(err, ohttp.ErrSignature) && !errors.Is(err, ohttp.ErrEnvelope) {
				t.Errorf("bit %d of byte %d: %v", bit, i, err)
			}
			e[i] ^= 1 << bit
		}
	}
	for n := range e {
		if _, err := ohttp.VerifyConfigs(e[:n], now, pin); !errors.Is(err, ohttp.ErrEnvelope) {
			t.Errorf("%d of %d bytes: %v, want ErrEnvelope", n, len(e), err)
		}
	}
	must[*ohttp.SignedConfigs](t)(ohttp.VerifyConfigs(e, now, pin)) // the control
}

// forge signs an envelope that SignConfigs would not.
func forge(version byte, from, to uint64, list []byte) []byte {
	b := []byte{version}
	b = binary.BigEndian.AppendUint64(b, from)
	b = binary.BigEndian.AppendUint64(b, to)
	b = binary.BigEndian.AppendUint16(b, uint16(len(list)))
	b = append(b, list...)
	message := append([]byte("amanah ohttp signed key configurations v1\x00"), b...)
	return append(b, ed25519.Sign(pinKey(1), message)...)
}

// TestSignedConfigsOfAFaultySigner: the platform's own key does not excuse
// nonsense.
func TestSignedConfigsOfAFaultySigner(t *testing.T) {
	list := must[[]byte](t)(ohttp.AppendConfigs(nil, newKey(t, 1, ohttp.X25519).Config()))
	f, u := uint64(from.Unix()), uint64(to.Unix())
	for _, c := range []struct {
		name string
		b    []byte
		want error
	}{
		{"as signed", forge(1, f, u, list), nil},
		{"empty list", forge(1, f, u, nil), ohttp.ErrEnvelope},
		{"malformed list", forge(1, f, u, list[:len(list)-1]), ohttp.ErrConfig},
		{"unknown KEMs only", forge(1, f, u, listOf(mlkem(1))), ohttp.ErrNoConfig},
		{"window reversed", forge(1, u, f, list), ohttp.ErrValidity},
		{"window too long", forge(1, f, f+91*24*3600, list), ohttp.ErrValidity},
		{"window before 1970", forge(1, 1<<63, u, list), ohttp.ErrValidity},
		{"window without end", forge(1, f, 1<<64-1, list), ohttp.ErrValidity},
		{"other version", forge(2, f, u, list), ohttp.ErrEnvelope},
	} {
		if _, err := ohttp.VerifyConfigs(c.b, from, pinOf(pinKey(1))); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// badSigner answers with something that is no signature of the message.
type badSigner struct{ ed25519.PrivateKey }

func (badSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return make([]byte, ed25519.SignatureSize), nil
}

// deadSigner is a signer that cannot be reached.
type deadSigner struct{ ed25519.PrivateKey }

var errDead = errors.New("keeper is gone")

func (deadSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return nil, errDead }

func TestSignConfigsRefuses(t *testing.T) {
	list := must[[]byte](t)(ohttp.AppendConfigs(nil, newKey(t, 1, ohttp.X25519).Config()))
	for _, c := range []struct {
		name     string
		signer   crypto.Signer
		list     []byte
		from, to time.Time
		want     error
	}{
		{"empty list", pinKey(1), nil, from, to, ohttp.ErrConfig},
		{"malformed list", pinKey(1), list[1:], from, to, ohttp.ErrConfig},
		{"unusable list", pinKey(1), listOf(mlkem(1)), from, to, ohttp.ErrNoConfig},
		{"window reversed", pinKey(1), list, to, from, ohttp.ErrValidity},
		{"no window", pinKey(1), list, from, from, ohttp.ErrValidity},
		{"window too long", pinKey(1), list, from, from.Add(ohttp.MaxValidity + time.Second), ohttp.ErrValidity},
		{"zero time", pinKey(1), list, time.Time{}, to, ohttp.ErrValidity},
		{"no signer", deadSigner{pinKey(1)}, list, from, to, errDead},
		{"ECDSA signer", must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), list, from, to, ohttp.ErrSignature},
		{"wrong signature", badSigner{pinKey(1)}, list, from, to, ohttp.ErrSignature},
	} {
		if b, err := ohttp.SignConfigs(c.signer, c.list, c.from, c.to); !errors.Is(err, c.want) || b != nil {
			t.Errorf("%s: %x, %v, want %v", c.name, b, err, c.want)
		}
	}
	if _, err := ohttp.SignConfigs(pinKey(1), list, from, from.Add(ohttp.MaxValidity)); err != nil {
		t.Errorf("longest window: %v", err)
	}
}
