package venue

import "github.com/amanah-project/amanah/internal/domain/status"

// Table is what a policy says for one category at one level at one time. It is
// two pointers, reads only, and allocates nothing. The zero Table is that of no
// policy, without texts.
type Table struct {
	cell  *cell
	fixed *fixed
}

// Company is who comes along with a visitor.
type Company struct {
	Adult    status.Colour // the best colour among the party's linked adults; 0 when there is none
	Unlinked int           // members of whom nothing is known
}

// CompanyOf sums up a party for its members.
func CompanyOf(party []Visitor, extra int) Company {
	c := Company{Unlinked: max(extra, 0)}
	for i := range party {
		switch v := &party[i]; {
		case !v.known():
			c.Unlinked++
		case v.Age >= adulthood && (c.Adult == 0 || v.Colour < c.Adult):
			c.Adult = v.Colour
		}
	}
	return c
}

func (v *Visitor) known() bool {
	return v.Linked && v.Colour >= status.Green && v.Colour <= status.Black
}

// Decide says what happens to one visitor in that company. For everything else
// equal, a worse colour, of the visitor or of the adult, never fares better.
//
// A visitor of unknown age is decided as an adult and then checked at best.
func (t Table) Decide(v Visitor, with Company) Outcome {
	if t.cell == nil {
		return t.without(v)
	}
	if !v.known() {
		return t.fixed.unlinked
	}
	age := v.Age
	if age < 0 {
		age = adulthood
	}
	b := t.cell.band(age)
	out := b.out[standingOf(v.Reason)][v.Colour-1]
	if b.adult != 0 && (with.Adult == 0 || with.Adult > b.adult) {
		out = worse(out, t.missing(with))
	}
	if v.Age < 0 {
		out = worse(out, t.fixed.ageUnknown)
	}
	return out
}

// missing is the outcome for a child without the adult that the rule wants.
// Somebody unlinked may be that adult, which staff can see.
func (t Table) missing(with Company) Outcome {
	if with.Unlinked > 0 {
		return t.fixed.adultUnlinked
	}
	return t.fixed.adultMissing
}

// without is the outcome when no policy covers the venue.
func (t Table) without(v Visitor) Outcome {
	var f fixed
	if t.fixed != nil {
		f = *t.fixed
	} else {
		f.noPolicy = Outcome{Decision: Check, Code: CodeNoPolicy}
		f.noPolicyBlack = Outcome{Decision: Refuse, Code: CodeNoPolicy}
	}
	if v.known() && v.Colour == status.Black {
		return f.noPolicyBlack
	}
	return f.noPolicy
}

// band finds the band of an age; the last one has no end.
func (c *cell) band(age int) *band {
	for i := range c.bands {
		if age <= c.bands[i].to {
			return &c.bands[i]
		}
	}
	return &c.bands[len(c.bands)-1]
}

// Admit is Policy.Admit for this table.
func (t Table) Admit(party []Visitor, extra int) Outcome {
	with := CompanyOf(party, extra)
	var worst Outcome
	for i := range party {
		worst = worse(worst, t.Decide(party[i], with))
	}
	if extra > 0 || len(party) == 0 {
		worst = worse(worst, t.Decide(Visitor{}, with))
	}
	return worst
}

// Capacity is Policy.Capacity for this table.
func (t Table) Capacity(declared int) int {
	if t.cell == nil || declared <= 0 {
		return 0
	}
	// In two parts, so that no declared number can overflow.
	n := declared/100*t.cell.percent + declared%100*t.cell.percent/100
	if n == 0 && t.cell.percent > 0 {
		n = 1
	}
	if t.cell.most > 0 {
		n = min(n, t.cell.most)
	}
	return n
}

// Source says where this table comes from, for operators.
func (t Table) Source() string {
	if t.cell == nil {
		return "no policy"
	}
	return t.cell.source
}
