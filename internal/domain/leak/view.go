package leak

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
)

// ViewKey is the secret that names of single views are drawn from.
type ViewKey [32]byte

// ViewToken names one single view: what somebody opened at once, on a screen or a printed
// page. It stands beside what was opened and never within it, and is 128 bits long, since
// there are many more views than copies.
type ViewToken [16]byte

// viewPrefix is before every view's name, so that it is found wherever it stands.
const viewPrefix = "amv-"

const labelView = "amanah leak view 1\x00"

// Token returns the name of the view that an intent of the keeper's journal opened.
func (k *ViewKey) Token(intent [16]byte) ViewToken {
	block := prf((*[32]byte)(k), labelView, intent[:])
	return ViewToken(block[:16])
}

// String is how the name is shown and printed: amv- and 32 hexadecimal digits.
func (t ViewToken) String() string { return viewPrefix + hex.EncodeToString(t[:]) }

// FindViews calls found for each view's name that stands in raw bytes, in capitals or not.
func FindViews(raw []byte, found func(ViewToken)) {
	const length = len(viewPrefix) + 2*len(ViewToken{})
	for at := 0; at+length <= len(raw); {
		i := indexView(raw[at:])
		if i < 0 {
			return
		}
		at += i
		if at+length > len(raw) {
			return
		}
		var t ViewToken
		if _, err := hex.Decode(t[:], raw[at+len(viewPrefix):at+length]); err == nil {
			found(t)
		}
		at += len(viewPrefix)
	}
}

// indexView returns where the next prefix begins, or -1. A hyphen is rarer in most texts than
// the letters before it.
func indexView(b []byte) int {
	for at := len(viewPrefix) - 1; at < len(b); at++ {
		i := bytes.IndexByte(b[at:], '-')
		if i < 0 {
			return -1
		}
		at += i
		if p := b[at-3 : at]; p[0]|0x20 == 'a' && p[1]|0x20 == 'm' && p[2]|0x20 == 'v' {
			return at - 3
		}
	}
	return -1
}

// Views is a bound of its own for single views: of them all, and not of copies.
func Views(k, views int) Bound { return Spend(Epsilon, k, views) }

// WeighView returns the E-value of a view whose name is among so many that a sample shows, as
// a part: its name is drawn independently of the sample if it had no part in it, so that the
// mean is at most one (lnMatches).
func WeighView(shown int) Part {
	return Part{Domain: ViewTokens, Used: shown, Found: 1, LnE: lnMatches(128, uint64(max(shown, 1)), 1)}
}

// ViewTokens are names of single views.
const ViewTokens Domain = "view tokens"

// Format redacts, whatever the verb: the key makes names.
func (ViewKey) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue redacts.
func (ViewKey) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON redacts.
func (ViewKey) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
