package dispute

import (
	"fmt"
	"strconv"
	"strings"
)

// Number is a dispute's number as it is read over the telephone: the year, a count
// from 1 within it, and a digit that checks both.
type Number struct {
	Year  int
	Count int
}

// most is the largest count that is written in six digits; larger ones take more.
const most = 1_000_000_000

func (n Number) valid() bool {
	return n.Year >= 2000 && n.Year <= 9999 && n.Count >= 1 && n.Count < most
}

// String writes D-2026-000123-8.
func (n Number) String() string {
	digits := fmt.Sprintf("%04d%06d", n.Year, n.Count)
	return fmt.Sprintf("D-%04d-%06d-%d", n.Year, n.Count, check(digits))
}

// ParseNumber reads what String wrote, in either case and with or without hyphens;
// ErrNumber for anything else, every wrong digit and every two neighbours exchanged
// included.
func ParseNumber(s string) (Number, error) {
	digits, ok := strings.CutPrefix(strings.ToUpper(strings.ReplaceAll(s, "-", "")), "D")
	if !ok || len(digits) < 11 || len(digits) > 14 {
		return Number{}, ErrNumber
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return Number{}, ErrNumber
		}
	}
	if check(digits) != 0 {
		return Number{}, ErrNumber
	}
	year, err := strconv.Atoi(digits[:4])
	if err != nil {
		return Number{}, ErrNumber
	}
	count, err := strconv.Atoi(digits[4 : len(digits)-1])
	n := Number{year, count}
	if err != nil || !n.valid() || len(digits) > 11 && digits[4] == '0' {
		return Number{}, ErrNumber
	}
	return n, nil
}

// check is the digit that Damm's algorithm gives (H. M. Damm, 2004, over a totally
// anti-symmetric quasigroup of order 10): it finds every wrong digit and every
// exchange of neighbours. Of digits with their check digit it is zero.
func check(digits string) int {
	const table = "0317598642" + "7092154863" + "4206871359" + "1750983426" + "6123045978" +
		"3674209581" + "5869720134" + "8945362017" + "9438617205" + "2581436790"
	c := 0
	for _, d := range digits {
		c = int(table[10*c+int(d-'0')] - '0')
	}
	return c
}
