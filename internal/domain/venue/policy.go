package venue

import (
	"sort"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/domain/status"
)

// Code is why a visitor was admitted, looked at or refused. Devices depend on
// the codes; policies may use no others.
type Code string

// The codes.
const (
	CodeOK       Code = "ok"        // the colour is admitted here
	CodeYellow   Code = "yellow"    // yellow is not, or not without a look
	CodeRed      Code = "red"       // the same for red
	CodeBlack    Code = "black"     // the same for black
	CodeExempt   Code = "exempt"    // a medical exemption decided
	CodeNoData   Code = "no_data"   // nothing is known, which is not the same as unvaccinated
	CodeArrival  Code = "arrival"   // arrived from abroad and not released yet
	CodeTest     Code = "test"      // a test result must be shown
	CodeAge      Code = "age"       // people of that age are not admitted here
	CodeAdult    Code = "adult"     // an adult of the right colour must check in together with the child
	CodeUnlinked Code = "unlinked"  // somebody in the party is not linked
	CodePatient  Code = "patient"   // a health facility receives everybody
	CodeNoPolicy Code = "no_policy" // no policy covers this venue, level and time
)

// Codes lists every code.
func Codes() []Code {
	return []Code{
		CodeOK, CodeYellow, CodeRed, CodeBlack, CodeExempt, CodeNoData, CodeArrival,
		CodeTest, CodeAge, CodeAdult, CodeUnlinked, CodePatient, CodeNoPolicy,
	}
}

// Text is what a person reads, in both languages.
type Text struct{ ID, EN string }

// Outcome is what the policy says of a visitor or a party.
type Outcome struct {
	Decision Decision
	Code     Code
	Text     Text
}

// worse returns the stricter of two outcomes, the first when they are equal.
func worse(a, b Outcome) Outcome {
	if b.Decision > a.Decision {
		return b
	}
	return a
}

// Visitor is one member of a party as a policy sees them.
type Visitor struct {
	Colour status.Colour
	Reason string // why they have that colour, see ReasonExempt
	Age    int    // completed years; negative when not known
	Linked bool   // an unlinked member's other fields are not read
}

// The reasons of a colour that policies look at. Each has a line of its own in
// every rule; any other reason is plain. What follows a reason's first dot does
// not matter here: "exempt.pregnancy" is "exempt".
const (
	ReasonExempt  = "exempt"
	ReasonNoData  = "no_data"
	ReasonArrival = "arrival"
)

// standing is what, beside the colour, a policy may look at.
type standing uint8

const (
	plain standing = iota
	exempt
	noData
	arrival
	standings = 4
)

func (s standing) String() string {
	return [...]string{"plain", ReasonExempt, ReasonNoData, ReasonArrival}[s]
}

func standingOf(reason string) standing {
	head, _, _ := strings.Cut(reason, ".")
	switch head {
	case ReasonExempt:
		return exempt
	case ReasonNoData:
		return noData
	case ReasonArrival:
		return arrival
	}
	return plain
}

// Policy says whom a venue admits and how many, by category, level and date. It
// is immutable and safe for concurrent use.
//
// Policies are tables in YAML and not CEL like the rules of colours. Their domain
// is finite (category, level, colour, standing, age band, adult), so that a table
// is checked whole when it is loaded: every cell defined, no worse colour ever
// better off, no patient refused. An expression could not be, and reading the
// answer costs nanoseconds.
type Policy struct {
	snapshots []snapshot // by from, ascending
	stays     [categories]time.Duration
	fixed     fixed
}

// snapshot is the whole policy from one moment until the next snapshot.
type snapshot struct {
	from  time.Time
	cells [categories][levels]*cell
}

// cell is what holds for one category at one level.
type cell struct {
	percent int // of the declared capacity
	most    int // people, whatever the percentage gives; 0 is no such limit
	bands   []band
	source  string
}

// band is what holds for the ages from..to, both included.
type band struct {
	from, to int
	adult    status.Colour // the worst colour of an adult who must come along; 0 is none
	out      [standings][4]Outcome
}

// fixed holds the outcomes that no rule names.
type fixed struct {
	unlinked, adultMissing, adultUnlinked, ageUnknown, noPolicy, noPolicyBlack Outcome
}

// adulthood is the age from which a visitor may accompany a child.
const adulthood = 18

// forever ends the last snapshot.
func forever() time.Time { return time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC) }

// at returns the index of the snapshot in force, or -1 before the first.
func (p *Policy) at(t time.Time) int {
	return sort.Search(len(p.snapshots), func(i int) bool { return p.snapshots[i].from.After(t) }) - 1
}

// Table returns what holds for a category at a level at that moment, and when it
// ceases to hold. It takes no memory and may be kept until then.
//
// A word or level that does not exist, or a time before the first policy, gives a
// table that checks everybody, refuses black and holds nobody, so that a mistake
// in a venue's data is never an open door.
func (p *Policy) Table(c Category, l Level, at time.Time) (Table, time.Time) {
	i := p.at(at)
	until := forever()
	if i+1 < len(p.snapshots) {
		until = p.snapshots[i+1].from
	}
	t := Table{fixed: &p.fixed}
	if k := c.index(); i >= 0 && k >= 0 && l >= 1 && l <= levels {
		t.cell = p.snapshots[i].cells[k][l-1]
	}
	return t, until
}

// Admit decides for a whole party: its answer is the worst of its members'.
// Extra counts further members who are not linked; they make the answer Check at
// best.
func (p *Policy) Admit(c Category, l Level, at time.Time, party []Visitor, extra int) Outcome {
	t, _ := p.Table(c, l, at)
	return t.Admit(party, extra)
}

// Capacity returns how many people a venue may hold that declares room for so
// many: the percentage, rounded down but at least one person, within the
// category's absolute limit.
func (p *Policy) Capacity(c Category, l Level, at time.Time, declared int) int {
	t, _ := p.Table(c, l, at)
	return t.Capacity(declared)
}

// Stay returns how long after entering a party of this category is checked out
// by itself; a day for no category.
func (p *Policy) Stay(c Category) time.Duration {
	if k := c.index(); k >= 0 {
		return p.stays[k]
	}
	return 24 * time.Hour
}

// Starts returns when each policy comes into force, ascending.
func (p *Policy) Starts() []time.Time {
	s := make([]time.Time, len(p.snapshots))
	for i := range p.snapshots {
		s[i] = p.snapshots[i].from
	}
	return s
}
