package api

import (
	"errors"
	"sync"
	"time"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/verify"
)

// Errors of venue codes, as a device reads them.
var (
	ErrCode        = fault.New(fault.Invalid, "code: not a venue code of this platform: scan the code at the venue's door again")
	ErrCodeForeign = fault.New(fault.Invalid, "code: the code belongs to another host: do not open it")
	ErrCodeForged  = fault.New(fault.Invalid, "code: the signature does not hold: tell the venue's staff")
	ErrCodeExpired = fault.New(fault.Invalid, "code: the code on the screen has changed: scan it again")
	ErrExit        = fault.New(fault.Invalid, "code: this is the code of an exit: scan the one at the entrance")
)

// maxCodes bounds the printed codes that are remembered as verified.
const maxCodes = 65_536

// Codes reads venue codes. Verifying a signature costs as much as everything
// else in a check-in but the other signatures, and a venue's printed code is the
// same for everybody: a code that held once is remembered until the keys change.
type Codes struct {
	host string
	mu   sync.RWMutex
	keys verify.Keys
	held map[[verify.VenueCodeSize]byte]verify.VenueCode
}

// NewCodes makes Codes for one host.
func NewCodes(host string) *Codes {
	return &Codes{host: host, held: map[[verify.VenueCodeSize]byte]verify.VenueCode{}}
}

// Renew sets the keys that codes are signed by; what was remembered is forgotten.
func (c *Codes) Renew(keys verify.Keys) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys, c.held = keys, map[[verify.VenueCodeSize]byte]verify.VenueCode{}
}

// Read returns what a scanned code says, or which ErrCode… applies.
func (c *Codes) Read(url string, now time.Time) (verify.VenueCode, error) {
	raw, err := verify.ParseVenueURL(url, c.host)
	if err != nil {
		return verify.VenueCode{}, codeError(err)
	}
	c.mu.RLock()
	code, ok := c.held[raw]
	keys := c.keys
	c.mu.RUnlock()
	if ok {
		return code, nil
	}
	code, err = keys.VenueCode(raw, c.host, now)
	if err != nil {
		return verify.VenueCode{}, codeError(err)
	}
	if code.Expires.IsZero() {
		c.remember(raw, code)
	}
	return code, nil
}

func (c *Codes) remember(raw [verify.VenueCodeSize]byte, code verify.VenueCode) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.held) < maxCodes {
		c.held[raw] = code
	}
}

// codeError says what is wrong with a code in the words of this edge.
func codeError(err error) error {
	switch {
	case errors.Is(err, verify.ErrHost):
		return ErrCodeForeign
	case errors.Is(err, verify.ErrSignature), errors.Is(err, verify.ErrUnknownKey):
		return ErrCodeForged
	case errors.Is(err, verify.ErrExpired), errors.Is(err, verify.ErrKeyTime):
		return ErrCodeExpired
	}
	return ErrCode
}
