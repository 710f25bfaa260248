package bench

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/ohttp"
)

// request is one check-in, ready to be written to a connection, used once.
type request struct {
	raw      []byte
	exchange *ohttp.Exchange // opens its answer
}

// preparer makes requests as a device and a partner's relay would, from the
// published documents alone and before anything is measured.
type preparer struct {
	as     day.Day // of which the people are
	host   string
	relay  signer
	phones []signer
	codes  []string
	config ohttp.Config
	nonce  string
}

// signer proves the possession of one key for one token (RFC 9449).
type signer struct {
	token string
	key   ed25519.PrivateKey
	head  string // of every proof, encoded
	ath   string
}

func newSigner(token string, seed []byte) signer {
	key := ed25519.NewKeyFromSeed(seed)
	sum := sha256.Sum256([]byte(token))
	return signer{
		token: token, key: key, ath: b64(sum[:]),
		head: b64([]byte(`{"typ":"dpop+jwt","alg":"EdDSA","jwk":{"kty":"OKP","crv":"Ed25519","x":"` + b64(key.Public().(ed25519.PublicKey)) + `"}}`)),
	}
}

func (s signer) prove(url, nonce string, now time.Time) string {
	var id [16]byte
	rand.Read(id[:])
	body := `{"jti":"` + b64(id[:]) + `","htm":"POST","htu":"` + url + `","iat":` + strconv.FormatInt(now.Unix(), 10) +
		`,"ath":"` + s.ath + `","nonce":"` + nonce + `"}`
	signed := s.head + "." + b64([]byte(body))
	return signed + "." + b64(ed25519.Sign(s.key, []byte(signed)))
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// learn fetches the key configuration, which pin must have signed, and a nonce.
func (p *preparer) learn(ctx context.Context, platform string, pin []byte) error {
	res, err := do(ctx, http.MethodGet, platform+ohttp.WellKnownPath)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	envelope, err := io.ReadAll(io.LimitReader(res.Body, ohttp.MaxEnvelopeSize))
	if err != nil {
		return err
	}
	signed, err := ohttp.VerifyConfigs(envelope, time.Now(), ed25519.PublicKey(pin))
	if err != nil {
		return err
	}
	if p.config, err = ohttp.Choose(signed.Configs); err != nil {
		return err
	}
	again, err := do(ctx, http.MethodPost, platform+"/ohttp")
	if err != nil {
		return err
	}
	again.Body.Close()
	if p.nonce = again.Header.Get("DPoP-Nonce"); p.nonce == "" {
		return fault.New(fault.Internal, "the server gave no nonce")
	}
	return nil
}

func do(ctx context.Context, method, url string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return nil, err
	}
	return http.DefaultClient.Do(req)
}

// make prepares n check-ins, on all cores: the server is idle meanwhile.
func (p *preparer) make(n int) ([]request, error) {
	out := make([]request, n)
	var group sync.WaitGroup
	workers := runtime.NumCPU()
	failed := make([]error, workers)
	for w := range workers {
		group.Go(func() {
			for i := w; i < n && failed[w] == nil; i += workers {
				// Everybody in turn: nobody uses up the colours of the day.
				out[i], failed[w] = p.one(p.phones[i%len(p.phones)])
			}
		})
	}
	group.Wait()
	for _, err := range failed {
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (p *preparer) one(who signer) (request, error) {
	now := time.Now()
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		return request{}, err
	}
	var nonce [16]byte
	rand.Read(nonce[:])
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(now.UnixMilli()))
	copy(nonce[:6], ms[2:])
	body, err := json.Marshal(map[string]any{
		"code": p.codes[mathrand.IntN(len(p.codes))], "party": 1, "nonce": b64(nonce[:]), "holder": b64(public),
	})
	if err != nil {
		return request{}, err
	}
	message, err := ohttp.AppendRequest(nil, &ohttp.Request{
		Method: http.MethodPost, Scheme: "https", Authority: p.host, Path: "/v1/visits",
		Header: []ohttp.Field{
			{Name: "authorization", Value: "DPoP " + who.token},
			{Name: "dpop", Value: who.prove("https://"+p.host+"/v1/visits", p.nonce, now)},
			{Name: "accept-language", Value: "id"},
		},
		Body: body,
	})
	if err != nil {
		return request{}, err
	}
	sealed, exchange, err := p.config.Encapsulate(message)
	if err != nil {
		return request{}, err
	}
	head := fmt.Sprintf("POST /ohttp HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nAuthorization: DPoP %s\r\nDpop: %s\r\nContent-Length: %d\r\n\r\n",
		p.host, ohttp.MediaTypeRequest, p.relay.token, p.relay.prove("https://"+p.host+"/ohttp", p.nonce, now), len(sealed))
	return request{append([]byte(head), sealed...), exchange}, nil
}

// equip links a device to n people and takes the venues' codes.
func (p *preparer) equip(ctx context.Context, site *app.Site, n int) (pin []byte, err error) {
	made, credential, err := site.AddPartner(ctx, "Mitra Ukur", site.Platform())
	if err != nil {
		return nil, err
	}
	p.host, p.relay = site.Host(), newSigner(credential.Token, credential.Key)
	for first := 0; first < n; first += 2000 {
		niks, err := syntheticNIKs(p.as, first, min(first+2000, n))
		if err != nil {
			return nil, err
		}
		links, err := site.AddLinks(ctx, made.ID, "http://unused.invalid", niks)
		if err != nil {
			return nil, err
		}
		for _, l := range links {
			p.phones = append(p.phones, newSigner(l.Credential.Token, l.Credential.Key))
			pin = l.Credential.Pin
		}
	}
	return pin, nil
}
