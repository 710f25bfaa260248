package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/amanah-project/amanah/verify"
)

// Kit is what a door needs to check passes without network: the platform's signed
// keys and what kind of place it stands at. It is no secret. Its keys are good for a
// day: fetch it at the beginning of every shift.
type Kit struct {
	Keys     []byte    `json:"keys"`     // the platform's signed document
	Category string    `json:"category"` // of the venue
	Level    uint8     `json:"level"`    // of the district's restrictions
	Fetched  time.Time `json:"fetched"`
}

// ErrKit is returned for a kit that is none, or too old.
var ErrKit = errors.New("client: the door's kit does not hold: fetch it again")

// ErrOld is returned for a pass that is older than the venue allows.
var ErrOld = errors.New("client: the pass is older than this venue allows")

// Kit fetches the door's kit.
func (d *Door) Kit(ctx context.Context) (Kit, error) {
	if err := d.Refresh(ctx); err != nil {
		return Kit{}, err
	}
	o, err := d.Occupancy(ctx)
	if err != nil {
		return Kit{}, err
	}
	d.kit = Kit{Keys: d.document, Category: o.Category, Level: o.Level, Fetched: d.opt.Now().UTC().Truncate(time.Second)}
	return d.kit, nil
}

// OpenDoorKit returns a Door that asks nobody: what it checks, it checks by the kit.
// ErrKit means that the pinned key did not sign the kit's keys, or not for now.
func OpenDoorKit(c DoorCredential, k Kit, opt Options) (*Door, error) {
	d := newDoor(c, opt)
	keys, err := verify.OpenPublished(k.Keys, d.opt.Now(), c.Pin)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKit, err)
	}
	d.keys, d.kit = keys, k
	return d, nil
}

// IsPass reports whether a screen shows a pass and not a ticket.
func IsPass(screen string) bool { return strings.HasPrefix(screen, verify.PassPrefix) }

// CheckPass checks the pass that a visitor's screen shows, by the door's kit; it needs
// no network. The pass's Age is for the guard to see. ErrOld means that it is older
// than oldest; zero allows all that are good. What was admitted must be reported
// later: keep the screen's text for Report.
func (d *Door) CheckPass(screen string, oldest time.Duration) (verify.Pass, error) {
	now := d.opt.Now()
	if d.kit.Category == "" {
		return verify.Pass{}, ErrKit
	}
	p, err := d.keys.Tickets.ShownPass(screen, now)
	if err != nil {
		return p, err
	}
	if err := p.At(d.kit.Category, d.kit.Level); err != nil {
		return p, err
	}
	if oldest > 0 && p.Age(now) > oldest {
		return p, ErrOld
	}
	if !d.seen.Add(p.Serial, p.Expires, now) {
		return p, ErrSeen
	}
	return p, nil
}

// Remember makes a pass that was admitted before, by this door or another of the
// venue, count as seen. Text that is no pass of the platform's is passed over.
func (d *Door) Remember(screen string) {
	if p, _, err := d.keys.Tickets.ReportedPass(screen); err == nil {
		d.seen.Add(p.Serial, p.Expires, d.opt.Now())
	}
}

// Admitted is one pass that a door admitted without network.
type Admitted struct {
	Door   uint16 `json:"door"`
	Screen string `json:"pass"` // the whole text that was scanned
}

// Reported is what became of one.
type Reported struct {
	Result string `json:"result"` // counted, again, duplicate, refused
	Code   string `json:"code"`   // counted, again, used_here, used_elsewhere, malformed, forged, stale, ahead, foreign, no_door, forgotten
	Text   string `json:"text"`
}

// Settled reports whether the pass need not be reported again. One that is not was
// refused for a reason that mends: its time, or its door.
func (r Reported) Settled() bool { return r.Code != "ahead" && r.Code != "no_door" }

// maxReport is how many passes the platform takes at once.
const maxReport = 64

// Report reports the passes that were admitted without network, and returns what
// became of each. When it fails, those returned are settled, and the rest can be
// reported again: nothing counts twice.
func (d *Door) Report(ctx context.Context, all []Admitted) ([]Reported, error) {
	var out []Reported
	for len(out) < len(all) {
		part := all[len(out):min(len(out)+maxReport, len(all))]
		body, err := json.Marshal(map[string][]Admitted{"seen": part})
		if err != nil {
			return out, err
		}
		var answer struct {
			Seen []Reported `json:"seen"`
		}
		if err := d.ask(ctx, http.MethodPost, "/v1/doors/seen", nil, body, &answer); err != nil {
			return out, err
		}
		if len(answer.Seen) != len(part) {
			return out, fmt.Errorf("client: the platform answered for %d passes of %d", len(answer.Seen), len(part))
		}
		out = append(out, answer.Seen...)
	}
	return out, nil
}
