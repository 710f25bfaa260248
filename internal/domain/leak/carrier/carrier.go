// Package carrier spells values in one of two ways that mean the same, so that which of
// them a copy has tells it from others.
//
// Render and Read are pure and undo each other. A carrier never touches a clinical value,
// a code, a dose, a date of care or a NIK: a value that is nothing of its family has no
// carrier and stays as it is. Read looks at raw bytes, before anything is normalised; what
// is spelled in neither way is no evidence.
package carrier

import (
	"strings"

	"github.com/amanah-project/amanah/internal/domain/leak"
)

// text is a value as a dump has it, or as it is written.
type text interface{ string | []byte }

// maxValue bounds what is looked at, in bytes: nothing longer is a name, an address or a
// telephone number.
const maxValue = 1024

// Render spells a value as a symbol says; false, when the value has no carrier of that
// family. Read of what it returns is the symbol.
func Render(f leak.Family, value string, symbol bool) (string, bool) {
	if len(value) > maxValue || value == "" {
		return value, false
	}
	for _, s := range []bool{!symbol, symbol} {
		out := render(f, value, s)
		if got, ok := Read(f, out); !ok || got != s { // what would not be read back is left alone
			return value, false
		}
		if s == symbol {
			value = out
		}
	}
	return value, true
}

func render(f leak.Family, value string, symbol bool) string {
	switch f {
	case leak.Street:
		return renderStreet(value, symbol)
	case leak.Neighbourhood:
		return renderNeighbourhood(value, symbol)
	case leak.Telephone:
		return renderTelephone(value, symbol)
	case leak.Stamp:
		return renderStamp(value, symbol)
	case leak.Letters:
		return renderLetters(value, symbol)
	case leak.Presence:
		if !symbol {
			return ""
		}
	}
	return value
}

// Read says which symbol a value of a family shows; false, when it shows neither. Of
// Presence it is whether there is anything.
func Read[T text](f leak.Family, raw T) (symbol, ok bool) {
	if len(raw) > maxValue {
		return false, false
	}
	switch f {
	case leak.Street:
		return readStreet(raw)
	case leak.Neighbourhood:
		return readNeighbourhood(raw)
	case leak.Telephone:
		return readTelephone(raw)
	case leak.Stamp:
		return readStamp(raw)
	case leak.Letters:
		return readLetters(raw)
	case leak.Presence:
		return len(raw) > 0, true
	}
	return false, false
}

// Plain is the spelling that both have in common: it is the same of a value and of what
// Render makes of it. Of Presence nothing is left to compare.
func Plain(f leak.Family, value string) string {
	if f == leak.Presence {
		return ""
	}
	out, ok := Render(f, value, false)
	switch {
	case !ok:
		return value
	case f == leak.Letters:
		return strings.ToUpper(out)
	case f == leak.Stamp:
		return plainStamp(out)
	}
	return out
}

// agreed is what several carriers in one value show together: they are all spelled alike,
// or nothing is known.
type agreed struct {
	seen, symbol, split bool
}

func (a *agreed) add(symbol bool) {
	a.split = a.split || a.seen && a.symbol != symbol
	a.seen, a.symbol = true, symbol
}

func (a *agreed) read() (symbol, ok bool) { return a.symbol, a.seen && !a.split }
