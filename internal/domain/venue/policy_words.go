package venue

import (
	"strconv"

	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of reading the words of a policy.
var (
	ErrCategory = fault.New(fault.Invalid, "not a category of venue")
	ErrLevel    = fault.New(fault.Invalid, "a level of restrictions is 1, 2, 3 or 4")
	ErrDecision = fault.New(fault.Invalid, "a decision is admit, check or refuse")
)

// Category is what kind of place a venue is; a policy decides by it.
type Category string

// The categories. Cinemas, restaurants and hotels belong to the tourism sector.
const (
	Mall        Category = "mall"
	Supermarket Category = "supermarket" // super- and hypermarkets
	Market      Category = "market"      // traditional markets
	Cinema      Category = "cinema"
	Restaurant  Category = "restaurant"
	Hotel       Category = "hotel"
	Transport   Category = "transport"
	Office      Category = "office"
	Factory     Category = "factory"
	School      Category = "school"
	Worship     Category = "worship"
	Health      Category = "health" // health facilities; they never refuse a patient
)

const categories = 12

// Categories lists every category, always in the same order.
func Categories() []Category {
	return []Category{
		Mall, Supermarket, Market, Cinema, Restaurant, Hotel,
		Transport, Office, Factory, School, Worship, Health,
	}
}

// index is the category's place in Categories, or -1.
func (c Category) index() int {
	switch c {
	case Mall:
		return 0
	case Supermarket:
		return 1
	case Market:
		return 2
	case Cinema:
		return 3
	case Restaurant:
		return 4
	case Hotel:
		return 5
	case Transport:
		return 6
	case Office:
		return 7
	case Factory:
		return 8
	case School:
		return 9
	case Worship:
		return 10
	case Health:
		return 11
	}
	return -1
}

// ParseCategory reads a category's word; anything else is ErrCategory.
func ParseCategory(s string) (Category, error) {
	if c := Category(s); c.index() >= 0 {
		return c, nil
	}
	return "", ErrCategory
}

// UnmarshalText reads a category's word.
func (c *Category) UnmarshalText(b []byte) error {
	v, err := ParseCategory(string(b))
	if err != nil {
		return err
	}
	*c = v
	return nil
}

// Sector is one of the ministry's six sectors of activity, or health, which
// joined them in November 2021.
type Sector string

// The sectors.
const (
	SectorTrade     Sector = "trade"
	SectorTransport Sector = "transport"
	SectorTourism   Sector = "tourism"
	SectorWork      Sector = "work" // offices and factories
	SectorReligion  Sector = "religion"
	SectorEducation Sector = "education"
	SectorHealth    Sector = "health"
)

// Sector returns the sector a category is counted under, or "" for no category.
func (c Category) Sector() Sector {
	switch c {
	case Mall, Supermarket, Market:
		return SectorTrade
	case Cinema, Restaurant, Hotel:
		return SectorTourism
	case Transport:
		return SectorTransport
	case Office, Factory:
		return SectorWork
	case School:
		return SectorEducation
	case Worship:
		return SectorReligion
	case Health:
		return SectorHealth
	}
	return ""
}

// Level is the level of restrictions (PPKM) of a venue's district, from 1, the
// mildest, to 4. Zero is none.
type Level uint8

const levels = 4

// Levels lists the levels, mildest first.
func Levels() []Level { return []Level{1, 2, 3, 4} }

// ParseLevel reads one digit, 1 to 4; anything else is ErrLevel.
func ParseLevel(s string) (Level, error) {
	if len(s) == 1 && s[0] >= '1' && s[0] <= '0'+levels {
		return Level(s[0] - '0'), nil
	}
	return 0, ErrLevel
}

// String writes the digit.
func (l Level) String() string { return strconv.Itoa(int(l)) }

// Decision is what the door does. A larger value never lets more people in. The
// zero value is no decision.
type Decision uint8

// The decisions; the first two have the values that tickets give them.
const (
	Admit  Decision = 1 + iota // may enter
	Check                      // staff look before anybody enters
	Refuse                     // may not enter
)

// String returns the decision's word, or "none".
func (d Decision) String() string {
	switch d {
	case Admit:
		return "admit"
	case Check:
		return "check"
	case Refuse:
		return "refuse"
	}
	return "none"
}

// ParseDecision reads one of the three words; anything else is ErrDecision.
func ParseDecision(s string) (Decision, error) {
	for d := Admit; d <= Refuse; d++ {
		if d.String() == s {
			return d, nil
		}
	}
	return 0, ErrDecision
}

// MarshalText writes the decision's word.
func (d Decision) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the decision's word.
func (d *Decision) UnmarshalText(b []byte) error {
	v, err := ParseDecision(string(b))
	if err != nil {
		return err
	}
	*d = v
	return nil
}
