package chunk

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// Lines is NDJSON: each line is one value. A line that is none is read as text.
type Lines struct{}

// Cut implements Format.
func (Lines) Cut(b []byte, last, full bool) (int, Piece) {
	n := len(b)
	if !last {
		n = bytes.LastIndexByte(b, '\n') + 1
	}
	if n == 0 && full {
		n = len(b)
	}
	if n == 0 {
		return 0, nil
	}
	return n, linesPiece{}
}

type linesPiece struct{}

// Read implements Piece.
func (linesPiece) Read(b []byte, base int64, to *Buffer) {
	r := reader{b: b, base: base, to: to}
	for at := 0; at < len(b); {
		end := len(b)
		if i := bytes.IndexByte(b[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		from := at + space(b[at:end])
		stop := from + len(bytes.TrimRight(b[from:end], " \t\r\n,"))
		switch {
		case from >= stop:
		case b[from] == '{' && bundle(b[from:stop]):
			d := newJSON()
			d.Cut(b[from:stop], true, false)
			r.units(d.done, from, stop)
		case b[from] == '{' || b[from] == '[':
			r.unit(unit{from, stop, ""}, stop)
		default:
			to.begin(base + int64(from))
			to.add("", b[from:stop])
		}
		at = end
	}
}

func space(b []byte) int {
	for i, c := range b {
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return i
		}
	}
	return len(b)
}

// unit is one value that becomes a row.
type unit struct {
	from, to int
	name     string
}

// reader flattens values of b into rows.
type reader struct {
	b    []byte
	base int64
	to   *Buffer
}

// units reads each of a plan that was made for b from from on.
func (r *reader) units(all []unit, from, stop int) {
	for _, u := range all {
		u.from, u.to = u.from+from, u.to+from
		r.unit(u, min(u.to, stop))
	}
}

// unit makes a row of a value that ends at stop at the latest.
func (r *reader) unit(u unit, stop int) {
	r.to.begin(r.base + int64(u.from))
	r.to.path = append(r.to.path[:0], u.name...)
	end := r.value(u.from, stop, 0)
	if end < 0 {
		r.to.skip(r.base-int64(end)-1, r.base+int64(stop), NotJSON)
	} else if rest := end + space(r.b[end:stop]); rest < stop {
		r.to.skip(r.base+int64(rest), r.base+int64(stop), NotJSON)
	}
	r.to.drop()
}

// value reads the value at i and returns where it ends, or -1-j when it is broken at j.
func (r *reader) value(i, stop, depth int) int {
	if i += space(r.b[i:stop]); i >= stop {
		return -1 - stop
	}
	switch r.b[i] {
	case '{':
		return r.object(i, stop, depth)
	case '[':
		return r.array(i, stop, depth)
	case '"':
		text, end := r.text(i, stop)
		r.to.add(r.to.name(r.to.path), text)
		if end < 0 {
			return -1 - stop
		}
		return end
	}
	end := bare(r.b[:stop], i)
	if end == i {
		return -1 - i
	}
	if word := bytes.TrimRight(r.b[i:end], " \t\r\n"); string(word) != "null" {
		r.to.add(r.to.name(r.to.path), word)
	}
	return end
}

// bare returns the end of a number, a word, or a call such as ObjectId("…").
func bare(b []byte, i int) int {
	for ; i < len(b); i++ {
		switch b[i] {
		case ',', '}', ']', '\n', ':', '{', '[':
			return i
		case '"':
			end := endOfString(b, i)
			if end < 0 {
				return len(b)
			}
			i = end - 1
		}
	}
	return i
}

func (r *reader) tooDeep(i, stop, depth int) (int, bool) {
	if depth < MaxDepth {
		return 0, false
	}
	end := endOfValue(r.b[:stop], i)
	if end < 0 {
		end = stop
	}
	r.to.skip(r.base+int64(i), r.base+int64(end), TooDeep)
	return end, true
}

func (r *reader) object(i, stop, depth int) int {
	if end, deep := r.tooDeep(i, stop, depth); deep {
		return end
	}
	mark := len(r.to.path)
	i++
	for {
		for i += space(r.b[i:stop]); i < stop && r.b[i] == ','; i += space(r.b[i:stop]) {
			i++
		}
		if i >= stop {
			return -1 - stop
		}
		if r.b[i] == '}' {
			return i + 1
		}
		if r.b[i] != '"' {
			return -1 - i
		}
		key, end := r.text(i, stop)
		if end < 0 {
			return -1 - i
		}
		if end += space(r.b[end:stop]); end >= stop || r.b[end] != ':' {
			return -1 - end
		}
		if len(key) > 256 {
			key = key[:256]
		}
		if mark > 0 {
			r.to.path = append(r.to.path, '.')
		}
		r.to.path = append(r.to.path, key...)
		i = r.value(end+1, stop, depth+1)
		r.to.path = r.to.path[:mark]
		if i < 0 {
			return i
		}
	}
}

func (r *reader) array(i, stop, depth int) int {
	if end, deep := r.tooDeep(i, stop, depth); deep {
		return end
	}
	i++
	for {
		for i += space(r.b[i:stop]); i < stop && r.b[i] == ','; i += space(r.b[i:stop]) {
			i++
		}
		if i >= stop {
			return -1 - stop
		}
		if r.b[i] == ']' {
			return i + 1
		}
		if i = r.value(i, stop, depth+1); i < 0 {
			return i
		}
	}
}

// text reads the string at i; its end is -1 when it has none, and what there is of it is given.
func (r *reader) text(i, stop int) ([]byte, int) {
	end := endOfString(r.b[:stop], i)
	raw := r.b[i+1 : stop]
	if end >= 0 {
		raw = r.b[i+1 : end-1]
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[:len(raw):len(raw)], end
	}
	mark := len(r.to.arena)
	for len(raw) > 0 {
		n := bytes.IndexByte(raw, '\\')
		if n < 0 || n+1 == len(raw) {
			r.to.arena = append(r.to.arena, raw...)
			break
		}
		r.to.arena = append(r.to.arena, raw[:n]...)
		raw = r.to.escape(raw[n+1:])
	}
	return r.to.hold(mark), end
}

// escape undoes one escape behind its backslash, and returns what follows.
func (b *Buffer) escape(raw []byte) []byte {
	switch c := raw[0]; c {
	case 'n':
		b.arena = append(b.arena, '\n')
	case 't':
		b.arena = append(b.arena, '\t')
	case 'r':
		b.arena = append(b.arena, '\r')
	case 'b':
		b.arena = append(b.arena, '\b')
	case 'f':
		b.arena = append(b.arena, '\f')
	case 'u':
		x, ok := hex4(raw[1:])
		if !ok {
			b.arena = append(b.arena, `\u`...)
			return raw[1:]
		}
		raw = raw[5:]
		if utf16.IsSurrogate(x) && len(raw) > 1 && raw[0] == '\\' && raw[1] == 'u' {
			if y, ok := hex4(raw[2:]); ok && utf16.DecodeRune(x, y) != utf8.RuneError {
				x, raw = utf16.DecodeRune(x, y), raw[6:]
			}
		}
		b.arena = utf8.AppendRune(b.arena, x)
		return raw
	default:
		b.arena = append(b.arena, c)
	}
	return raw[1:]
}

func hex4(b []byte) (x rune, ok bool) {
	if len(b) < 4 {
		return 0, false
	}
	for _, c := range b[:4] {
		switch {
		case '0' <= c && c <= '9':
			x = x<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			x = x<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return x, true
}

// endOfString returns the place behind the quote that closes the string at i, or -1.
func endOfString(b []byte, i int) int {
	for j := i + 1; j < len(b); {
		q := bytes.IndexByte(b[j:], '"')
		if q < 0 {
			return -1
		}
		j += q
		slashes := 0
		for k := j - 1; k > i && b[k] == '\\'; k-- {
			slashes++
		}
		if j++; slashes%2 == 0 {
			return j
		}
	}
	return -1
}

// endOfValue returns where the value at i ends, or -1 when b does not hold its end.
func endOfValue(b []byte, i int) int {
	if b[i] == '"' {
		return endOfString(b, i)
	}
	if b[i] != '{' && b[i] != '[' {
		if end := bare(b, i); end < len(b) {
			return max(end, i+1)
		}
		return -1
	}
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			if i = endOfString(b, i); i < 0 {
				return -1
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return -1
}
