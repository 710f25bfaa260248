package leak

import (
	"math"

	"github.com/amanah-project/amanah/internal/domain/leak/binomial"
)

// Count is how many of some tries came out.
type Count struct{ Found, Tried int64 }

// Comparison is what the index said of a sample, of decoys and of exports of our own.
type Comparison struct {
	Rows   Count // the sample's rows, and those that match a person and something else of theirs
	Decoys Count // invented rows, compared in the same way: what matches by chance
	Self   Count // rows of ours, spoilt as dumps are and not mute: what is recognised

	// Mute is rows that say too little for one of ours to be recognised, and were not: they may
	// all be ours, and none.
	Mute int64

	// Own is the sample's rows that say something only we hold, as a record's number of
	// ours or a facility, time and kind together, and those in which it is right.
	Own Count
	// Loose is how many of Own's tries show no record's number: a facility and a day are
	// shifted, or left when whom they are of is taken out or replaced, and contradict nobody.
	Loose int64
	// OwnDecoys is the same of invented rows.
	OwnDecoys Count
	// Dated is rows that show the minute in which a record of ours was written: whose numbers
	// are others', they may have been replaced.
	Dated int64
}

// Ours says whether a sample is ours.
type Ours struct {
	Share    float64         // of the sample's rows, estimated
	Interval binomial.Bounds // that the share lies in, but for 5 %; High if rows are recognised as Self was
	LnE      float64         // natural logarithm of the E-value against that nothing in it is only ours
	Finding  Finding
}

// Finding is the answer to whether a sample is ours.
type Finding uint8

// Findings. The zero value is that nobody can tell.
const (
	Unclear Finding = iota
	Foreign         // not ours
	Proven          // ours
)

const (
	shareAlpha = 0.05
	ownBase    = 1e-7 // of the bound on chance being exceeded
	ownEnough  = 1e6  // E-value that "ours" takes
	ownTried   = 300  // rows with a record's number that it takes to say that none is right
)

// Judge answers whether a sample is ours. People are no proof: the same citizens are in
// others' dumps, so a share however large is Unclear without something only we hold. A share
// however small is, too: who has rows of ours can spoil them until none is recognised, so that
// what is not found says nothing of where rows come from. Foreign takes what contradicts us:
// enough rows that have records' numbers, and none that says what only we hold and is right, or
// was written when ours was.
func (c Comparison) Judge() Ours {
	o := Ours{LnE: c.lnOwn(), Share: share(rate(c.Rows, 0), rate(c.Decoys, 0), rate(c.Self, 1)), Interval: c.interval()}
	switch {
	case o.LnE >= math.Log(ownEnough):
		o.Finding = Proven
	case c.Own.Found == 0 && c.Own.Tried-c.Loose >= ownTried && c.Dated == 0:
		o.Finding = Foreign
	}
	return o
}

// interval bounds the share, which grows with the hits and falls with what chance hits and
// with what is recognised. Mute rows are none of ours for the lower end and all for the upper.
func (c Comparison) interval() binomial.Bounds {
	third := shareAlpha / 3
	telling := max(c.Rows.Tried-c.Mute, c.Rows.Found)
	rows, told := binomial.Interval(c.Rows.Found, c.Rows.Tried, third), binomial.Interval(c.Rows.Found, telling, third)
	decoys, self := binomial.Interval(c.Decoys.Found, c.Decoys.Tried, third), binomial.Interval(c.Self.Found, c.Self.Tried, third)
	b := binomial.Bounds{Low: share(rows.Low, decoys.High, self.High), High: share(told.High, decoys.Low, self.Low)}
	if c.Mute > 0 && c.Rows.Tried > 0 {
		b.High = min(1, (b.High*float64(telling)+float64(c.Mute))/float64(c.Rows.Tried))
	}
	return b
}

func rate(c Count, none float64) float64 {
	if c.Tried <= 0 {
		return none
	}
	return float64(c.Found) / float64(c.Tried)
}

// share returns θ = (h-π0)/(s-π0), between 0 and 1: the hits are those of our rows that
// are recognised, and those of others' that chance hits.
func share(hits, chance, recognised float64) float64 {
	if recognised <= chance {
		if hits > chance {
			return 1
		}
		return 0
	}
	return min(max((hits-chance)/(recognised-chance), 0), 1)
}

// lnOwn is the logarithm of an E-value against the hypothesis that what is right among
// what only we hold is so by chance: chance at most as large as decoys bound it. It is the
// mean of likelihood ratios, each of which grows with what is found, so that less chance
// than the bound makes it smaller.
func (c Comparison) lnOwn() float64 {
	if c.Own.Tried <= 0 || c.OwnDecoys.Tried <= 0 {
		return 0
	}
	q := binomial.Upper(c.OwnDecoys.Found, c.OwnDecoys.Tried, ownBase)
	if q >= 0.9 {
		return 0
	}
	found, rest := float64(c.Own.Found), float64(c.Own.Tried-c.Own.Found)
	var ln []float64
	for r := q; r < 0.9; r *= 2 {
		p := min(2*r, 0.95)
		ln = append(ln, found*math.Log(p/q)+rest*math.Log((1-p)/(1-q)))
	}
	top := math.Inf(-1)
	for _, l := range ln {
		top = max(top, l)
	}
	sum := 0.0
	for _, l := range ln {
		sum += math.Exp(l - top)
	}
	return top + math.Log(sum/float64(len(ln)))
}
