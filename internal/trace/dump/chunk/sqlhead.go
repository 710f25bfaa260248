package chunk

import (
	"bytes"
	"strings"
)

// identifiers returns the names in a list, quoted in any manner or not at all.
func identifiers(b []byte) (out []string) {
	for i := 0; i < len(b); {
		c := b[i]
		closing := c
		switch {
		case c == '[':
			closing = ']'
			fallthrough
		case c == '"' || c == '`':
			n := bytes.IndexByte(b[i+1:], closing)
			if n < 0 {
				return out
			}
			out = append(out, string(bytes.ToValidUTF8(b[i+1:i+1+n], nil)))
			i += n + 2
		case word(c) || c >= 0x80:
			from := i
			for i < len(b) && (word(b[i]) || b[i] >= 0x80) {
				i++
			}
			out = append(out, string(bytes.ToValidUTF8(b[from:i], nil)))
		default:
			i++
		}
	}
	return out
}

// create takes the columns of a table that is made: INSERTs without a list of names mean them.
func (d *dump) create(b []byte, i int, last bool) int {
	head := b[i:min(len(b), i+maxHead)]
	end := d.until(head, 0, ";")
	if end < 0 {
		if len(head) < maxHead && !last {
			return -1
		}
		d.passing = true
		return d.pass(b, i)
	}
	open := d.until(head[:end], 0, "(")
	if open >= 0 && len(d.created) < 1<<12 {
		names := identifiers(head[:open])
		table := &sqlTable{}
		for at := open + 1; at < end; {
			stop := d.member(head[:end], at)
			if id := identifiers(head[at:min(stop, at+256)]); len(id) > 1 && !constraint(id[0]) {
				table.columns = append(table.columns, id[0])
			}
			at = stop + 1
		}
		if len(names) > 0 {
			d.created[names[len(names)-1]] = table
		}
	}
	d.skips = append(d.skips, Skip{int64(i), int64(i + end + 1), NotSQL})
	return i + end + 1
}

// member returns where a member of a list ends: at a comma or at the list's end.
func (d *dump) member(b []byte, i int) int {
	for depth := 0; ; i++ {
		if i = d.until(b, i, "(),"); i < 0 {
			return len(b)
		}
		switch b[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth < 0 {
				return i
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
}

func constraint(word string) bool {
	switch strings.ToUpper(word) {
	case "PRIMARY", "KEY", "UNIQUE", "CONSTRAINT", "INDEX", "FOREIGN", "CHECK", "FULLTEXT", "SPATIAL":
		return true
	}
	return false
}
