package simulate

// Attack is how colluders make one sample of their copies.
type Attack string

// Attacks. Where all who have a row agree, all of them write what they have.
const (
	Merge      Attack = "merge"      // each row is one colluder's, drawn: copies interleaved by rows
	Interleave Attack = "interleave" // each cell is one colluder's, drawn
	Majority   Attack = "majority"   // what most of them have
	Minority   Attack = "minority"   // what fewest of them have
	Any        Attack = "or"         // true if one has it
	All        Attack = "and"        // true if all have it
	Coin       Attack = "coin"       // where they differ, a coin
	Drop       Attack = "drop"       // where they differ, nothing
)

// Attacks lists all.
func Attacks() []Attack {
	return []Attack{Merge, Interleave, Majority, Minority, Any, All, Coin, Drop}
}

// writes returns the probability that a cell is written true in which ones of n colluders
// have true; nil if the attack does not go by that.
func (a Attack) writes() func(ones, n int) float64 {
	sign := func(d int) float64 {
		switch {
		case d < 0:
			return 0
		case d > 0:
			return 1
		}
		return 0.5
	}
	switch a {
	case Merge, Interleave:
		return func(ones, n int) float64 { return float64(ones) / float64(n) }
	case Majority:
		return func(ones, n int) float64 { return sign(2*ones - n) }
	case Minority:
		return func(ones, n int) float64 { return sign(n - 2*ones) }
	case Any:
		return func(ones, n int) float64 { return 1 }
	case All:
		return func(ones, n int) float64 { return 0 }
	case Coin:
		return func(ones, n int) float64 { return 0.5 }
	}
	return nil
}

// cell is one cell as colluders hold it and as the sample shows it.
type cell struct {
	row    int
	family int
	bias   uint32
	says   uint64 // bit j: what colluder j has
	holds  uint64 // bit j: whether colluder j has the row
	shown  bool   // whether the sample shows it
	symbol bool
}

// write fills in what the sample shows of a cell; of is the colluder whose row it is.
func (a Attack) write(c *cell, n, of int, chance chance) {
	ones, all := 0, 0
	for j := range n {
		if c.holds>>j&1 == 1 {
			all++
			ones += int(c.says >> j & 1)
		}
	}
	switch {
	case all == 0:
		return
	case ones == 0 || ones == all:
		c.symbol = ones == all
	case a == Drop:
		return
	case a == Merge:
		c.symbol = c.says>>of&1 == 1
	default:
		c.symbol = chance.part(a.writes()(ones, all))
	}
	c.shown = true
}
