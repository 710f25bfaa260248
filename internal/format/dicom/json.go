package dicom

import (
	"bufio"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"sync"
)

const (
	maxInline = 1 << 10   // of a binary value that is written
	maxLong   = 256 << 10 // of a text that is written
	maxJSON   = 16 << 20  // of all that is written of one file
)

// WriteJSON writes what a file says of itself as a DICOM JSON model object (PS3.18
// annex F): every element before the pixel data, those of sequences too, in UTF-8.
// Left out are the file meta information, pixel data and what follows it, binary
// values of more than 1 KiB and texts of more than 256 KiB. It reads no further than
// it needs. Elements of the implicit encoding have the value representation of the
// standard's dictionary (PS3.6), those that are not in it UN. It fails as Read does,
// and with an *Error for a file that would make more than 16 MiB.
func WriteJSON(w io.Writer, r io.Reader, opt Options) error {
	s := newScanner(r, opt)
	if err := s.preamble(); err != nil {
		return err
	}
	if err := s.meta(); err != nil {
		return err
	}
	if err := s.begin(); err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	s.out = &emitter{to: out}
	s.out.open("{")
	if err := s.dataset(-1, 0, false); err != nil && err != errPixels {
		return err
	}
	s.out.shut("}")
	return out.Flush()
}

// errPixels ends the walk where the pixel data begins.
var errPixels = fmt.Errorf("pixel data")

// emitter writes JSON and counts it.
type emitter struct {
	to    *bufio.Writer
	n     int
	later bool  // something stands before in the object or array that is open
	items []int // of each sequence that is open
}

func (e *emitter) text(s string) {
	e.n += len(s)
	_, _ = e.to.WriteString(s) // a bufio.Writer's error comes with Flush
}

// item begins the next member or value.
func (e *emitter) item(s string) {
	if e.later {
		e.text(",")
	}
	e.later = true
	e.text(s)
}

func (e *emitter) open(s string) { e.item(s); e.later = false }
func (e *emitter) shut(s string) { e.text(s); e.later = true }

// member begins an element.
func (e *emitter) member(t Tag, vr string) {
	e.open(fmt.Sprintf(`"%08X":{"vr":"%s"`, uint32(t), vr))
	e.later = true
}

// begin, beginItem, endItem and end write a sequence; of a nil emitter, nothing.
func (e *emitter) begin(t Tag) {
	if e != nil {
		e.member(t, "SQ")
		e.items = append(e.items, 0)
	}
}

func (e *emitter) beginItem() {
	if e == nil {
		return
	}
	n := &e.items[len(e.items)-1]
	if *n++; *n == 1 {
		e.open(`"Value":[`)
	}
	e.open("{")
}

func (e *emitter) endItem() bool {
	if e != nil {
		e.shut("}")
	}
	return e != nil
}

func (e *emitter) end() {
	if e == nil {
		return
	}
	last := len(e.items) - 1
	if e.items[last] > 0 {
		e.shut("]")
	}
	e.items = e.items[:last]
	e.shut("}")
}

func quote(s string) string {
	raw, err := json.Marshal(s)
	if err != nil { // a text always encodes
		panic(err)
	}
	return string(raw)
}

// emit writes an element that is no sequence, or passes over it.
func (s *scanner) emit(e element) error {
	vr := s.vrOf(e)
	limit := int64(maxInline)
	if texts[vr] {
		limit = maxLong
	}
	if int64(e.length) > limit || e.tag&0xffff == 0 { // group lengths are of the encoding
		return s.skip(int64(e.length), e.tag)
	}
	raw := make([]byte, e.length)
	if err := s.full(raw, e.tag); err != nil {
		return err
	}
	if e.tag == charsetTag {
		s.f.Charset = nil
		if err := s.take(e, raw); err != nil {
			return err
		}
	}
	out := s.out
	if out.n > maxJSON {
		return s.fail(e.tag, "what the file says of itself is longer than is shown")
	}
	out.member(e.tag, vr)
	defer out.shut("}")
	if len(raw) == 0 {
		return nil
	}
	switch {
	case e.tag == charsetTag:
		out.text(`,"Value":["ISO_IR 192"]`) // of JSON itself
	case binaries[vr]:
		out.text(`,"InlineBinary":"` + base64.StdEncoding.EncodeToString(raw) + `"`)
	default:
		values, err := s.values(e, vr, raw)
		if err != nil {
			return err
		}
		if len(values) > 1 || values[0] != "null" { // one of nothing is none
			out.text(`,"Value":[` + strings.Join(values, ",") + `]`)
		}
	}
	return nil
}

// vrOf is an element's value representation, of the implicit encoding by the
// dictionary.
func (s *scanner) vrOf(e element) string {
	if e.vr != "" {
		return e.vr
	}
	if vr, ok := dictionary()[e.tag]; ok {
		return vr
	}
	return "UN"
}

var (
	texts    = words("AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR UT")
	whole    = words("LT ST UT UR") // of one value, whatever is in it
	binaries = words("OB OD OF OL OV OW UN")
	sizes    = map[string]int{"US": 2, "SS": 2, "AT": 4, "UL": 4, "SL": 4, "FL": 4, "FD": 8, "UV": 8, "SV": 8}
)

func words(s string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(s) {
		m[w] = true
	}
	return m
}

// values writes each value as JSON.
func (s *scanner) values(e element, vr string, raw []byte) ([]string, error) {
	if size := sizes[vr]; size > 0 {
		if len(raw)%size != 0 {
			return nil, s.fail(e.tag, "a number of another length than its own")
		}
		var out []string
		for ; len(raw) > 0; raw = raw[size:] {
			out = append(out, s.number(vr, raw[:size]))
		}
		return out, nil
	}
	text := s.f.decode(raw)
	if whole[vr] {
		return []string{quote(strings.TrimRight(text, " \x00"))}, nil
	}
	var out []string
	for one := range strings.SplitSeq(text, `\`) {
		out = append(out, valueOf(vr, trim(one)))
	}
	return out, nil
}

func valueOf(vr, text string) string {
	switch {
	case text == "":
		return "null"
	case vr == "PN":
		return nameOf(text)
	case vr == "IS", vr == "DS":
		if f, err := strconv.ParseFloat(text, 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) && json.Valid([]byte(text)) {
			return text
		}
	}
	return quote(text)
}

// nameOf writes a name in its up to three forms.
func nameOf(text string) string {
	var out []string
	for i, form := range strings.SplitN(text, "=", 3) {
		if form = strings.TrimSpace(form); strings.Trim(form, "^") != "" {
			out = append(out, `"`+[]string{"Alphabetic", "Ideographic", "Phonetic"}[i]+`":`+quote(form))
		}
	}
	if len(out) == 0 {
		return "null"
	}
	return "{" + strings.Join(out, ",") + "}"
}

// number writes a binary number. Those beyond what JSON's readers hold are texts.
func (s *scanner) number(vr string, raw []byte) string {
	switch o := s.order; vr {
	case "US":
		return strconv.Itoa(int(o.Uint16(raw)))
	case "SS":
		return strconv.Itoa(int(int16(o.Uint16(raw))))
	case "UL":
		return strconv.FormatUint(uint64(o.Uint32(raw)), 10)
	case "SL":
		return strconv.Itoa(int(int32(o.Uint32(raw))))
	case "AT":
		return fmt.Sprintf(`"%04X%04X"`, o.Uint16(raw), o.Uint16(raw[2:]))
	case "FL":
		return float(float64(math.Float32frombits(o.Uint32(raw))), 32)
	case "FD":
		return float(math.Float64frombits(o.Uint64(raw)), 64)
	case "SV":
		return `"` + strconv.FormatInt(int64(o.Uint64(raw)), 10) + `"`
	default: // UV
		return `"` + strconv.FormatUint(o.Uint64(raw), 10) + `"`
	}
}

func float(f float64, bits int) string {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return quote(strconv.FormatFloat(f, 'g', -1, bits))
	}
	return strconv.FormatFloat(f, 'g', -1, bits)
}

//go:embed dictionary.txt
var dictionaryText string

// dictionary are the value representations of the standard's elements, a line of tag
// and representation each.
var dictionary = sync.OnceValue(func() map[Tag]string {
	m := make(map[Tag]string, 5000)
	for line := range strings.Lines(dictionaryText) {
		tag, vr, ok := strings.Cut(strings.TrimSpace(line), " ")
		if n, err := strconv.ParseUint(tag, 16, 32); ok && err == nil {
			m[Tag(n)] = vr
		}
	}
	return m
})
