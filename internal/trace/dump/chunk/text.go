package chunk

import (
	"bytes"
	"strings"
)

// Bounds of a block of text.
const (
	maxBlockLines = 64
	maxBlock      = 16 << 10
)

// newText reads lists line by line, and what is written as "name: value" block by block.
func newText(head []byte) Format {
	lines, end := headLines(head)
	pairs := 0
	for _, l := range lines {
		if name, _ := Pair(l); name != "" {
			pairs++
		}
	}
	if 2*pairs > len(lines) {
		return &Blocks{}
	}
	return &Table{Line: end}
}

// Blocks is a text of forms: a block, up to an empty line or until the name that it begins
// with recurs, is a row, and its lines are fields.
type Blocks struct{}

// Cut implements Format.
func (t *Blocks) Cut(b []byte, last, full bool) (int, Piece) {
	if last {
		return len(b), blockPiece{}
	}
	n := bytes.LastIndex(b, []byte("\n\n")) + 2
	if i := bytes.LastIndex(b, []byte("\n\r\n")) + 3; i > 2 && i > n {
		n = i
	}
	if n < 2 {
		n = 0
	}
	if n == 0 && len(b) >= 2*maxBlock {
		if n = lastBlock(b); n == 0 {
			n = bytes.LastIndexByte(b, '\n') + 1
		}
		if n == 0 && full {
			n = len(b)
		}
	}
	if n == 0 {
		return 0, nil
	}
	return n, blockPiece{}
}

// lastBlock returns where the name that the first pair has comes for the last time.
func lastBlock(b []byte) int {
	first := ""
	for line := range bytes.Lines(b) {
		if first, _ = Pair(trimBreak(line, '\n')); first != "" {
			break
		}
	}
	for end := len(b); first != "" && end > 0; {
		end = bytes.LastIndexByte(b[:end], '\n')
		line, _, whole := bytes.Cut(b[end+1:], []byte("\n"))
		if name, _ := Pair(line); whole && name == first {
			return end + 1
		}
	}
	return 0
}

type blockPiece struct{}

// Read implements Piece.
func (blockPiece) Read(b []byte, base int64, to *Buffer) {
	lines, began, first := 0, -1, ""
	for at := 0; at < len(b); {
		end := len(b)
		if i := bytes.IndexByte(b[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		line := trimBreak(b[at:end], '\n')
		name, value := Pair(line)
		if name != "" && name == first || len(bytes.TrimSpace(line)) == 0 || lines == maxBlockLines || began >= 0 && at-began > maxBlock {
			began = -1
		}
		if len(bytes.TrimSpace(line)) > 0 {
			if began < 0 {
				to.begin(base + int64(at))
				lines, began, first = 0, at, ""
			}
			if lines++; first == "" {
				first = name
			}
			if name == "" {
				to.add("", line)
			} else {
				to.add(to.name([]byte(name)), value)
			}
		}
		at = end
	}
}

// Pair divides "Nama : Siti" into name and value; the name is empty when it is no pair.
func Pair(line []byte) (string, []byte) {
	i := bytes.IndexAny(line, ":=\t")
	if i < 2 || i > 40 || i+1 == len(line) {
		return "", nil
	}
	name := strings.TrimSpace(string(line[:i]))
	if name == "" || longestDigits([]byte(name)) > 2 || strings.Count(name, " ") > 4 {
		return "", nil
	}
	value := bytes.TrimLeft(line[i+1:], " \t")
	if len(value) == 0 || bytes.HasPrefix(value, []byte("//")) {
		return "", nil
	}
	return name, value
}
