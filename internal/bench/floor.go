package bench

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"time"

	"github.com/amanah-project/amanah/ohttp"
)

// Cost is one operation of a check-in's floor: what it costs here and now, alone
// and with warm caches, and how often a check-in needs it.
type Cost struct {
	Name  string
	Each  time.Duration // CPU
	Times float64       // per check-in
}

// Sum is what the operation adds to a check-in.
func (c Cost) Sum() time.Duration { return time.Duration(float64(c.Each) * c.Times) }

// timed runs do for a while, three times, and returns the least CPU time of one.
func timed(do func() error) (time.Duration, error) {
	const round = 150 * time.Millisecond
	best := time.Duration(1 << 62)
	for range 3 {
		n := 0
		before := own()
		for end := time.Now().Add(round); time.Now().Before(end); {
			for range 16 {
				if err := do(); err != nil {
					return 0, err
				}
				n++
			}
		}
		best = min(best, (own()-before)/time.Duration(n))
	}
	return best, nil
}

// floor measures the cryptography that design §6 lists for a check-in, batch being
// the mean size of the run's batches.
func floor(batch float64) ([]Cost, error) {
	var out []Cost
	add := func(name string, times float64, do func() error) error {
		each, err := timed(do)
		out = append(out, Cost{name, each, times})
		return err
	}
	open, err := opener()
	if err != nil {
		return nil, err
	}
	if err := add("HPKE open and export, X25519 (RFC 9180)", 1, open); err != nil {
		return nil, err
	}
	answer := make([]byte, ohttp.ResponseSize)
	if err := add("response keys and seal (RFC 9458 §4.4)", 1, func() error { return respond(answer) }); err != nil {
		return nil, err
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	message := make([]byte, 420) // a proof
	sig := ed25519.Sign(private, message)
	if err := add("Ed25519 verify: relay's and device's proof", 2, func() error {
		ed25519.Verify(public, message, sig)
		return nil
	}); err != nil {
		return nil, err
	}
	if err := add("Ed25519 sign: ticket, and the leaf once a batch", 1+1/batch, func() error {
		ed25519.Sign(private, message[:120])
		return nil
	}); err != nil {
		return nil, err
	}
	err = add("tokens, colour, event: AES-GCM, HMAC, SHA-256", 1, seals())
	return out, err
}

func opener() (func() error, error) {
	kem, kdf, aead := hpke.DHKEM(ecdh.X25519()), hpke.HKDFSHA256(), hpke.AES128GCM()
	key, err := kem.GenerateKey()
	if err != nil {
		return nil, err
	}
	info := make([]byte, 32)
	enc, sender, err := hpke.NewSender(key.PublicKey(), kdf, aead, info)
	if err != nil {
		return nil, err
	}
	sealed, err := sender.Seal(nil, make([]byte, ohttp.RequestSize-64))
	if err != nil {
		return nil, err
	}
	return func() error {
		r, err := hpke.NewRecipient(enc, key, kdf, aead, info)
		if err != nil {
			return err
		}
		if _, err := r.Open(nil, sealed); err != nil {
			return err
		}
		_, err = r.Export("message/bhttp response", 16)
		return err
	}, nil
}

func respond(plain []byte) error {
	var secret, salt [48]byte
	prk, err := hkdf.Extract(sha256.New, secret[:16], salt[:])
	if err != nil {
		return err
	}
	key, err := hkdf.Expand(sha256.New, prk, "key", 16)
	if err != nil {
		return err
	}
	nonce, err := hkdf.Expand(sha256.New, prk, "nonce", 12)
	if err != nil {
		return err
	}
	aead, err := gcm(key)
	if err != nil {
		return err
	}
	aead.Seal(nil, nonce, plain, nil)
	return nil
}

func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// seals opens two tokens and a colour, names the person, commits to and seals the
// event, and hashes it into the leaf.
func seals() func() error {
	aead, err := gcm(make([]byte, 32))
	nonce := make([]byte, 12)
	rand.Read(nonce)
	plain := make([]byte, 169) // an event
	if err != nil {
		return func() error { return err }
	}
	token, colour := aead.Seal(nil, nonce, plain[:100], nil), aead.Seal(nil, nonce, plain[:64], nil)
	return func() error {
		for _, sealed := range [][]byte{token, token, colour} {
			if _, err := aead.Open(nil, nonce, sealed, nil); err != nil {
				return err
			}
		}
		for range 2 {
			m := hmac.New(sha256.New, plain[:32])
			m.Write(plain[:16])
			m.Sum(nil)
		}
		var fresh [12]byte
		rand.Read(fresh[:])
		sealed := aead.Seal(nil, fresh[:], plain, nil)
		for _, b := range [][]byte{plain, sealed, plain[:96], plain[:65], plain[:65]} {
			sha256.Sum256(b)
		}
		return nil
	}
}

// stored measures the database's part on the very database the run has filled:
// the read of the colours and the transaction of a batch, each per check-in.
func stored(ctx context.Context, r *run, batch int) ([]Cost, error) {
	rows := &rows{people: r.opt.People, gate: randomGate()}
	const rounds = 60
	measure := func(do func() error) (time.Duration, error) {
		before := own()
		for range rounds {
			if err := do(); err != nil {
				return 0, err
			}
		}
		return (own() - before) / time.Duration(rounds*batch), nil
	}
	read, err := measure(func() error { return rows.read(ctx, r.site.DB, batch) })
	if err != nil {
		return nil, err
	}
	write, err := measure(func() error { return rows.write(ctx, r.site.DB, batch) })
	return []Cost{{"read of the sealed colours", read, 1}, {"reads and rows of the transaction, COMMIT", write, 1}}, err
}
