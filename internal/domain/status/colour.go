package status

import "github.com/amanah-project/amanah/internal/fault"

// Colour is what a partner sees of a person's health status, and all it sees.
// The zero value is no colour.
type Colour uint8

// The four colours, best first; a larger value never admits more people.
const (
	Green  Colour = 1 + iota // may enter
	Yellow                   // may enter where the venue's policy says so
	Red                      // not protected, or nothing known
	Black                    // a case or a close contact, or held on arrival
)

// ErrColour is returned for a word that names no colour.
var ErrColour = fault.New(fault.Invalid, "a colour is green, yellow, red or black")

// Colours lists the four colours, best first.
func Colours() []Colour { return []Colour{Green, Yellow, Red, Black} }

// String returns the colour's English word, or "none".
func (c Colour) String() string {
	switch c {
	case Green:
		return "green"
	case Yellow:
		return "yellow"
	case Red:
		return "red"
	case Black:
		return "black"
	}
	return "none"
}

// ParseColour reads one of the four words; anything else is ErrColour.
func ParseColour(s string) (Colour, error) {
	for _, c := range Colours() {
		if c.String() == s {
			return c, nil
		}
	}
	return 0, ErrColour
}

// MarshalText writes the colour's word.
func (c Colour) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the colour's word.
func (c *Colour) UnmarshalText(b []byte) error {
	v, err := ParseColour(string(b))
	if err != nil {
		return err
	}
	*c = v
	return nil
}
