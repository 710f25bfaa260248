package client

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/amanah-project/amanah/verify"
)

// DoorCredential lets the staff and kiosks of one venue speak to the platform. It
// is a secret: it prints as [redacted].
type DoorCredential struct {
	Host     string // of the platform, as proofs name it
	Platform string // URL by which the door reaches it
	Pin      []byte
	Venue    uint64
	Token    string
	Key      []byte // Ed25519 seed
	Expires  time.Time
}

const kindDoor = "amanah-door/1"

// Marshal writes the credential as the document that ParseDoor reads.
func (c DoorCredential) Marshal() ([]byte, error) {
	return json.MarshalIndent(credentialJSON{
		Kind: kindDoor, Host: c.Host, Platform: c.Platform, Pin: b64(c.Pin), Venue: c.Venue, Token: c.Token,
		Alg: algEdDSA, Key: b64(c.Key), Expires: c.Expires.UTC(),
	}, "", "  ")
}

// ParseDoor reads a door's credential.
func ParseDoor(raw []byte) (DoorCredential, error) {
	j, key, err := parse(raw, kindDoor)
	if err != nil {
		return DoorCredential{}, err
	}
	pin, err := base64.RawURLEncoding.Strict().DecodeString(j.Pin)
	if err != nil || len(pin) != ed25519.PublicKeySize || j.Platform == "" || j.Venue == 0 {
		return DoorCredential{}, fmt.Errorf("%w: its pin, platform or venue is missing", ErrCredential)
	}
	return DoorCredential{j.Host, j.Platform, pin, j.Venue, j.Token, key, j.Expires}, nil
}

// Format hides the credential from every verb.
func (DoorCredential) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// MarshalJSON hides the credential; Marshal is the way to write it.
func (DoorCredential) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// Door is what a venue's staff and kiosks ask: checks of tickets, which need no
// network once the keys are there, check-outs, codes and counts. It never learns
// who anybody is.
type Door struct {
	credential DoorCredential
	opt        Options
	prover     *prover
	http       *http.Client
	document   []byte // the signed one that keys were read from
	keys       verify.Published
	kit        Kit
	seen       *verify.Seen
}

// OpenDoor fetches the platform's signed keys and returns a Door.
func OpenDoor(ctx context.Context, c DoorCredential, opt Options) (*Door, error) {
	d := newDoor(c, opt)
	return d, d.Refresh(ctx)
}

func newDoor(c DoorCredential, opt Options) *Door {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	return &Door{
		credential: c, opt: opt, prover: newProver(ed25519.NewKeyFromSeed(c.Key)),
		http: &http.Client{Transport: opt.Transport, Timeout: askTime}, seen: verify.NewSeen(100_000),
	}
}

// Refresh fetches the platform's keys again.
func (d *Door) Refresh(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.credential.Platform+"/.well-known/amanah-keys", nil)
	if err != nil {
		return err
	}
	status, _, body, err := d.send(req)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return problemOf(status, body)
	}
	keys, err := verify.OpenPublished(body, d.opt.Now(), ed25519.PublicKey(d.credential.Pin))
	if err != nil {
		return fmt.Errorf("client: the keys are not the platform's: %w", err)
	}
	d.document, d.keys = body, keys
	return nil
}

// ErrSeen is returned for a ticket that this door, or one whose list it merged,
// has admitted before.
var ErrSeen = errors.New("client: this ticket was admitted before")

// Check checks what a visitor's screen shows. It needs no network.
func (d *Door) Check(screen string, door uint16) (verify.Ticket, error) {
	now := d.opt.Now()
	t, err := d.keys.Tickets.Presentation(screen, now)
	if err != nil {
		return t, err
	}
	if err := t.At(d.credential.Venue, door); err != nil {
		return t, err
	}
	if !d.seen.Add(t.Serial, t.Expires, now) {
		return t, ErrSeen
	}
	return t, nil
}

// Seen is the list of admitted serials, to be exchanged with the venue's other
// doors.
func (d *Door) Seen() *verify.Seen { return d.seen }

// CheckOut ends the visit of a ticket.
func (d *Door) CheckOut(ctx context.Context, serial [16]byte) error {
	body := []byte(`{"serial":"` + hex.EncodeToString(serial[:]) + `"}`)
	return d.ask(ctx, http.MethodPost, "/v1/doors/leave", nil, body, &struct{}{})
}

// Code is a venue code for a screen, good for half a minute.
type Code struct {
	URL     string    `json:"code"`
	Expires time.Time `json:"expires_at"`
}

// Code asks for the code to show at a door.
func (d *Door) Code(ctx context.Context, door uint16, exit bool) (Code, error) {
	q := url.Values{"door": {strconv.Itoa(int(door))}}
	if exit {
		q.Set("exit", "1")
	}
	var c Code
	return c, d.ask(ctx, http.MethodGet, "/v1/doors/code", q, nil, &c)
}

// Occupancy is how full the venue is, and what kind of place.
type Occupancy struct {
	Inside   int    `json:"inside"`
	Limit    int    `json:"limit"`
	Category string `json:"category"`
	Level    uint8  `json:"level"` // of the district's restrictions
}

// Occupancy asks how full the venue is.
func (d *Door) Occupancy(ctx context.Context) (Occupancy, error) {
	var o Occupancy
	return o, d.ask(ctx, http.MethodGet, "/v1/doors/occupancy", nil, nil, &o)
}

// ask asks once, and once more when the proof needed the platform's nonce.
func (d *Door) ask(ctx context.Context, method, path string, query url.Values, body []byte, v any) error {
	for try := 0; ; try++ {
		status, answer, err := d.once(ctx, method, path, query, body)
		if err != nil {
			return err
		}
		if status == http.StatusOK {
			return json.Unmarshal(answer, v)
		}
		p := problemOf(status, answer)
		if try > 0 || !isNonce(p) {
			return p
		}
	}
}

func (d *Door) once(ctx context.Context, method, path string, query url.Values, body []byte) (int, []byte, error) {
	proof, err := d.prover.prove(method, "https://"+d.credential.Host+path, d.credential.Token, d.opt.Now())
	if err != nil {
		return 0, nil, err
	}
	target := d.credential.Platform + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "DPoP "+d.credential.Token)
	req.Header.Set("DPoP", proof)
	status, head, answer, err := d.send(req)
	d.prover.keep(head.Get("DPoP-Nonce"))
	return status, answer, err
}

func (d *Door) send(req *http.Request) (int, http.Header, []byte, error) {
	res, err := d.http.Do(req)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 256<<10))
	return res.StatusCode, res.Header, body, err
}
