package chunk

import (
	"bytes"
	"strings"
)

// Shape is what kind of text it is.
type Shape uint8

// Shapes of text.
const (
	IsText Shape = iota
	IsTable
	IsJSON
	IsNDJSON
	IsSQL
)

// Sniff says how to cut a text by its beginning, the first 64 KiB or all of it.
func Sniff(head []byte) (Shape, Format) {
	start := bytes.TrimLeft(head, " \t\r\n")
	if len(start) > 0 && (start[0] == '{' || start[0] == '[') {
		if lines, ok := jsonLines(start); ok {
			if lines {
				return IsNDJSON, &Lines{}
			}
			return IsJSON, newJSON()
		}
	}
	if looksSQL(start) {
		return IsSQL, newSQL(head)
	}
	if t := sniffTable(head); t != nil {
		return IsTable, t
	}
	return IsText, newText(head)
}

// sniffLines are the most lines a decision rests on.
const sniffLines = 100

// headLines returns the first lines of a text, without a last one that may be cut.
func headLines(head []byte) (lines [][]byte, end byte) {
	end = '\n'
	if bytes.IndexByte(head, '\n') < 0 && bytes.IndexByte(head, '\r') >= 0 {
		end = '\r'
	}
	for len(head) > 0 && len(lines) < sniffLines {
		i := bytes.IndexByte(head, end)
		if i < 0 {
			if len(lines) < 2 {
				lines = append(lines, head)
			}
			break
		}
		if line := trimBreak(head[:i+1], end); len(line) > 0 {
			lines = append(lines, line)
		}
		head = head[i+1:]
	}
	return lines, end
}

// sniffTable finds the separator that divides most lines into equally many values; nil when
// there is none that divides most of them.
func sniffTable(head []byte) *Table {
	lines, end := headLines(head)
	if len(lines) == 0 {
		return nil
	}
	var best *Table
	bestLines, bestCount := 0, 0
	for _, comma := range []byte{'\t', ';', '|', ','} {
		t := &Table{Comma: comma, Line: end}
		counts := map[int]int{}
		for _, l := range lines {
			counts[separators(l, comma)]++
		}
		for count, n := range counts {
			if count > 0 && (n > bestLines || n == bestLines && count > bestCount) {
				best, bestLines, bestCount = t, n, count
			}
		}
	}
	if best == nil || bestLines*2 < len(lines) {
		return nil
	}
	if bestCount == 1 && best.Comma == ',' && prose(lines) {
		return nil
	}
	best.begin(head, lines)
	return best
}

// separators counts those of a line outside quotes.
func separators(line []byte, comma byte) (n int) {
	inside := false
	for i, c := range line {
		switch {
		case c == '"' && !inside && (i == 0 || line[i-1] == comma):
			inside = true
		case c == '"' && inside && (i+1 == len(line) || line[i+1] == comma):
			inside = false
		case c == comma && !inside:
			n++
		}
	}
	return n
}

// prose reports whether commas stand as in sentences, most with a space behind them and
// without a digit in the line.
func prose(lines [][]byte) bool {
	n := 0
	for _, l := range lines {
		if bytes.Contains(l, []byte(", ")) && longestDigits(l) < 4 {
			n++
		}
	}
	return 2*n > len(lines)
}

// longestDigits returns the length of the longest run of digits.
func longestDigits(b []byte) (most int) {
	run := 0
	for _, c := range b {
		if run++; c < '0' || c > '9' {
			run = 0
		}
		most = max(most, run)
	}
	return most
}

// begin finds whether the first row is a header.
func (t *Table) begin(head []byte, lines [][]byte) {
	at := 0
	for at < len(head) && (head[at] == t.Line || head[at] == '\r' || head[at] == '\n') {
		at++
	}
	end := t.row(head, at, true)
	if names := t.split(trimBreak(head[at:end], t.Line)); len(lines) > 1 && Header(names) {
		t.Names, t.header = names, end
	}
}

// split returns the values of one row.
func (t *Table) split(row []byte) []string {
	var b Buffer
	b.Reset(row)
	b.begin(0)
	tablePiece{Table: &Table{Comma: t.Comma, Line: t.Line}}.quoted(row, &b)
	out := make([]string, len(b.fields))
	for i, f := range b.fields {
		out[i] = strings.TrimSpace(string(f.Value))
	}
	return out
}

// Header reports whether a row names columns: words without long numbers, each another, none
// but the last ones empty. A row of values that passes for one is lost, so it must look like
// names: short, and free of what only values have.
func Header(names []string) bool {
	seen, words := map[string]bool{}, 0
	for len(names) > 0 && names[len(names)-1] == "" {
		names = names[:len(names)-1]
	}
	for _, n := range names {
		if len(n) > 64 || seen[n] || longestDigits([]byte(n)) > 2 || strings.ContainsAny(n, "@+\\") {
			return false
		}
		seen[n] = true
		if n != "" {
			words++
		}
		if strings.Count(n, " ") > 4 {
			return false
		}
	}
	return words > 0 && words*10 >= len(names)*8 && known(names)
}

// columnWords are pieces of names that columns have, in Indonesian and English.
var columnWords = strings.Fields(`id nik nama name tgl tanggal date lahir birth telp hp phone alamat address kode code no
 nomor number kelamin gender sex jenis type kel kec kota kab prov city usia age umur status waktu time created updated
 diagnos icd obat dosis dose poli dokter faskes facility email user token record ref rujuk jkn bpjs noka kartu ktp rt rw
 agama pekerjaan job tempat place value nilai hasil result key row col field ts mail zip pos kk ibu ayah kunjungan visit
 text keterangan note remark`)

// known reports whether some names are of the kind that columns have: a row of people's names
// is none.
func known(names []string) bool {
	hits, plain := 0, true
	for _, n := range names {
		low := strings.ToLower(n)
		for _, word := range strings.FieldsFunc(low, func(r rune) bool { return r < 'a' || r > 'z' }) {
			if contains(columnWords, word) {
				hits++
				break
			}
		}
		plain = plain && (low == n || strings.Contains(n, "_")) && !strings.Contains(n, " ")
	}
	return hits > 0 || plain
}

func contains(words []string, s string) bool {
	for _, w := range words {
		if s == w || len(w) > 3 && strings.Contains(s, w) {
			return true
		}
	}
	return false
}
