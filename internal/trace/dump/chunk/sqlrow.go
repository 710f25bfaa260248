package chunk

import "bytes"

// tuples passes over one row of an INSERT, or over what stands between two.
func (d *dump) tuples(b []byte, i int) int {
	switch c := b[i]; {
	case c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',':
		return i + 1
	case c == ';':
		d.into = nil
		return i + 1
	case c != '(':
		d.into = nil // ON DUPLICATE KEY, GO, a comment: a statement's other words
		return i
	}
	end := endOfTuple(b, i, d.backslash)
	if end < 0 {
		return -1
	}
	d.done = append(d.done, sqlUnit{i, end, d.into, false})
	return end
}

// endOfTuple returns the place behind the bracket that closes the row at i, or -1.
func endOfTuple(b []byte, i int, backslash bool) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '\'', '"':
			if i = endOfSQL(b, i, backslash); i < 0 {
				return -1
			}
			continue
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return -1
}

type sqlPiece struct {
	units     []sqlUnit
	skips     []Skip
	backslash bool
}

// Read implements Piece.
func (p sqlPiece) Read(b []byte, base int64, to *Buffer) {
	for _, s := range p.skips {
		to.skip(base+s.From, base+s.To, s.Why)
	}
	for _, u := range p.units {
		if u.copy {
			p.lines(b, u, base, to)
			continue
		}
		to.begin(base + int64(u.from))
		p.tuple(b[u.from:u.to], u.table, base+int64(u.from), to)
		to.drop()
	}
}

func (t *sqlTable) name(i int) string {
	if i < len(t.columns) {
		return t.columns[i]
	}
	return ""
}

// tuple reads the values of one row with its brackets. A row that the end of the file cut off
// gives the values it has.
func (p sqlPiece) tuple(b []byte, table *sqlTable, base int64, to *Buffer) {
	i := 0
	if len(b) > 0 && b[0] == '(' {
		i = 1
	}
	for column := 0; ; column++ {
		i += space(b[i:])
		if i >= len(b) {
			break
		}
		value, next := p.sqlValue(b, i, to)
		to.add(table.name(column), value)
		i = next + space(b[next:])
		if i >= len(b) || b[i] == ')' {
			break
		}
		if b[i] != ',' { // casts and operators: passed over up to the next value
			if i = rawEnd(b, i, p.backslash); i >= len(b) || b[i] == ')' {
				break
			}
		}
		i++
	}
}

// rawEnd returns where a value without quotes ends.
func rawEnd(b []byte, i int, backslash bool) int {
	for depth := 0; i < len(b); i++ {
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
		case '\'', '"':
			end := endOfSQL(b, i, backslash)
			if end < 0 {
				return len(b)
			}
			i = end - 1
		}
	}
	return i
}

// sqlValue reads the value at i: a text with its escapes undone, a number, a call as it
// stands; nil for NULL.
func (p sqlPiece) sqlValue(b []byte, i int, to *Buffer) ([]byte, int) {
	at := i
	for at < len(b) && word(b[at]) && at-i < 16 { // N'…', E'…', X'…', _binary '…'
		at++
	}
	prefix := b[i:at]
	if at > i {
		at += space(b[at:])
	}
	if at >= len(b) || b[at] != '\'' && b[at] != '"' || len(prefix) > 0 && '0' <= prefix[0] && prefix[0] <= '9' {
		end := rawEnd(b, i, p.backslash)
		value := bytes.TrimRight(b[i:end], " \t\r\n")
		if bytes.EqualFold(value, []byte("null")) {
			return nil, end
		}
		return value, end
	}
	quote := b[at]
	end := endOfSQL(b, at, p.backslash)
	raw := b[at+1:]
	if end >= 0 {
		raw = b[at+1 : end-1]
	} else {
		end = len(b)
	}
	escapes := p.backslash || len(prefix) == 1 && prefix[0]|0x20 == 'e'
	doubled := bytes.IndexByte(raw, quote) >= 0
	if !doubled && (!escapes || bytes.IndexByte(raw, '\\') < 0) {
		return raw[:len(raw):len(raw)], end
	}
	mark := len(to.arena)
	for len(raw) > 0 {
		n := 0
		for n < len(raw) && raw[n] != quote && (!escapes || raw[n] != '\\') {
			n++
		}
		to.arena = append(to.arena, raw[:n]...)
		if n+1 >= len(raw) {
			to.arena = append(to.arena, raw[n:]...)
			break
		}
		if raw[n] == quote {
			to.arena = append(to.arena, quote)
		} else {
			to.arena = append(to.arena, sqlEscape(raw[n+1]))
		}
		raw = raw[n+2:]
	}
	return to.hold(mark), end
}

// sqlEscape undoes one escape of MySQL (manual, table 11.1) and of PostgreSQL's COPY.
func sqlEscape(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 't':
		return '\t'
	case 'r':
		return '\r'
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'v':
		return '\v'
	case '0':
		return '\x00'
	case 'Z':
		return '\x1a'
	}
	return c
}

// lines reads rows of a COPY: values with tabs between, \N for none.
func (p sqlPiece) lines(b []byte, u sqlUnit, base int64, to *Buffer) {
	for at := u.from; at < u.to; {
		end := u.to
		if i := bytes.IndexByte(b[at:u.to], '\n'); i >= 0 {
			end = at + i + 1
		}
		line := trimBreak(b[at:end], '\n')
		to.begin(base + int64(at))
		for column := 0; len(line) > 0 || column == 0; column++ {
			value, rest, more := bytes.Cut(line, []byte("\t"))
			if string(value) == `\N` {
				to.add(u.table.name(column), nil)
			} else {
				to.add(u.table.name(column), to.uncopy(value))
			}
			if line = rest; more && len(rest) == 0 {
				to.add(u.table.name(column+1), rest)
			}
		}
		at = end
	}
}

// uncopy undoes the escapes of a value of a COPY.
func (b *Buffer) uncopy(raw []byte) []byte {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[:len(raw):len(raw)]
	}
	mark := len(b.arena)
	for len(raw) > 0 {
		n := bytes.IndexByte(raw, '\\')
		if n < 0 || n+1 >= len(raw) {
			b.arena = append(b.arena, raw...)
			break
		}
		b.arena = append(b.arena, raw[:n]...)
		if c := raw[n+1]; '0' <= c && c <= '9' || c == 'Z' {
			b.arena = append(b.arena, c)
		} else {
			b.arena = append(b.arena, sqlEscape(c))
		}
		raw = raw[n+2:]
	}
	return b.hold(mark)
}
