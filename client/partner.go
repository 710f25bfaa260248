package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Application is what became of terms that a partner offered.
type Application struct {
	Partner       uint32    `json:"partner"`
	Version       int       `json:"version"`
	Offered       time.Time `json:"offered"`
	Countersigned bool      `json:"countersigned"`
	Key           string    `json:"key"`   // thumbprint of the signing key: tell it to the platform by another way
	State         string    `json:"state"` // applied, sandbox, certified, live, suspended, ended
	Next          []string  `json:"next"`  // what is due: see api/openapi.yaml
}

// Apply offers terms, an application or a later version, under their detached
// signature, to the platform at that URL. The same sent again is taken once, and
// answered with where the partner stands then. A refusal of a first version's number
// names the number to take.
func Apply(ctx context.Context, platform string, terms []byte, signature string, opt Options) (Application, error) {
	body, err := json.Marshal(struct {
		Terms     json.RawMessage `json:"terms"`
		Signature string          `json:"signature"`
	}{terms, signature})
	if err != nil {
		return Application{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(platform, "/")+"/partner/v1/applications", bytes.NewReader(body))
	if err != nil {
		return Application{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	web := &http.Client{Transport: opt.Transport, Timeout: askTime}
	res, err := web.Do(req)
	if err != nil {
		return Application{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return Application{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if res.StatusCode != http.StatusOK {
		return Application{}, problemOf(res.StatusCode, answer)
	}
	var a Application
	return a, json.Unmarshal(answer, &a)
}

// Standing is where a partner stands, as the platform tells the partner itself.
type Standing struct {
	Partner   uint32         `json:"partner"`
	Name      string         `json:"name"`
	State     string         `json:"state"`
	Stage     int            `json:"stage"`
	Linked    int            `json:"linked"` // people
	Most      int            `json:"most"`   // people that the stage allows
	Terms     int            `json:"terms"`  // version in force; 0 for none
	Until     time.Time      `json:"until,omitzero"`
	Waiting   []int          `json:"waiting"` // versions that the platform has not signed
	Suspended *Suspension    `json:"suspended,omitempty"`
	Report    *Certification `json:"report,omitempty"`
	Next      []string       `json:"next"`
}

// Suspension says since when and why a partner is not served.
type Suspension struct {
	Since  time.Time `json:"since"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
}

// Certification is the last report that the platform took.
type Certification struct {
	At     time.Time `json:"at"`
	Until  time.Time `json:"until"`
	Digest string    `json:"digest"`
	Counts bool      `json:"counts"` // lets the partner go on now
}

// Standing asks by the relay's credential where its partner stands; also when it is
// suspended.
func (r *Relay) Standing(ctx context.Context) (Standing, error) {
	const path = "/partner/v1/standing"
	for try := 0; ; try++ {
		proof, err := r.prover.prove(http.MethodGet, "https://"+r.credential.Host+path, r.credential.Token, time.Now())
		if err != nil {
			return Standing{}, err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.credential.Platform+path, nil)
		if err != nil {
			return Standing{}, err
		}
		req.Header.Set("Authorization", "DPoP "+r.credential.Token)
		req.Header.Set("DPoP", proof)
		res, err := r.http.Do(req)
		if err != nil {
			return Standing{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		answer, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
		_ = res.Body.Close() // what came is read
		if err != nil {
			return Standing{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		r.prover.keep(res.Header.Get("DPoP-Nonce"))
		var s Standing
		if res.StatusCode == http.StatusOK {
			return s, json.Unmarshal(answer, &s)
		}
		if p := problemOf(res.StatusCode, answer); try > 0 || !isNonce(p) {
			return s, p
		}
	}
}
