// Package canary makes canary people: invented ones that stand among the real in
// secondary-use exports alone, so that a leak can be recognised by them.
//
// Who they are follows from a key and from where their NIKs may lie, and from nothing else:
// nobody without the key can tell them from the rows beside them, and nothing of them is
// stored. No person who is registered may have a NIK of theirs (Range.Holds).
package canary

import (
	"fmt"
	"io"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/fault"
)

// ErrSpec: text that does not say which canaries a copy has.
var ErrSpec = fault.New(fault.Invalid, "canaries are said as: regions 990151,990152 serials 31-60 phones 6281100,6281101 group 300 unique 5 percent 5 (regions of six digits and telephone prefixes of seven, ascending; serials below 10000; group up to 10000, unique up to 1000, percent 1 to 50)")

// ErrReserved: a NIK that the registry gives to nobody.
var ErrReserved = fault.New(fault.Invalid, "this NIK lies in the range that is given to nobody: compare it with the identity card, and with the range in the configuration if the card says so")

// Key draws one canary person. It never prints.
type Key [32]byte

// Format redacts, whatever the verb.
func (Key) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[redacted]") }

// LogValue redacts.
func (Key) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// MarshalJSON redacts.
func (Key) MarshalJSON() ([]byte, error) { return []byte(`"[redacted]"`), nil }

// Range is where canaries' NIKs lie: what a registry gives to nobody. The zero one holds
// nothing.
type Range struct {
	Regions  []uint32 // the first six digits, ascending
	From, To int      // serials, both in it
}

// Holds reports whether a NIK lies in the range.
func (r Range) Holds(nik identity.NIK) bool {
	n, err := strconv.ParseUint(nik.Reveal(), 10, 64)
	serial := int(n % 10_000)
	return err == nil && r.region(n) && r.From <= serial && serial <= r.To
}

// Near reports whether sixteen digits, of which the last may have been lost, as
// spreadsheets lose it, may be of a NIK in the range.
func (r Range) Near(nik uint64) bool {
	serial := int(nik % 10_000 / 10)
	return r.region(nik) && r.From/10 <= serial && serial <= r.To/10
}

func (r Range) region(nik uint64) bool {
	_, found := slices.BinarySearch(r.Regions, uint32(nik/10_000_000_000))
	return found
}

// Spec says which canaries a copy has. The zero one says that it has none.
type Spec struct {
	Range
	Phones  []uint32 // first seven digits of telephone numbers that are given to nobody, ascending
	Group   int      // group canaries of which each copy has some
	Unique  int      // canaries of this copy alone
	Percent int      // canaries are at most so many for a hundred people of the copy
}

// Bounds of a Spec.
const (
	maxPlaces  = 64
	maxGroup   = 10_000
	maxUnique  = 1000
	maxPercent = 50
)

// None reports whether a copy has none.
func (s *Spec) None() bool { return s.Group+s.Unique == 0 }

// String writes the spec as Parse reads it; nothing for none.
func (s *Spec) String() string {
	if s.None() {
		return ""
	}
	list := func(all []uint32) string {
		words := make([]string, len(all))
		for i, n := range all {
			words[i] = strconv.Itoa(int(n))
		}
		return strings.Join(words, ",")
	}
	return fmt.Sprintf("regions %s serials %d-%d phones %s group %d unique %d percent %d", list(s.Regions), s.From, s.To, list(s.Phones), s.Group, s.Unique, s.Percent)
}

// Parse reads what String writes, in that one spelling; ErrSpec.
func Parse(text string) (Spec, error) {
	var s Spec
	if text == "" {
		return s, nil
	}
	words := strings.Split(text, " ")
	if len(words) != 12 {
		return s, ErrSpec
	}
	from, to, _ := strings.Cut(words[3], "-")
	for i, n := range map[int]*int{7: &s.Group, 9: &s.Unique, 11: &s.Percent} {
		*n, _ = strconv.Atoi(words[i])
	}
	s.From, _ = strconv.Atoi(from)
	s.To, _ = strconv.Atoi(to)
	s.Regions, s.Phones = numbers(words[1]), numbers(words[5])
	if s.Check() != nil || s.String() != text {
		return Spec{}, ErrSpec
	}
	return s, nil
}

func numbers(list string) (out []uint32) {
	for _, w := range strings.Split(list, ",") {
		n, _ := strconv.ParseUint(w, 10, 32)
		out = append(out, uint32(n))
	}
	return out
}

// Check returns ErrSpec for what is no spec of any canaries.
func (s *Spec) Check() error {
	within := func(all []uint32, low, high uint32) bool {
		ascending := true
		for i, n := range all {
			ascending = ascending && low <= n && n <= high && (i == 0 || all[i-1] < n)
		}
		return ascending && len(all) > 0 && len(all) <= maxPlaces
	}
	switch {
	case !within(s.Regions, 110101, 999999), !within(s.Phones, 6_280_000, 6_289_999), s.From < 1, s.To < s.From, s.To > 9999,
		s.Group < 0, s.Group > maxGroup, s.Unique < 0, s.Unique > maxUnique, s.None(), s.Percent < 1, s.Percent > maxPercent:
		return ErrSpec
	}
	return nil
}

// Most is how many canaries a copy of so many people has at most.
func (s *Spec) Most(people int) int { return people * s.Percent / 100 }

// Levels in which a row may agree with a canary: by fifteen digits of the NIK alone, by them
// and the name, by name and birth date, by name and telephone number, and by NIK, name and
// telephone number.
const (
	ByNIK = iota
	ByNIKAndName
	ByBirth
	ByPhone
	ByAll
	Levels
)

// Bits is, for each level, -log2 of the greatest probability with which a canary of the spec
// agrees with a given row, whatever that row says: over the draw of the canary, which
// nobody without its key knows anything of.
func (s *Spec) Bits() (b [Levels]float64) {
	name := math.Log2(firstNames) + math.Log2(lastNames)
	region := math.Log2(float64(max(len(s.Regions), 1)))
	serial := math.Log2(float64(s.To-s.From+1) / float64(min(10, s.To-s.From+1)))
	b[ByNIK] = region + birthBits + 1 + serial
	b[ByNIKAndName] = b[ByNIK] + name
	b[ByBirth] = birthBits + 1 + name
	phone := math.Log2(float64(max(len(s.Phones), 1))) + phoneDigits*math.Log2(10)
	b[ByPhone] = 1 + name + phone
	b[ByAll] = b[ByNIKAndName] + phone
	return b
}
