package rows

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"

	"github.com/amanah-project/amanah/internal/fault"
)

// damage is a fault of the input whose place is added when it is known.
type damage string

// Error returns what is wrong and how to mend it.
func (d damage) Error() string { return string(d) }

const (
	damageCut   damage = "the gzip file is cut short: copy or write it again"
	damageGzip  damage = "the gzip file is damaged: copy or write it again"
	damageRatio damage = "the gzip file grows beyond the ratio allowed: decompress it yourself and look at it before you import it"
	damageSize  damage = "the decompressed file is larger than allowed: divide it"
)

// counter counts what is read from the input itself.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// source gives the decompressed text, within the guards.
type source struct {
	raw    *counter
	text   io.Reader
	zipped bool
	ratio  int64
	size   int64
	given  int64
}

// slack is how much small files may grow whatever their ratio.
const slack = 1 << 20

// Plain gives the text of a file that may be gzip, within the guards of every table:
// what decompresses to far more than it is ends in an error that says so.
func Plain(r io.Reader) (io.Reader, error) { return decompress(r, Options{}) }

func decompress(r io.Reader, o Options) (*source, error) {
	s := &source{raw: &counter{r: r}, ratio: o.Ratio, size: o.Size}
	if s.ratio <= 0 {
		s.ratio = DefaultRatio
	}
	if s.size <= 0 {
		s.size = DefaultSize
	}
	b := bufio.NewReaderSize(s.raw, 64<<10)
	s.text = b
	if magic, _ := b.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(b)
		if err != nil {
			if d := damaged(err); d != "" {
				return nil, fault.New(fault.Invalid, "at its start: "+string(d))
			}
			return nil, err
		}
		s.text, s.zipped = z, true
	}
	return s, nil
}

func (s *source) compressed() int64 { return s.raw.n }

// Read gives text, and a damage when the input is damaged or exceeds the guards.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.text.Read(p)
	s.given += int64(n)
	switch {
	case s.given > s.size:
		return 0, damageSize
	case s.zipped && s.given > s.raw.n*s.ratio+slack:
		return 0, damageRatio
	case s.zipped && err != nil && err != io.EOF:
		if d := damaged(err); d != "" {
			return n, d
		}
	}
	return n, err
}

// damaged tells a damaged gzip file from a failure to read it.
func damaged(err error) damage {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		return damageCut
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &corrupt):
		return damageGzip
	}
	return ""
}

// foreign returns why text that begins with head is no table, or nil.
func foreign(head []byte) error {
	for _, f := range []struct{ magic, what string }{
		{"\xff\xfe", "the file is UTF-16: save it as CSV UTF-8"},
		{"\xfe\xff", "the file is UTF-16: save it as CSV UTF-8"},
		{"PK\x03\x04", "the file is a spreadsheet or a zip: save the sheet as CSV UTF-8, or take the file out of the zip"},
		{"\xd0\xcf\x11\xe0", "the file is a spreadsheet: save the sheet as CSV UTF-8"},
		{"\x28\xb5\x2f\xfd", "the file is compressed with zstd: decompress it, or use gzip"},
		{"\xfd7zXZ\x00", "the file is compressed with xz: decompress it, or use gzip"},
		{"BZh", "the file is compressed with bzip2: decompress it, or use gzip"},
		{"\x1f\x8b", "the file is compressed twice: decompress it once"},
	} {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return fault.New(fault.Invalid, f.what)
		}
	}
	if bytes.IndexByte(head[:min(len(head), 512)], 0) >= 0 {
		return fault.New(fault.Invalid, "the file is binary or UTF-16, not text: save it as CSV UTF-8")
	}
	return nil
}
