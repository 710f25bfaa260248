package leak

import (
	"crypto/hmac"
	"crypto/sha256"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/amanah-project/amanah/internal/domain/leak/code"
)

// How much is weighed, however large a sample is. 1,472 cells are stated to name one of five
// who put their copies together (N = 200); 888 did.
const (
	// MaxCells bounds the cells that copies are weighed by.
	MaxCells = 1 << 17
	// MaxEvery bounds the cells, and the tokens of known rows, of a copy that is to have every row,
	// as a thousand decoys are. Others are held against each token of theirs.
	MaxEvery = 1 << 13
)

// cells weighs the cells that are chosen.
func (f *Frozen) cells(b *Base, copies []Holding) []Part {
	rows, from := byRow(f.chosen)
	positions := make([]code.Position, len(f.chosen))
	biases := drawer{h: hmac.New(sha256.New, b[:]), label: []byte(labelBias)}
	for i, o := range f.chosen {
		positions[i] = code.Position{P: bias(biases.draw(o.Cell)), Symbol: o.Symbol}
	}
	seen := code.Look(positions)
	out := make([]Part, len(copies))
	words := make([]code.Word, len(copies))
	each(len(copies), func(j int) {
		h := &copies[j]
		p := Part{Domain: Cells}
		symbols := drawer{h: hmac.New(sha256.New, h.Seed[:]), label: []byte(labelSymbol)}
		words[j] = seen.Gather(func(says func(i int, symbol bool)) {
			join(rows, rowItself, h.Rows, func(at int) {
				if h.Rows == nil && from[at+1] > MaxEvery {
					return
				}
				for i := from[at]; i < from[at+1]; i++ {
					symbol := symbols.draw(f.chosen[i].Cell) < positions[i].P
					p.Used++
					if symbol == f.chosen[i].Symbol {
						p.Found++
					}
					says(int(i), symbol)
				}
			})
		})
		out[j] = p
	})
	for j, ln := range seen.Decoder().LnE(words, len(words)) {
		out[j].LnE = ln
	}
	return out
}

// Choose says which rows were delivered in each copy there is, ascending. It is called before
// codes are opened, and matters where there are more than MaxCells cells: those are weighed
// that choose takes. Without it Weigh takes all copies to have all rows.
func (f *Frozen) Choose(delivered [][]Row) { f.chosen = choose(f.kept, delivered, f.most) }

// choose returns the cells that are weighed, in their order: all, unless there are more than
// most. Then it takes the whole rows whose name, times the number of cells of the copy with the
// fewest among those that have the row, is smallest: each copy has its share, and one of few
// rows in a sample of millions is weighed by nearly all it has, while one of many gives up most.
// Rows that no copy has come last, as they say nothing.
//
// The bound on false accusations stays what it was. The choice is a function of what is frozen,
// of which rows were delivered, and of rows' names, which are a PRF of the records' under the
// base; no seed is looked at. Given it and the sample, an innocent copy's symbols in the cells
// that are chosen are still independent draws with their biases, so that each factor has mean
// one, and so has the E-value. What is left out costs detection at most.
func choose(kept []Observed, delivered [][]Row, most int) []Observed {
	if len(kept) <= most {
		return kept
	}
	rows, from := byRow(kept)
	fewest := make([]uint32, len(rows)) // zero: no copy has the row
	for _, had := range delivered {
		n := uint32(0)
		join(rows, rowItself, had, func(at int) { n += from[at+1] - from[at] })
		join(rows, rowItself, had, func(at int) { fewest[at] = lower(fewest[at], n) })
	}
	key := func(at int) float64 { // less than 2^96; of rows that no copy has from there to 2^97
		if n := fewest[at]; n > 0 {
			return float64(rows[at]) * float64(n)
		}
		return math.Ldexp(1+math.Ldexp(float64(rows[at]), -64), 96)
	}
	low, high, wide := 0.0, math.Ldexp(1, 97), widest(from)
	for i, n := 0, 0; i < 128 && n <= most-wide; i++ { // n cells are up to low, and too many up to high
		limit, m := (low+high)/2, 0
		for at := range rows {
			if key(at) <= limit {
				m += int(from[at+1] - from[at])
			}
		}
		if m <= most {
			low, n = limit, m
		} else {
			high = limit
		}
	}
	out := make([]Observed, 0, most)
	for at := range rows {
		if key(at) <= low {
			out = append(out, kept[from[at]:from[at+1]]...)
		}
	}
	return out
}

// widest returns the most cells of a row.
func widest(from []uint32) (n int) {
	for i := 1; i < len(from); i++ {
		n = max(n, int(from[i]-from[i-1]))
	}
	return n
}

// lower returns the smaller of two numbers, zero being none.
func lower(a, b uint32) uint32 {
	if a == 0 {
		return b
	}
	return min(a, b)
}

// byRow returns the rows of cells, and where in the cells each begins; one more than rows.
func byRow(cells []Observed) (rows []Row, from []uint32) {
	n := 0
	for i := range cells {
		if i == 0 || cells[i].Cell.Row != cells[i-1].Cell.Row {
			n++
		}
	}
	rows, from = make([]Row, 0, n), make([]uint32, 0, n+1)
	for i := range cells {
		if i == 0 || cells[i].Cell.Row != cells[i-1].Cell.Row {
			rows, from = append(rows, cells[i].Cell.Row), append(from, uint32(i))
		}
	}
	return rows, append(from, uint32(len(cells)))
}

// join calls each for what of all, ascending, is of one of the rows, ascending; nil are every
// row. It costs as much as the shorter of both, and the logarithm of how much longer the other is.
func join[T any](all []T, of func(*T) Row, rows []Row, each func(at int)) {
	if rows == nil {
		for i := range all {
			each(i)
		}
		return
	}
	for i, j := 0, 0; i < len(all) && j < len(rows); {
		switch a := of(&all[i]); {
		case a < rows[j]:
			i = ahead(i, len(all), func(k int) bool { return of(&all[k]) < rows[j] })
		case a > rows[j]:
			j = ahead(j, len(rows), func(k int) bool { return rows[k] < a })
		default:
			each(i)
			i++
		}
	}
}

func rowItself(r *Row) Row { return *r }

// ahead returns the first place behind at, and n at most, that is not below; at itself is.
func ahead(at, n int, below func(int) bool) int {
	step := 1
	for at+step < n && below(at+step) {
		at += step
		step *= 2
	}
	low, high := at+1, min(at+step, n)
	for low < high {
		if mid := (low + high) / 2; below(mid) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// each does something for each of n, on all processors, in no order.
func each(n int, do func(i int)) {
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	wait.Wait()
}
