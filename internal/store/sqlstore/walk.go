package sqlstore

import "math"

const maxNumber = math.MaxInt64

// walk asks for up to n rows above a number.
func (t *Tx) walk(sql string, after uint64, n int, scan func(r Row) error) error {
	if n <= 0 || after > maxNumber {
		return t.err
	}
	return t.query(sql, func(a *Args) {
		a.Number(after)
		a.Int(int64(n))
	}, scan)
}

// pick lists the numbers below n that have a property.
func pick(n int, has func(i int) bool) []int {
	out := make([]int, 0, n)
	for i := range n {
		if has(i) {
			out = append(out, i)
		}
	}
	return out
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
