package status

import (
	"slices"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"

	"github.com/amanah-project/amanah/internal/day"
)

// history is valid evidence with its items in order of time.
type history struct{ Evidence }

func newHistory(e Evidence) (*history, error) {
	if err := e.Validate(); err != nil {
		return nil, err
	}
	return &history{Evidence{
		Birth:      e.Birth,
		Doses:      inOrder(e.Doses, Dose.key),
		Tests:      inOrder(e.Tests, Test.key),
		Recoveries: inOrder(e.Recoveries, Recovery.key),
		Contacts:   inOrder(e.Contacts, Contact.key),
		Exemptions: inOrder(e.Exemptions, Exemption.key),
		Arrivals:   inOrder(e.Arrivals, Arrival.key),
		Inquiries:  inOrder(e.Inquiries, Inquiry.key),
	}}, nil
}

func inOrder[T any](items []T, keyOf func(T) key) []T {
	byKey := func(x, y T) int { return keyOf(x).compare(keyOf(y)) }
	if slices.IsSortedFunc(items, byKey) {
		return items
	}
	return slices.SortedFunc(slices.Values(items), byKey)
}

// plain reports whether nothing but age, the time and an inquiry is known.
func (h *history) plain() bool { return h.Len() == len(h.Inquiries) }

// facts are what expressions see of a history in one minute: every item dated
// later is not there yet.
type facts struct {
	history *history
	now     minute
	today   day.Day
	clocks  [clocks]int64
	doses   []Dose
	tests   []Test

	positive, contact               day.Day // valid when their clocks are not never
	positiveAt                      minute
	doseCount                       int
	primary, booster                bool
	exempt, asked, cleared, arrived bool

	doseList, testList ref.Val
}

// factsAt reads a history in one minute; single are the vaccines of which one
// dose is the whole primary course.
func factsAt(h *history, single []string, now minute) *facts {
	f := &facts{history: h, now: now, today: now.day()}
	for c := range f.clocks {
		f.clocks[c] = never
	}
	f.clocks[clockAge] = ageOn(h.Birth, f.today)
	f.readDoses(single)
	f.readTests()
	for _, r := range h.Recoveries {
		f.latest(clockRecovery, r.On)
	}
	for _, c := range h.Contacts {
		if f.latest(clockContact, c.On) {
			f.contact = c.On
		}
	}
	f.exempt = slices.ContainsFunc(h.Exemptions, f.covers)
	f.asked = slices.ContainsFunc(h.Inquiries, func(i Inquiry) bool { return i.On <= f.today })
	f.readArrivals()
	return f
}

func (f *facts) covers(x Exemption) bool { return x.From <= f.today && f.today <= x.Until }

// latest sets a clock to count from on, which is not before what it counted from,
// and reports whether that day has come.
func (f *facts) latest(c clock, on day.Day) bool {
	if on > f.today {
		return false
	}
	f.clocks[c] = int64(f.today - on)
	return true
}

// readDoses counts days with a dose. A single-dose vaccine that comes first is
// worth two, so that a dose reported from earlier never takes a course away.
func (f *facts) readDoses(single []string) {
	worth := 0
	for i, d := range f.history.Doses {
		if !f.latest(clockDose, d.On) {
			break
		}
		f.doses = f.history.Doses[:i+1]
		if i == 0 || f.doses[i-1].On != d.On {
			f.doseCount++
			worth++
		}
		if f.doseCount == 1 && worth == 1 && slices.Contains(single, d.Vaccine) {
			worth++
		}
	}
	f.primary, f.booster = worth >= 2, worth >= 3
}

func (f *facts) readTests() {
	for i, t := range f.history.Tests {
		at := minuteOf(t.At)
		if at > f.now {
			break
		}
		f.tests = f.history.Tests[:i+1]
		if t.Positive {
			f.positive, f.positiveAt = at.day(), at
			f.clocks[clockPositive] = int64(f.today - f.positive)
		}
	}
}

// readArrivals takes the latest day of arrival; if any arrival of that day is not
// cleared, the person is not.
func (f *facts) readArrivals() {
	var on day.Day
	for _, a := range f.history.Arrivals {
		if !f.latest(clockArrival, a.On) {
			break
		}
		if !f.arrived || a.On != on {
			f.arrived, f.cleared, f.clocks[clockClearance] = true, true, never
		}
		on = a.On
		if !a.Cleared || a.ClearedOn > f.today {
			f.cleared = false
		}
		f.clocks[clockClearance] = min(f.clocks[clockClearance], int64(f.today-a.ClearedOn))
	}
	if !f.cleared {
		f.clocks[clockClearance] = never
	}
}

// ResolveName gives an expression the value of a variable.
func (f *facts) ResolveName(name string) (any, bool) {
	if c := variableClock(name); c != clockNone && c != clockNow {
		return types.Int(f.clocks[c]), true
	}
	switch name {
	case "now":
		return types.Timestamp{Time: f.now.time()}, true
	case "doses":
		return f.listDoses(), true
	case "tests":
		return f.listTests(), true
	case "dose_count":
		return types.Int(f.doseCount), true
	case "primary":
		return types.Bool(f.primary), true
	case "booster":
		return types.Bool(f.booster), true
	case "exempt":
		return types.Bool(f.exempt), true
	case "asked":
		return types.Bool(f.asked), true
	case "cleared":
		return types.Bool(f.cleared), true
	}
	return nil, false
}

// Parent says that there is nothing beyond the facts.
func (f *facts) Parent() interpreter.Activation { return nil }

func (f *facts) listDoses() ref.Val {
	if f.doseList == nil {
		items := make([]ref.Val, len(f.doses))
		for i := range f.doses {
			items[i] = &doseItem{f, &f.doses[i]}
		}
		f.doseList = types.NewRefValList(types.DefaultTypeAdapter, items)
	}
	return f.doseList
}

func (f *facts) listTests() ref.Val {
	if f.testList == nil {
		items := make([]ref.Val, len(f.tests))
		for i := range f.tests {
			items[i] = &testItem{f, &f.tests[i]}
		}
		f.testList = types.NewRefValList(types.DefaultTypeAdapter, items)
	}
	return f.testList
}
