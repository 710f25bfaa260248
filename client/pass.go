package client

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/amanah-project/amanah/verify"
)

// ErrNoPass is returned for a pass that was refused, and for a file that holds none.
var ErrNoPass = errors.New("client: there is no pass")

// PassRequest is what a person fetches beforehand for a door without network.
type PassRequest struct {
	Category string   // of the place: mall, market, …
	Level    int      // the strictest restrictions it is to be good for, 1 to 4; 0 for those of all such places
	Hours    int      // its life, 1 to 12; 0 for 12
	Party    int      // people entering, the person included; 1 to 50
	With     []string // tokens of other linked members on this device
}

// Pass is the answer: a ticket for one visit to a place of its category, wherever the
// restrictions are of its level or milder. It holds the visit's private key: it
// prints as [redacted], and Marshal is the way to keep it.
type Pass struct {
	Status
	Serial   string    `json:"serial"`   // of the visit that it becomes, for leaving
	Decision string    `json:"decision"` // admit, check, refuse
	Code     string    `json:"code"`     // of the rule that decided
	Text     string    `json:"text"`
	Members  []string  `json:"members,omitempty"` // colours of the party's linked members
	Category string    `json:"category"`
	Level    int       `json:"level"`
	Pass     string    `json:"pass,omitempty"` // base64url, see package verify; none when refused
	Issued   time.Time `json:"issued_at,omitzero"`
	Expires  time.Time `json:"expires_at,omitzero"`
	Receipt  string    `json:"receipt"`

	holder ed25519.PrivateKey
}

// Pass fetches a pass. It counts one of the day's colours; asked again after a lost
// answer, it counts once.
func (d *Device) Pass(ctx context.Context, in PassRequest) (*Pass, error) {
	public, holder, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	p := &Pass{holder: holder}
	return p, d.ask(ctx, http.MethodPost, "/v1/passes", func(now time.Time) ([]byte, error) {
		return json.Marshal(struct {
			Category string   `json:"category"`
			Level    int      `json:"level,omitempty"`
			Hours    int      `json:"hours,omitempty"`
			Party    int      `json:"party"`
			With     []string `json:"with,omitempty"`
			Nonce    string   `json:"nonce"`
			Holder   string   `json:"holder"`
		}{in.Category, in.Level, in.Hours, in.Party, in.With, newNonce(now), b64(public)})
	}, p)
}

// Present returns the text of the QR code to show at a door, as Visit.Present does
// for a ticket. It needs no network; now is the platform's time as the device last
// learned it (Device.Now).
func (p *Pass) Present(now time.Time) (string, error) {
	pass, err := base64.RawURLEncoding.DecodeString(p.Pass)
	if err != nil || len(pass) == 0 {
		return "", ErrNoPass
	}
	return verify.ShowPass(pass, p.holder, now)
}

// passFile is a pass as a phone keeps it, and no more of its answer than the door
// needs: neither colour nor reason.
type passFile struct {
	Kind   string `json:"kind"`
	Pass   string `json:"pass"`
	Holder string `json:"holder"` // Ed25519 seed
}

const kindPass = "amanah-pass/1"

// Marshal writes the pass with its key as the document that ParsePass reads;
// ErrNoPass when it was refused.
func (p *Pass) Marshal() ([]byte, error) {
	if p.Pass == "" || len(p.holder) != ed25519.PrivateKeySize {
		return nil, ErrNoPass
	}
	return json.MarshalIndent(passFile{kindPass, p.Pass, b64(p.holder.Seed())}, "", "  ")
}

// ParsePass reads what Marshal wrote. What the door is shown is all that it holds.
func ParsePass(raw []byte) (*Pass, error) {
	var f passFile
	if err := json.Unmarshal(raw, &f); err != nil || f.Kind != kindPass || f.Pass == "" {
		return nil, ErrNoPass
	}
	seed, err := base64.RawURLEncoding.Strict().DecodeString(f.Holder)
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, ErrNoPass
	}
	return &Pass{Pass: f.Pass, holder: ed25519.NewKeyFromSeed(seed)}, nil
}

// Format hides the pass's key and colour from every verb.
func (Pass) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }
