package dicom

import (
	"io"
	"math/bits"
	"strconv"
	"strings"
)

// value holds an element's value if it is one of those that are named, and passes
// over it otherwise.
func (s *scanner) value(e element) error {
	switch {
	case s.out != nil:
		return s.emit(e)
	case s.copy != nil:
		return s.copyValue(e)
	case s.wave != nil:
		return s.waveValue(e)
	case !s.named(e.tag):
		return s.skip(int64(e.length), e.tag)
	}
	raw, err := s.held(e)
	if err != nil {
		return err
	}
	return s.take(e, raw)
}

// held reads a value, cut at maxText.
func (s *scanner) held(e element) ([]byte, error) {
	raw := make([]byte, min(e.length, maxText))
	if err := s.full(raw, e.tag); err != nil {
		return nil, err
	}
	return raw, s.skip(int64(e.length)-int64(len(raw)), e.tag)
}

// plain are the texts without a character set of their own.
func (f *File) plain(t Tag) *string {
	switch t {
	case 0x00020010:
		return &f.Syntax
	case 0x00080016:
		return &f.Class
	case 0x00080018:
		return &f.Instance
	case 0x0020000d:
		return &f.Study
	case 0x0020000e:
		return &f.Series
	case 0x00080060:
		return &f.Modality
	case 0x00200011:
		return &f.SeriesNumber
	case 0x00200013:
		return &f.Number
	case 0x00100030:
		return &f.Birth
	case 0x00100040:
		return &f.Sex
	case 0x00280008:
		return &f.frames
	case 0x00080022:
		return &f.dates[0][0]
	case 0x00080023:
		return &f.dates[1][0]
	case 0x00080021:
		return &f.dates[2][0]
	case 0x00080020:
		return &f.dates[3][0]
	case 0x00080032:
		return &f.dates[0][1]
	case 0x00080033:
		return &f.dates[1][1]
	case 0x00080031:
		return &f.dates[2][1]
	case 0x00080030:
		return &f.dates[3][1]
	}
	return nil
}

// written are the texts in the file's character set.
func (f *File) written(t Tag) *string {
	switch t {
	case 0x00100020:
		return &f.PatientID
	case 0x00100021:
		return &f.Issuer
	case 0x00080050:
		return &f.Accession
	case 0x00200010:
		return &f.StudyID
	case 0x00081030:
		return &f.StudyText
	case 0x0008103e:
		return &f.SeriesText
	case 0x00080080:
		return &f.Institution
	}
	return nil
}

func (f *File) number(t Tag) *int {
	switch t {
	case 0x00280002:
		return &f.samples
	case 0x00280010:
		return &f.Rows
	case 0x00280011:
		return &f.Columns
	case 0x00280100:
		return &f.bits
	}
	return nil
}

const (
	charsetTag Tag = 0x00080005
	nameTag    Tag = 0x00100010
)

// named reports whether a value is held. Elements of sequences are not the file's.
func (s *scanner) named(t Tag) bool {
	if s.depth > 0 {
		return false
	}
	return t == charsetTag || t == nameTag || s.f.plain(t) != nil || s.f.written(t) != nil || s.f.number(t) != nil
}

func (s *scanner) take(e element, raw []byte) error {
	f := s.f
	if n := f.number(e.tag); n != nil {
		if len(raw) != 2 {
			return s.fail(e.tag, "a number of another length than two bytes")
		}
		*n = int(s.order.Uint16(raw))
		return nil
	}
	if text := f.plain(e.tag); text != nil {
		*text = first(trim(string(raw)))
		return nil
	}
	switch e.tag {
	case charsetTag:
		for _, c := range strings.Split(string(raw), `\`) {
			f.Charset = append(f.Charset, trim(c))
		}
	case nameTag:
		f.Patient = parseName(f.decode(raw))
	default:
		*f.written(e.tag) = first(trim(f.decode(raw)))
	}
	return nil
}

// first is the first of several values.
func first(s string) string {
	one, _, _ := strings.Cut(s, `\`)
	return strings.TrimSpace(one)
}

func trim(s string) string { return strings.Trim(s, " \x00") }

// parseName reads the first form of a name that holds anything.
func parseName(s string) (n Name) {
	for _, form := range strings.Split(trim(s), "=") {
		if strings.Trim(form, "^ ") == "" {
			continue
		}
		for i, part := range strings.SplitN(form, "^", 6) {
			if to := []*string{&n.Family, &n.Given, &n.Middle, &n.Prefix, &n.Suffix}; i < len(to) {
				*to[i] = strings.TrimSpace(part)
			}
		}
		return n
	}
	return n
}

// Text is a name as people write it: given, middle and family name.
func (n Name) Text() string {
	return strings.Join(strings.Fields(n.Given+" "+n.Middle+" "+n.Family), " ")
}

// Caret is a name as DICOM writes it, its components parted by carets.
func (n Name) Caret() string {
	return strings.TrimRight(strings.Join([]string{n.Family, n.Given, n.Middle, n.Prefix, n.Suffix}, "^"), "^")
}

// waveValue takes what a waveform's group says of itself, and holds its data
// against that.
func (s *scanner) waveValue(e element) error {
	w := s.wave
	switch e.tag {
	case 0x003a0005, 0x003a0010, 0x54001004, 0x003a001a:
	case 0x54001010:
		need, ok := product(uint64(w.Channels), uint64(w.Samples), uint64(w.bits))
		if !ok || need == 0 || need%8 != 0 || need/8 > uint64(e.length) {
			return s.fail(e.tag, "the waveform is shorter than its channels and samples need")
		}
		return s.skip(int64(e.length), e.tag)
	default:
		return s.skip(int64(e.length), e.tag)
	}
	raw, err := s.held(e)
	if err != nil {
		return err
	}
	switch {
	case e.tag == 0x003a001a:
		w.Rate = first(trim(string(raw)))
	case e.tag == 0x003a0010 && len(raw) == 4:
		w.Samples = int(s.order.Uint32(raw))
	case e.tag == 0x003a0005 && len(raw) == 2:
		w.Channels = int(s.order.Uint16(raw))
	case e.tag == 0x54001004 && len(raw) == 2:
		w.bits = int(s.order.Uint16(raw))
	default:
		return s.fail(e.tag, "a number of another length than its own")
	}
	return nil
}

// product multiplies, and says false when that is beyond 64 bits.
func product(all ...uint64) (uint64, bool) {
	p := uint64(1)
	for _, n := range all {
		hi, lo := bits.Mul64(p, n)
		if hi != 0 {
			return 0, false
		}
		p = lo
	}
	return p, true
}

// pixelData passes over the pixels, whole or in fragments.
func (s *scanner) pixelData(e element) error {
	s.f.Pixels, s.pixels = true, pixels{length: e.length, at: e.at}
	return s.parts(e, func(part element) error {
		if part.tag == itemTag {
			s.pixels.fragments++
		}
		return s.pass(int64(part.length), e.tag)
	})
}

// parts hands on pixel data as its one part, or each fragment of what is compressed.
func (s *scanner) parts(e element, one func(part element) error) error {
	if !s.f.Compressed {
		if e.length == undefined {
			return s.fail(e.tag, "pixel data of undefined length in a transfer syntax that has none")
		}
		return one(e)
	}
	if e.length != undefined {
		return s.fail(e.tag, "compressed pixel data that is not in fragments")
	}
	for {
		item, err := s.element(e.tag)
		if err != nil {
			return err
		}
		switch {
		case item.tag == sequenceEnd:
			return s.empty(item)
		case item.tag != itemTag || item.length == undefined:
			return s.fail(e.tag, "something other than a fragment in compressed pixel data")
		}
		if err := one(item); err != nil {
			return err
		}
	}
}

// pass passes over bytes of pixel data, and gives them to who asked for them.
func (s *scanner) pass(n int64, t Tag) error {
	if s.opt.Pixels == nil {
		return s.skip(n, t)
	}
	did, err := io.CopyN(s.opt.Pixels, s.in, n)
	s.pos += did
	if err != nil {
		return s.cut(t, err)
	}
	return nil
}

// finish holds the file's parts against each other.
func (s *scanner) finish() error {
	f := s.f
	for _, d := range f.dates {
		if d[0] != "" {
			// The standard's forerunner wrote dates with full stops.
			f.Date, f.Time = strings.ReplaceAll(d[0], ".", ""), d[1]
			break
		}
	}
	f.StudyDate, f.StudyTime = strings.ReplaceAll(f.dates[3][0], ".", ""), f.dates[3][1]
	f.Frames = 1
	if f.frames != "" {
		n, err := strconv.ParseUint(strings.TrimPrefix(f.frames, "+"), 10, 31)
		if err != nil || n == 0 {
			return s.fail(0x00280008, "the number of frames is no number from 1")
		}
		f.Frames = int(n)
	}
	if f.Class == "" || f.Instance == "" {
		return s.fail(0x00080018, "SOP class or instance is missing: the file names no object")
	}
	switch {
	case f.Pixels:
	case strings.HasPrefix(f.Class, storage+"9.") && len(f.Waveforms) == 0:
		return s.fail(waveTag, "a waveform object without a waveform: it may have been cut")
	case f.Rows > 0 || image(f.Class):
		return s.fail(pixelTag, "an image without pixel data: it may have been cut")
	default:
		f.Frames = 0
		return nil
	}
	s.pos = s.pixels.at
	if f.Compressed {
		// The first fragment is the offset table; a frame has one or more.
		if s.pixels.fragments-1 < f.Frames {
			return s.fail(pixelTag, "there are fewer fragments than frames")
		}
		return nil
	}
	need, ok := product(uint64(f.Rows), uint64(f.Columns), uint64(max(f.samples, 1)), uint64(f.Frames), uint64(f.bits))
	if !ok || need == 0 || (need+7)/8 > uint64(s.pixels.length) {
		return s.fail(pixelTag, "the pixel data is shorter than its rows, columns and frames need")
	}
	return nil
}

// storage is the root of the storage SOP classes (PS3.4 B.5).
const storage = "1.2.840.10008.5.1.4.1.1."

// images are the families of them whose every object has pixel data: CR and DX, CT,
// US, MR, NM, secondary capture, XA, PET, visible light, ophthalmic, breast
// tomosynthesis.
var images = map[string]bool{
	"1": true, "2": true, "3": true, "4": true, "6": true, "7": true, "12": true, "13": true, "20": true, "77": true, "128": true, "130": true,
}

func image(class string) bool {
	family, ok := strings.CutPrefix(class, storage)
	family, _, _ = strings.Cut(family, ".")
	return ok && images[family] && class != storage+"4.2" // spectroscopy
}
