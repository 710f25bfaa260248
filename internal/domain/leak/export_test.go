package leak

// LnMatches is for tests.
func LnMatches(bits float64, tried uint64, found int) float64 { return lnMatches(bits, tried, found) }
