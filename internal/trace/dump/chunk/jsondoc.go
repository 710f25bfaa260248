package chunk

import "bytes"

// window is how far a value is looked into to say whether it is a record or what records are in.
const window = 64 << 10

// document is JSON that is not line by line: values of any shape, in which records are the
// elements of arrays, however deep these lie within objects around them. A FHIR Bundle is such
// an object.
type document struct {
	stack []byte // '{' and '[' of what is open around records
	done  []unit
	lost  bool // a value beyond all bounds was met: the rest is text
}

func newJSON() *document { return &document{} }

type documentPiece struct {
	units []unit
	lost  bool
}

// Read implements Piece.
func (p documentPiece) Read(b []byte, base int64, to *Buffer) {
	if p.lost {
		tablePiece{Table: &Table{Comma: ',', Line: '\n'}}.plain(b, 0, base, to)
		return
	}
	r := reader{b: b, base: base, to: to}
	r.units(p.units, 0, len(b))
}

// Cut implements Format.
func (d *document) Cut(b []byte, last, full bool) (int, Piece) {
	if d.lost {
		return d.text(b, last, full)
	}
	d.done = nil
	at := 0
	for at < len(b) {
		next := d.step(b, at, last)
		if next < 0 {
			break
		}
		at = next
	}
	if last {
		if at < len(b) {
			d.done = append(d.done, unit{at, len(b), ""})
		}
		return len(b), documentPiece{units: d.done}
	}
	if at == 0 && full {
		d.lost = true
		return d.text(b, last, full)
	}
	if at == 0 {
		return 0, nil
	}
	return at, documentPiece{units: d.done}
}

// text cuts at commas and lines what is read as text.
func (d *document) text(b []byte, last, full bool) (int, Piece) {
	n := len(b)
	if !last {
		n = bytes.LastIndexAny(b, ",\n") + 1
	}
	if n == 0 && full {
		n = len(b)
	}
	if n == 0 {
		return 0, nil
	}
	return n, documentPiece{lost: true}
}

// step passes over what stands at i, and returns where it ends; -1 when b does not hold it all.
func (d *document) step(b []byte, i int, last bool) int {
	switch b[i] {
	case ' ', '\t', '\r', '\n', ',', ':':
		return i + 1
	case ']', '}':
		if len(d.stack) > 0 {
			d.stack = d.stack[:len(d.stack)-1]
		}
		return i + 1
	}
	name := ""
	if len(d.stack) > 0 && d.stack[len(d.stack)-1] == '{' && b[i] == '"' {
		end := endOfString(b, i)
		if end < 0 {
			return -1
		}
		name = string(bytes.ToValidUTF8(b[i+1:end-1], []byte("\uFFFD")))
		if end += space(b[end:]); end == len(b) {
			return -1
		}
		if b[end] == ':' {
			if i = end + 1 + space(b[end+1:]); i == len(b) {
				return -1
			}
		}
	}
	if b[i] == ',' || b[i] == '}' || b[i] == ']' || b[i] == ':' {
		return i // a member without a value
	}
	if b[i] == '{' || b[i] == '[' {
		around, sure := d.around(b[i:], last)
		switch {
		case !sure:
			return -1
		case around:
			d.stack = append(d.stack, b[i])
			return i + 1
		}
	}
	end := endOfValue(b, i)
	if end < 0 {
		return -1
	}
	d.done = append(d.done, unit{i, end, name})
	return end
}

// around reports whether the value that b begins with holds records, and is none; it is not
// sure when b is too short to say.
func (d *document) around(b []byte, last bool) (yes, sure bool) {
	if len(d.stack) >= MaxDepth {
		return false, true
	}
	array := len(d.stack) > 0 && d.stack[len(d.stack)-1] == '['
	if array && b[0] == '{' && (len(b) >= 256 || last) {
		return bundle(b), true
	}
	inside := b[:min(len(b), window)]
	end := endOfValue(inside, 0)
	if end < 0 && len(b) < window && !last {
		return false, false
	}
	switch {
	case b[0] == '{' && bundle(b):
		return true, true
	case array && b[0] == '{':
		return false, true
	case b[0] == '[':
		first := 1 + space(inside[1:])
		return end < 0 || !array && first < len(inside) && (inside[first] == '{' || inside[first] == '['), true
	case end < 0:
		return true, true
	}
	return len(d.stack) == 0 && mostlyArray(b[:end], 4), true
}

// mostlyArray reports whether one array of objects makes up four fifths of an object.
func mostlyArray(b []byte, depth int) bool {
	for i := 1; i < len(b); {
		switch b[i] {
		case '"':
			end := endOfString(b, i)
			if end < 0 {
				return false
			}
			i = end
		case '{', '[':
			end := endOfValue(b, i)
			if end < 0 {
				return false
			}
			first := i + 1 + space(b[i+1:end])
			if (end-i)*5 >= len(b)*4 && (b[i] == '{' && depth > 0 && mostlyArray(b[i:end], depth-1) || b[i] == '[' && b[first] == '{') {
				return true
			}
			i = end
		default:
			i++
		}
	}
	return false
}

// bundle reports whether an object is a FHIR Bundle (R4 §2.36).
func bundle(b []byte) bool {
	b = b[:min(len(b), 256)]
	i := bytes.Index(b, []byte(`"resourceType"`))
	if i < 0 {
		return false
	}
	rest := b[i+len(`"resourceType"`):]
	rest = rest[space(rest):]
	if len(rest) == 0 || rest[0] != ':' {
		return false
	}
	rest = rest[1:]
	return bytes.HasPrefix(rest[space(rest):], []byte(`"Bundle"`))
}

// jsonLines reports whether a text that begins with a bracket is JSON, and whether it is one
// value on each line.
func jsonLines(b []byte) (lines, ok bool) {
	first := 1 + space(b[1:])
	if first == len(b) {
		return false, true
	}
	switch c := b[first]; {
	case b[0] == '{' && c != '"' && c != '}':
		return false, false
	case b[0] == '[' && bytes.IndexByte([]byte(`{["]-0123456789tfn`), c) < 0:
		return false, false
	}
	end := bytes.IndexByte(b, '\n')
	if b[0] == '[' || end < 0 {
		return false, true
	}
	rest := b[end+1:]
	if rest = rest[space(rest):]; len(rest) == 0 || rest[0] != '{' {
		return false, true
	}
	return endOfValue(b[:end], 0) >= 0, true
}
