package leak

// LnMatches is for tests.
func LnMatches(bits float64, tried uint64, found int) float64 { return lnMatches(bits, tried, found) }

// Bound sets how many cells are weighed at most, before Choose.
func (f *Frozen) Bound(cells int) { f.most = cells }

// Chosen returns the cells that are weighed.
func (f *Frozen) Chosen() []Observed { return f.chosen }

// Join is for tests: the places of all that are of one of the rows, and how many of all were looked at.
func Join(all, rows []Row) (places []int, looks int) {
	of := func(r *Row) Row {
		looks++
		return *r
	}
	join(all, of, rows, func(at int) { places = append(places, at) })
	return places, looks
}
