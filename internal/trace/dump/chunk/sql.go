package chunk

import (
	"bytes"
	"strings"
)

// maxHead is how long the words before VALUES, and a CREATE TABLE, may be.
const maxHead = 256 << 10

// sqlTable is a table as rows of a dump name it.
type sqlTable struct{ columns []string }

// sqlUnit is one row of an INSERT, or lines of a COPY.
type sqlUnit struct {
	from, to int
	table    *sqlTable
	copy     bool
}

// dump is SQL as mysqldump, pg_dump and their kin write it. Only rows of INSERT, REPLACE and
// COPY are read; nothing is run.
type dump struct {
	backslash bool // a backslash escapes within texts, as in MySQL and MariaDB
	created   map[string]*sqlTable
	into      *sqlTable // of the INSERT or COPY that is open; nil outside
	copying   bool
	passing   bool   // a statement that inserts nothing is open
	head      []byte // of the last INSERT, up to VALUES: the next one mostly has the same
	named     *sqlTable

	done  []sqlUnit
	skips []Skip // within the piece
}

func newSQL(head []byte) *dump {
	has := func(s string) bool { return bytes.Contains(head, []byte(s)) }
	return &dump{
		backslash: has("`") || has("MySQL") || has("MariaDB") || has(`\'`) && !has("PostgreSQL") && !has(" E'"),
		created:   map[string]*sqlTable{},
	}
}

// looksSQL reports whether a text begins as dumps do.
func looksSQL(b []byte) bool {
	b = b[:min(len(b), 64<<10)]
	if len(b) < 6 {
		return false
	}
	up := strings.ToUpper(string(b[:min(len(b), 4096)]))
	for _, word := range []string{"INSERT INTO", "REPLACE INTO", "CREATE TABLE", "DROP TABLE", "COPY ", "/*!", "PRAGMA ", "BEGIN TRANSACTION", "SET ", "USE ", "START TRANSACTION"} {
		if strings.HasPrefix(up, word) {
			return word != "COPY " && word != "SET " && word != "USE " || strings.Contains(up, "INSERT INTO") || strings.Contains(up, "STDIN;") || strings.Contains(up, "CREATE TABLE")
		}
	}
	if !strings.HasPrefix(up, "--") && !strings.HasPrefix(up, "/*") {
		return false
	}
	up = strings.ToUpper(string(b))
	for _, word := range []string{"\nINSERT INTO", "\nREPLACE INTO", "\nCREATE TABLE", "\nCOPY ", "\nDROP TABLE", "\nSET ", " DUMP"} {
		if strings.Contains(up, word) {
			return true
		}
	}
	return false
}

// Cut implements Format.
func (d *dump) Cut(b []byte, last, full bool) (int, Piece) {
	d.done, d.skips = nil, nil
	at := 0
	for at < len(b) {
		next := d.step(b, at, last)
		if next < 0 {
			break
		}
		at = next
	}
	if at < len(b) && (last || at == 0 && full) {
		if d.into != nil {
			d.done = append(d.done, sqlUnit{at, len(b), d.into, d.copying})
		} else {
			d.skips = append(d.skips, Skip{int64(at), int64(len(b)), NotSQL})
		}
		at = len(b)
	}
	if at == 0 {
		return 0, nil
	}
	return at, sqlPiece{d.done, d.skips, d.backslash}
}

// step passes over what stands at i and returns where it ends; -1 when b does not hold it all.
func (d *dump) step(b []byte, i int, last bool) int {
	switch {
	case d.copying:
		return d.lines(b, i, last)
	case d.into != nil:
		return d.tuples(b, i)
	case d.passing:
		return d.pass(b, i)
	}
	if n := space(b[i:]); n > 0 {
		return i + n // by itself, so that it is accounted for alike however the text is cut
	}
	if b[i] == ';' {
		return i + 1
	}
	if len(b)-i < 16 && !last {
		return -1
	}
	word := strings.ToUpper(string(b[i:min(len(b), i+16)]))
	switch {
	case strings.HasPrefix(word, "--"), strings.HasPrefix(word, "#"):
		n := bytes.IndexByte(b[i:], '\n')
		if n < 0 {
			if len(b)-i < maxHead {
				return -1
			}
			n = len(b) - i - 1
		}
		d.skips = append(d.skips, Skip{int64(i), int64(i + n + 1), NotSQL})
		return i + n + 1
	case strings.HasPrefix(word, "INSERT"), strings.HasPrefix(word, "REPLACE"):
		return d.insert(b, i, last)
	case strings.HasPrefix(word, "COPY "):
		return d.copy(b, i, last)
	case strings.HasPrefix(word, "CREATE TABLE"):
		return d.create(b, i, last)
	}
	d.passing = true
	return d.pass(b, i)
}

// pass passes over a statement to its semicolon, in as many pieces as it has.
func (d *dump) pass(b []byte, i int) int {
	end := d.until(b, i, ";")
	if end < 0 {
		end = len(b)
	}
	if n := bytes.Index(b[i:end], []byte("\nINSERT ")); n >= 0 { // as SQL Server's scripts have it
		d.passing = false
		d.skips = append(d.skips, Skip{int64(i), int64(i + n + 1), NotSQL})
		return i + n + 1
	}
	if end == len(b) {
		if len(b)-i < maxHead {
			return -1
		}
		// a text that is not closed, or a statement of megabytes
		if n := bytes.LastIndexByte(b[i:], '\n'); n >= 0 {
			end = i + n + 1
		}
		d.skips = append(d.skips, Skip{int64(i), int64(end), NotSQL})
		return end
	}
	d.passing = false
	d.skips = append(d.skips, Skip{int64(i), int64(end + 1), NotSQL})
	return end + 1
}

// until returns where the first of some bytes stands outside texts, names and comments; -1
// for nowhere.
func (d *dump) until(b []byte, i int, any string) int {
	for i < len(b) {
		c := b[i]
		if strings.IndexByte(any, c) >= 0 {
			return i
		}
		switch {
		case c == '\'' || c == '"' || c == '`':
			if i = d.endOfText(b, i); i < 0 {
				return -1
			}
			continue
		case c == '-' && i+1 < len(b) && b[i+1] == '-':
			n := bytes.IndexByte(b[i:], '\n')
			if n < 0 {
				return -1
			}
			i += n
		case c == '/' && i+1 < len(b) && b[i+1] == '*':
			n := bytes.Index(b[i:], []byte("*/"))
			if n < 0 {
				return -1
			}
			i += n + 1
		}
		i++
	}
	return -1
}

// endOfText returns the place behind the quote that closes the text at i, or -1.
func (d *dump) endOfText(b []byte, i int) int { return endOfSQL(b, i, d.backslash) }

func endOfSQL(b []byte, i int, backslash bool) int {
	quote := b[i]
	escapes := backslash && quote != '`' || quote == '\'' && i > 0 && b[i-1]|0x20 == 'e'
	for j := i + 1; j < len(b); j++ {
		switch {
		case escapes && b[j] == '\\':
			j++
		case b[j] != quote:
		case j+1 < len(b) && b[j+1] == quote:
			j++
		default:
			return j + 1
		}
	}
	return -1
}

// insert reads the words up to VALUES.
func (d *dump) insert(b []byte, i int, last bool) int {
	if n := len(d.head); n > 0 && bytes.HasPrefix(b[i:], d.head) {
		d.into = d.named
		return i + n
	}
	head := b[i:min(len(b), i+maxHead)]
	values, names := -1, []byte(nil)
	for at := 0; values < 0; {
		n := d.until(head, at, "(;vV")
		if n < 0 {
			break
		}
		switch {
		case head[n] == ';':
			at = len(head)
		case head[n] == '(' && names == nil:
			close := d.until(head, n, ")")
			if close < 0 {
				at = len(head)
				break
			}
			names, at = head[:close+1], close+1
		case len(head)-n > 6 && strings.EqualFold(string(head[n:n+6]), "values") && n > 0 && !word(head[n-1]) && !word(head[n+6]):
			values = n + 6
		default:
			at = n + 1
		}
	}
	if values < 0 {
		if len(head) < maxHead && !last && d.until(head, 0, ";") < 0 {
			return -1
		}
		d.passing = true
		return d.pass(b, i)
	}
	open := bytes.IndexByte(head[:values], '(')
	if names == nil {
		open = values - 6
	}
	table := identifiers(head[:max(open, 0)])
	d.into = &sqlTable{}
	if names != nil {
		d.into.columns = identifiers(names[open:])
	} else if len(table) > 0 {
		if made := d.created[table[len(table)-1]]; made != nil {
			d.into = made
		}
	}
	d.head, d.named = append(d.head[:0], head[:values]...), d.into
	return i + values
}

func word(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

// copy reads the words of a COPY up to its data.
func (d *dump) copy(b []byte, i int, last bool) int {
	n := d.until(b[:min(len(b), i+maxHead)], i, ";")
	if n < 0 {
		d.passing = len(b)-i >= maxHead || last
		if d.passing {
			return d.pass(b, i)
		}
		return -1
	}
	line := bytes.IndexByte(b[n:], '\n')
	if line < 0 && !last {
		return -1
	}
	head := b[i:n]
	if line < 0 || !bytes.Contains(bytes.ToLower(head), []byte("stdin")) {
		d.passing = true
		return d.pass(b, i)
	}
	d.into, d.copying = &sqlTable{}, true
	if open, close := bytes.IndexByte(head, '('), bytes.LastIndexByte(head, ')'); open >= 0 && open < close {
		d.into.columns = identifiers(head[open:close])
	}
	return n + line + 1
}

// lines passes over rows of a COPY, up to the line that ends it.
func (d *dump) lines(b []byte, i int, last bool) int {
	end := -1
	if bytes.HasPrefix(b[i:], []byte(`\.`)) {
		end = i
	} else if n := bytes.Index(b[i:], []byte("\n\\.")); n >= 0 {
		end = i + n + 1
	}
	if end < 0 {
		n := bytes.LastIndexByte(b[i:], '\n')
		if n < 0 || len(b)-i < 3 {
			return -1
		}
		// the line that ends the data may begin behind the last break
		d.done = append(d.done, sqlUnit{i, i + n + 1, d.into, true})
		return i + n + 1
	}
	if end > i {
		d.done = append(d.done, sqlUnit{i, end, d.into, true})
	}
	stop := bytes.IndexByte(b[end:], '\n')
	if stop < 0 {
		if !last {
			return -1
		}
		stop = len(b) - end - 1
	}
	d.into, d.copying = nil, false
	return end + stop + 1
}
