package pdf

import (
	"bytes"
	"encoding/hex"
	"strconv"
	"strings"

	"golang.org/x/text/encoding/charmap"
)

// matrix is a transformation, as six numbers (ISO 32000-1 §8.3.3).
type matrix [6]float64

var unit = matrix{1, 0, 0, 1, 0, 0}

func (m matrix) times(n matrix) matrix {
	return matrix{
		m[0]*n[0] + m[1]*n[2], m[0]*n[1] + m[1]*n[3],
		m[2]*n[0] + m[3]*n[2], m[2]*n[1] + m[3]*n[3],
		m[4]*n[0] + m[5]*n[2] + n[4], m[4]*n[1] + m[5]*n[3] + n[5],
	}
}

// lexer reads operands and operators of a content stream.
type lexer struct {
	b []byte
	i int
}

// token is a number, a text, a name, or an operator.
type token struct {
	kind byte // '0', '(', '/', 'a', '[' for brackets of arrays and dictionaries
	num  float64
	text []byte
}

func (l *lexer) next() (token, bool) {
	for l.i < len(l.b) {
		c := l.b[l.i]
		switch {
		case c == '%':
			for l.i < len(l.b) && l.b[l.i] != '\n' && l.b[l.i] != '\r' {
				l.i++
			}
		case c == '(':
			return token{kind: '(', text: l.literal()}, true
		case c == '<' && l.i+1 < len(l.b) && l.b[l.i+1] != '<':
			end := bytes.IndexByte(l.b[l.i:], '>')
			if end < 0 {
				l.i = len(l.b)
				return token{}, false
			}
			raw := bytes.Join(bytes.Fields(l.b[l.i+1:l.i+end]), nil)
			l.i += end + 1
			if len(raw)%2 == 1 {
				raw = append(raw, '0')
			}
			out := make([]byte, len(raw)/2)
			n, _ := hex.Decode(out, raw)
			return token{kind: '(', text: out[:n]}, true
		case c == '[' || c == ']' || c == '<' || c == '>' || c == '{' || c == '}' || c == ')':
			l.i++
			return token{kind: '[', text: l.b[l.i-1 : l.i]}, true
		case c == '/' || regular(c):
			from := l.i
			for l.i++; l.i < len(l.b) && regular(l.b[l.i]); l.i++ {
			}
			word := l.b[from:l.i]
			if c == '/' {
				return token{kind: '/', text: word[1:]}, true
			}
			if n, err := strconv.ParseFloat(string(word), 64); err == nil && len(word) < 32 {
				return token{kind: '0', num: n}, true
			}
			return token{kind: 'a', text: word}, true
		default:
			l.i++
		}
	}
	return token{}, false
}

// literal reads a text in brackets with its escapes (§7.3.4.2).
func (l *lexer) literal() (out []byte) {
	depth := 0
	for ; l.i < len(l.b); l.i++ {
		c := l.b[l.i]
		switch {
		case c == '(':
			if depth++; depth == 1 {
				continue
			}
		case c == ')':
			if depth--; depth == 0 {
				l.i++
				return out
			}
		case c == '\\' && l.i+1 < len(l.b):
			l.i++
			c = l.b[l.i]
			if '0' <= c && c <= '7' {
				n := 0
				for k := 0; k < 3 && l.i < len(l.b) && '0' <= l.b[l.i] && l.b[l.i] <= '7'; k++ {
					n = n*8 + int(l.b[l.i]-'0')
					l.i++
				}
				l.i--
				out = append(out, byte(n))
				continue
			}
			if k := strings.IndexByte("nrtbf", c); k >= 0 {
				c = "\n\r\t\b\f"[k]
			} else if c == '\n' {
				continue
			}
		}
		out = append(out, c)
	}
	return out
}

// painter follows a content stream as far as texts and their places go.
type painter struct {
	e       *extractor
	scan    lexer
	matrix  matrix   // of the page
	saved   []matrix // by q
	place   matrix   // of the text
	line    matrix
	leading float64
	font    map[int]string
	args    []token
	all     []fragment
}

// run goes through the stream.
func (p *painter) run() {
	for {
		t, ok := p.scan.next()
		if !ok {
			return
		}
		if t.kind == 'a' {
			p.do(string(t.text))
			p.args = p.args[:0]
		} else if len(p.args) < 1<<12 {
			p.args = append(p.args, t)
		}
	}
}

// num is the i-th operand from the end, from 1.
func (p *painter) num(i int) float64 {
	if len(p.args) < i {
		return 0
	}
	return p.args[len(p.args)-i].num
}

func (p *painter) six() matrix {
	return matrix{p.num(6), p.num(5), p.num(4), p.num(3), p.num(2), p.num(1)}
}

func (p *painter) move(x, y float64) {
	p.line = matrix{1, 0, 0, 1, x, y}.times(p.line)
	p.place = p.line
}

func (p *painter) do(op string) {
	switch op {
	case "q":
		if len(p.saved) < 1<<10 {
			p.saved = append(p.saved, p.matrix)
		}
	case "Q":
		if n := len(p.saved); n > 0 {
			p.matrix, p.saved = p.saved[n-1], p.saved[:n-1]
		}
	case "cm":
		p.matrix = p.six().times(p.matrix)
	case "BT":
		p.line, p.place = unit, unit
	case "Tf":
		if len(p.args) >= 2 {
			p.font = p.e.maps[p.e.cmap[p.e.fonts[string(p.args[len(p.args)-2].text)]]]
		}
	case "TL":
		p.leading = p.num(1)
	case "Td":
		p.move(p.num(2), p.num(1))
	case "TD":
		p.leading = -p.num(1)
		p.move(p.num(2), p.num(1))
	case "Tm":
		p.line = p.six()
		p.place = p.line
	case "T*":
		p.move(0, -p.leading)
	case "'", `"`:
		p.move(0, -p.leading)
		p.show()
	case "Tj", "TJ":
		p.show()
	}
}

// show takes the texts among the operands as one; a wide gap within is a space.
func (p *painter) show() {
	var s strings.Builder
	for _, t := range p.args {
		switch {
		case t.kind == '(':
			s.WriteString(p.decode(t.text))
		case t.kind == '0' && t.num < -200:
			s.WriteByte(' ')
		}
	}
	text := strings.TrimSpace(s.String())
	if text == "" || p.e.texts <= 0 {
		return
	}
	p.e.texts--
	at := p.place.times(p.matrix)
	p.all = append(p.all, fragment{at[4], at[5], text})
}

// decode reads codes by the font's map, as UTF-16 where they look like it, else as WinAnsi.
func (p *painter) decode(raw []byte) string {
	zeros := 0
	for i := 0; i+1 < len(raw); i += 2 {
		if raw[i] == 0 {
			zeros++
		}
	}
	two := len(raw) >= 2 && len(raw)%2 == 0 && zeros*4 >= len(raw)
	var s strings.Builder
	if p.font != nil {
		hits := 0
		if _, ok := p.font[first(raw)]; ok || two {
			for i := 0; i+1 < len(raw); i += 2 {
				text, ok := p.font[int(raw[i])<<8|int(raw[i+1])]
				if ok {
					hits++
				}
				s.WriteString(text)
			}
			if hits*4 >= len(raw) {
				return s.String()
			}
			s.Reset()
		}
		for _, c := range raw {
			text, ok := p.font[int(c)]
			if ok {
				hits++
			}
			s.WriteString(text)
		}
		if hits*2 >= len(raw) {
			return s.String()
		}
		s.Reset()
	}
	if two {
		return wide(raw)
	}
	for _, c := range raw {
		s.WriteRune(charmap.Windows1252.DecodeByte(c))
	}
	return s.String()
}

func first(raw []byte) int {
	if len(raw) < 2 {
		return -1
	}
	return int(raw[0])<<8 | int(raw[1])
}
