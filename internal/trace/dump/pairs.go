package dump

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/amanah-project/amanah/internal/trace/dump/chunk"
)

// Bounds of a record that is printed as pairs.
const (
	mostPairs   = 64 // lines of it
	mostBetween = 2  // lines that are no pair between two of its own, as a page's foot and head are
)

// printed are a document's lines as they are read: consecutive "Name: value" lines are one row
// until a name recurs, as our exports and other systems print a record; each other line is a
// row of its own, of nameless values.
type printed struct {
	lines  [][]string
	pairs  [][]Field      // of each line; nil where it begins with no pair
	often  map[string]int // lines that a name begins a value in
	buffer chunk.Buffer
}

// rowsOf reads a document's lines.
func rowsOf(lines [][]string) *chunk.Buffer {
	p := printed{lines: lines, pairs: make([][]Field, len(lines)), often: map[string]int{}}
	for i, l := range lines {
		p.pairs[i] = pairsOf(l)
		for _, f := range p.pairs[i] {
			p.often[f.Name]++
		}
	}
	for i := 0; i < len(lines); {
		end := i + 1
		if p.pairs[i] != nil {
			end = p.record(i)
		}
		p.row(i, end)
		i = end
	}
	return &p.buffer
}

// record returns where the record that begins in a line ends.
func (p *printed) record(from int) (end int) {
	end = from + 1
	names, person := map[string]bool{}, false
	for i := from; i < len(p.lines) && i-from < mostPairs && i-end <= mostBetween; i++ {
		if p.pairs[i] == nil {
			continue
		}
		for _, f := range p.pairs[i] {
			// A list may have people as names, each once, and their numbers as values.
			number := sixteen(f.Value)
			if f.Name != "" && names[f.Name] || number && person && p.often[f.Name] < 2 {
				return end
			}
			names[f.Name], person = true, person || number
		}
		end = i + 1
	}
	return end
}

// row adds the lines of a record as a row; a line alone is read as it stands.
func (p *printed) row(from, end int) {
	var all []Field
	for i := from; i < end; i++ {
		if end-from > 1 && p.pairs[i] != nil {
			all = append(all, p.pairs[i]...)
			continue
		}
		for _, text := range p.lines[i] {
			all = append(all, Field{Value: []byte(text)})
		}
	}
	p.buffer.Append(int64(from), all...)
}

// pairsOf divides a line's texts into names and values: "Name: value" in one text, or "Name:"
// and "value" in two. It is nil of a line that begins with no pair.
func pairsOf(line []string) (out []Field) {
	for k := 0; k < len(line); k++ {
		name, value := pairOf(line[k])
		if name == "" && k+1 < len(line) && (strings.HasSuffix(strings.TrimSpace(line[k]), ":") || strings.HasPrefix(strings.TrimSpace(line[k+1]), ":")) {
			if name, value = pairOf(line[k] + " " + line[k+1]); name != "" {
				k++
			}
		}
		if name == "" {
			if len(out) == 0 {
				return nil
			}
			value = []byte(line[k])
		}
		out = append(out, Field{Name: name, Value: value})
	}
	return out
}

// pairOf is chunk.Pair with a name that begins with a letter: "08.30: Siti" is none.
func pairOf(text string) (string, []byte) {
	name, value := chunk.Pair([]byte(text))
	if first, _ := utf8.DecodeRuneInString(name); !unicode.IsLetter(first) {
		return "", nil
	}
	return name, value
}

// sixteen reports whether sixteen digits stand together, as a NIK's do.
func sixteen(value []byte) bool {
	n := 0
	return slices.ContainsFunc(value, func(c byte) bool {
		if n++; c < '0' || c > '9' {
			n = 0
		}
		return n == 16
	})
}
