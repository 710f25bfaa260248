package dicom

import (
	"bufio"
	"compress/flate"
	"encoding/binary"
	"errors"
	"io"
	"strings"
)

// Transfer syntaxes with rules of their own; all others are explicit little endian
// with encapsulated pixel data (PS3.5 annex A).
const (
	implicitLittle = "1.2.840.10008.1.2"
	explicitLittle = "1.2.840.10008.1.2.1"
	deflated       = "1.2.840.10008.1.2.1.99"
	explicitBig    = "1.2.840.10008.1.2.2"
)

const (
	itemTag     Tag = 0xfffee000
	itemEndTag  Tag = 0xfffee00d
	sequenceEnd Tag = 0xfffee0dd
	pixelTag    Tag = 0x7fe00010
	waveTag     Tag = 0x54000100

	undefined = 0xffffffff
	maxText   = 1 << 10 // of a value that is held; longer ones are cut there
)

// scanner walks elements. Each end is an offset in the bytes it reads, or -1 where
// the stream or a delimiter says.
type scanner struct {
	in       *bufio.Reader
	pos      int64
	order    binary.ByteOrder
	explicit bool
	opt      Options
	elements int
	depth    int // of sequences, of the element that is walked
	f        *File
	wave     *Waveform // of the item that is walked
	pixels   pixels
	out      *emitter // of WriteJSON; nil for Read
	copy     *copier  // of Rewrite; nil for Read
	head     [132]byte
	raw      *counted // what in reads
}

// pixels is what was found as pixel data.
type pixels struct {
	length    uint32
	fragments int
	at        int64
}

// Read reads a whole file, to the end of r. It fails with an *Error for what is not
// DICOM, or not whole; other errors are r's own.
func Read(r io.Reader, opt Options) (*File, error) {
	s := newScanner(r, opt)
	if err := s.preamble(); err != nil {
		return nil, err
	}
	if err := s.meta(); err != nil {
		return nil, err
	}
	if err := s.begin(); err != nil {
		return nil, err
	}
	if err := s.dataset(-1, 0, false); err != nil {
		return nil, err
	}
	return s.f, s.finish()
}

func newScanner(r io.Reader, opt Options) *scanner {
	raw := &counted{Reader: r}
	return &scanner{in: bufio.NewReaderSize(raw, 64<<10), order: binary.LittleEndian, explicit: true, opt: opt.withDefaults(), f: &File{}, raw: raw}
}

func (s *scanner) fail(t Tag, why string) error { return &Error{s.pos, t, why} }

// cut makes the end of the stream an error of the file.
func (s *scanner) cut(t Tag, err error) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return s.fail(t, "the file ends here, inside what it began: it was cut")
	}
	if errors.Is(err, errInflated) {
		return s.fail(t, "the deflated data set becomes larger than is read of one file")
	}
	if _, ok := errors.AsType[flate.CorruptInputError](err); ok {
		return s.fail(t, "the deflated data set is corrupt")
	}
	return err
}

func (s *scanner) preamble() error {
	head := s.head[:]
	if _, err := io.ReadFull(s.in, head); err != nil || string(head[128:]) != "DICM" {
		if err != nil && err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		return s.fail(0, `it does not begin with 128 bytes and "DICM": not a DICOM file, or one without its file meta information`)
	}
	for _, magic := range programs {
		if strings.HasPrefix(string(head), magic) {
			return s.fail(0, "its preamble begins as a program does, which would run where the file is opened as one: write the preamble with zeros")
		}
	}
	s.pos = 132
	return nil
}

// programs are how files begin that systems run: those of Windows, Linux, macOS, Java
// and scripts. A preamble may be anything (PS3.10 §7.1), and so a file both an image and
// a program (CVE-2019-11687).
var programs = []string{"MZ", "\x7fELF", "#!", "\xfe\xed\xfa", "\xce\xfa\xed\xfe", "\xcf\xfa\xed\xfe", "\xca\xfe\xba\xbe"}

// meta reads group 0002.
func (s *scanner) meta() error {
	return s.metas(func(e element) error {
		if e.length == undefined {
			return s.fail(e.tag, "a length is undefined where none may be")
		}
		return s.value(e)
	})
}

// metas hands on each element of group 0002, always explicit little endian.
func (s *scanner) metas(one func(e element) error) error {
	for {
		next, err := s.in.Peek(2)
		if err != nil {
			return s.cut(0, err)
		}
		if binary.LittleEndian.Uint16(next) != 2 {
			break
		}
		e, err := s.element(0)
		if err != nil {
			return err
		}
		if err := one(e); err != nil {
			return err
		}
	}
	if s.f.Syntax == "" {
		return s.fail(0x00020010, "the transfer syntax is missing")
	}
	return nil
}

// begin sets the scanner for the data set's encoding.
func (s *scanner) begin() error {
	switch syntax := s.f.Syntax; syntax {
	case implicitLittle:
		s.explicit = false
	case explicitLittle:
	case explicitBig:
		s.order = binary.BigEndian
	case deflated:
		limited := &inflating{from: flate.NewReader(s.in), left: s.opt.Inflated, raw: s.raw}
		s.in, s.pos = bufio.NewReaderSize(limited, 64<<10), 0
	default:
		if !strings.HasPrefix(syntax, "1.2.840.10008.1.2.4.") && syntax != "1.2.840.10008.1.2.5" {
			return s.fail(0x00020010, "the transfer syntax is none of the standard's for files")
		}
		s.f.Compressed = true
	}
	return nil
}

// element is the head of one.
type element struct {
	tag    Tag
	vr     string // empty in implicit encodings
	length uint32
	at     int64
}

// long are the value representations with lengths of 32 bits (PS3.5 table 7.1-1).
var long = map[string]bool{
	"OB": true, "OD": true, "OF": true, "OL": true, "OV": true, "OW": true, "SQ": true, "SV": true,
	"UC": true, "UN": true, "UR": true, "UT": true, "UV": true,
}

var short = map[string]bool{
	"AE": true, "AS": true, "AT": true, "CS": true, "DA": true, "DS": true, "DT": true, "FD": true, "FL": true,
	"IS": true, "LO": true, "LT": true, "PN": true, "SH": true, "SL": true, "SS": true, "ST": true, "TM": true,
	"UI": true, "UL": true, "US": true,
}

// element reads a head. Items and delimiters have none of the explicit encoding.
func (s *scanner) element(last Tag) (element, error) {
	if s.elements++; s.elements > s.opt.Elements {
		return element{}, s.fail(last, "there are more elements than are read of one file")
	}
	e := element{at: s.pos}
	var b [8]byte
	if err := s.full(b[:], last); err != nil {
		return e, err
	}
	e.tag = Tag(s.order.Uint16(b[:]))<<16 | Tag(s.order.Uint16(b[2:]))
	if !s.explicit || e.tag>>16 == 0xfffe {
		e.length = s.order.Uint32(b[4:])
		return e, nil
	}
	switch e.vr = string(b[4:6]); {
	case short[e.vr]:
		e.length = uint32(s.order.Uint16(b[6:]))
	case long[e.vr]:
		if err := s.full(b[:4], e.tag); err != nil {
			return e, err
		}
		e.length = s.order.Uint32(b[:])
	default:
		return e, s.fail(e.tag, "the value representation is none of the standard's")
	}
	return e, nil
}

func (s *scanner) full(b []byte, t Tag) error {
	n, err := io.ReadFull(s.in, b)
	s.pos += int64(n)
	if err != nil {
		return s.cut(t, err)
	}
	return nil
}

// skip passes over bytes without holding them.
func (s *scanner) skip(n int64, t Tag) error {
	for n > 0 {
		did, err := s.in.Discard(int(min(n, 1<<30)))
		s.pos += int64(did)
		n -= int64(did)
		if err != nil {
			return s.cut(t, err)
		}
	}
	return nil
}

// dataset walks elements up to end, or, in an item of undefined length, to its
// delimiter. At the top it ends with the stream.
func (s *scanner) dataset(end int64, depth int, delimited bool) error {
	if depth > s.opt.Depth {
		return s.fail(0, "sequences are nested deeper than is read")
	}
	outer := s.depth
	s.depth = depth
	defer func() { s.depth = outer }()
	last := Tag(0)
	for end < 0 || s.pos < end {
		if end < 0 && !delimited {
			if _, err := s.in.Peek(1); err == io.EOF {
				return nil
			} else if err != nil {
				return s.cut(last, err)
			}
		}
		e, err := s.element(last)
		if err != nil {
			return err
		}
		if delimited && e.tag == itemEndTag {
			return s.empty(e)
		}
		if e.tag>>16 == 0xfffe {
			return s.fail(e.tag, "an item or delimiter where an element must be")
		}
		if e.tag <= last {
			return s.fail(e.tag, "elements are not in ascending order")
		}
		if last = e.tag; e.tag>>16 <= 2 {
			return s.fail(e.tag, "an element of a group that no data set has")
		}
		if end >= 0 && e.length != undefined && s.pos+int64(e.length) > end {
			return s.fail(e.tag, "its length reaches beyond what it is in")
		}
		if err := s.inside(e, depth); err != nil {
			return err
		}
	}
	if s.pos != end {
		return s.fail(last, "an element reaches beyond the item it is in")
	}
	return nil
}

// empty checks a delimiter.
func (s *scanner) empty(e element) error {
	if e.length != 0 {
		return s.fail(e.tag, "a delimiter has a length")
	}
	return nil
}

// inside walks what an element holds.
func (s *scanner) inside(e element, depth int) error {
	vr := e.vr
	if s.out != nil || s.copy != nil {
		vr = s.vrOf(e)
	}
	switch {
	case e.tag == pixelTag && depth == 0 && s.out != nil:
		return errPixels
	case e.tag == pixelTag && depth == 0 && s.copy != nil:
		return s.copyPixels(e)
	case e.tag == pixelTag && depth == 0:
		return s.pixelData(e)
	case vr == "SQ", e.tag == waveTag:
		return s.sequence(e, depth)
	case e.length == undefined && (!s.explicit || e.vr == "UN"):
		// Of unknown kind and undefined length: a sequence in the implicit encoding
		// (PS3.5 §6.2.2, note 7).
		explicit, order := s.explicit, s.order
		s.explicit = false
		err := s.sequence(e, depth)
		s.explicit, s.order = explicit, order
		return err
	case e.length == undefined:
		return s.fail(e.tag, "a length is undefined where none may be")
	}
	return s.value(e)
}

// sequence walks the items of one.
func (s *scanner) sequence(e element, depth int) error {
	end := int64(-1)
	if e.length != undefined {
		end = s.pos + int64(e.length)
	}
	s.out.begin(e.tag)
	defer s.out.end()
	s.copy.begin(s.order, e)
	for end < 0 || s.pos < end {
		item, err := s.element(e.tag)
		if err != nil {
			return err
		}
		if end < 0 && item.tag == sequenceEnd {
			s.copy.end(s.order)
			return s.empty(item)
		}
		if item.tag != itemTag {
			return s.fail(e.tag, "something other than an item in a sequence")
		}
		stop := int64(-1)
		if item.length != undefined {
			if stop = s.pos + int64(item.length); end >= 0 && stop > end {
				return s.fail(e.tag, "an item reaches beyond its sequence")
			}
		}
		outer, sets := s.wave, s.f.Charset
		s.wave = nil
		s.out.beginItem()
		s.copy.beginItem(s.order)
		if e.tag == waveTag && depth == 0 {
			if len(s.f.Waveforms) == 64 {
				return s.fail(e.tag, "there are more waveforms than are read of one file")
			}
			s.wave = &Waveform{}
		}
		if err := s.dataset(stop, depth+1, stop < 0); err != nil {
			return err
		}
		s.copy.endItem(s.order)
		if s.wave != nil {
			s.f.Waveforms = append(s.f.Waveforms, *s.wave)
		}
		s.wave = outer
		if s.out.endItem() {
			s.f.Charset = sets // an item's own end with it
		}
	}
	if s.pos != end && end >= 0 {
		return s.fail(e.tag, "an item reaches beyond its sequence")
	}
	s.copy.end(s.order)
	return nil
}
