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
	Self   Count // rows of ours, spoilt on purpose as dumps are: what is recognised

	// Own is the sample's rows that say something only we hold, as a record's number of
	// ours or a facility, time and kind together, and those in which it is right.
	Own Count
	// OwnDecoys is the same of invented rows.
	OwnDecoys Count
}

// Ours says whether a sample is ours.
type Ours struct {
	Share    float64         // of the sample's rows, estimated
	Interval binomial.Bounds // that the share lies in, but for 5 %
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
	ownStray   = 0.01 // share of rows below which, for certain, a sample counts as foreign
	ownTried   = 300  // rows with something only we hold that it takes to say that none is right
)

// Judge answers whether a sample is ours. People are no proof: the same citizens are in
// others' dumps, so a share however large is Unclear without something only we hold.
func (c Comparison) Judge() Ours {
	o := Ours{LnE: c.lnOwn()}
	third := shareAlpha / 3
	rows, decoys, self := binomial.Interval(c.Rows.Found, c.Rows.Tried, third), binomial.Interval(c.Decoys.Found, c.Decoys.Tried, third), binomial.Interval(c.Self.Found, c.Self.Tried, third)
	o.Share = share(rate(c.Rows, 0), rate(c.Decoys, 0), rate(c.Self, 1))
	// The share grows with the hits and falls with what chance hits and with what is recognised.
	o.Interval = binomial.Bounds{Low: share(rows.Low, decoys.High, self.High), High: share(rows.High, decoys.Low, self.Low)}
	switch {
	case o.LnE >= math.Log(ownEnough):
		o.Finding = Proven
	case c.Own.Found == 0 && c.Own.Tried >= ownTried, c.Rows.Tried > 0 && o.Interval.High < ownStray:
		o.Finding = Foreign
	}
	return o
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
