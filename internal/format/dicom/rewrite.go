package dicom

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"io"
	"strings"
)

// maxUIDs is how long a value of UIDs is held, in bytes: some 16,000 of them.
const maxUIDs = 1 << 20

// Rewrite copies a file with other instance UIDs: uid gives each its new one, of at most 64
// digits and full stops, and is called wherever one is named, in the file meta information
// and in sequences at any depth, so that references hold. It reports whether the file is
// digitally signed anywhere, which a copy with other UIDs is not any more.
//
// Left as they are: UIDs of the standard's own root, and elements that name a class, a
// transfer syntax, a scheme or a place and no instance, as SOP Class UID. Pixel data,
// waveforms and every other value are copied byte for byte, the transfer syntax stays.
// What differs besides are lengths: sequences and items get delimiters in their place
// (PS3.5 §7.5), and retired group lengths are left out. Values of unknown representation
// (UN) of a stated length are not looked into. It holds one value of UIDs and the file meta
// information at most, and fails as Read does, but does not hold the file's parts against
// each other.
func Rewrite(w io.Writer, r io.Reader, opt Options, uid func(string) string) (signed bool, err error) {
	s := newScanner(r, opt)
	if err := s.preamble(); err != nil {
		return false, err
	}
	out := bufio.NewWriterSize(w, 64<<10)
	_, _ = out.Write(s.head[:]) // a bufio.Writer's error comes with Flush
	c := &copier{uid: uid, to: out}
	s.copy = c
	if err := s.copyMeta(); err != nil {
		return false, err
	}
	if err := s.begin(); err != nil {
		return false, err
	}
	if s.f.Syntax != deflated {
		if err := s.dataset(-1, 0, false); err != nil {
			return c.signed, err
		}
		return c.signed, out.Flush()
	}
	packed := &even{to: out}
	deflater, err := flate.NewWriter(packed, flate.DefaultCompression)
	if err != nil {
		return false, err
	}
	c.to = bufio.NewWriterSize(deflater, 64<<10)
	if err := s.dataset(-1, 0, false); err != nil {
		return c.signed, err
	}
	if err := c.to.Flush(); err != nil {
		return c.signed, err
	}
	if err := deflater.Close(); err != nil {
		return c.signed, err
	}
	if packed.n%2 == 1 { // PS3.5 annex A.5
		_ = out.WriteByte(0)
	}
	return c.signed, out.Flush()
}

// even counts bytes.
type even struct {
	to io.Writer
	n  int64
}

// Write implements io.Writer.
func (e *even) Write(p []byte) (int, error) {
	n, err := e.to.Write(p)
	e.n += int64(n)
	return n, err
}

// copier writes what a scanner walks.
type copier struct {
	uid    func(string) string
	to     *bufio.Writer
	signed bool
}

// signatures is the sequence of digital signatures (PS3.15 annex C).
const signatures Tag = 0xfffafffa

// nothing but instances are named by UIDs, except by these: classes, transfer syntaxes,
// schemes and templates, implementations, and places where things are kept (PS3.6).
var names = map[Tag]bool{
	0x00020002: true, 0x00020010: true, 0x00020012: true, 0x00020100: true, // file meta information
	0x00041510: true, 0x00041512: true, 0x0004151a: true, // of files in a directory
	0x00080016: true, 0x0008001a: true, 0x0008001b: true, 0x00080062: true, 0x00081150: true, 0x0008115a: true, // SOP classes
	0x0008010c: true, 0x0008010d: true, 0x00080117: true, 0x00080118: true, 0x0040db0c: true, 0x0040db0d: true, // codes' schemes
	0x0018100b: true, 0x0072007f: true, // a class of devices, a condition
	0x0040e011: true, 0x0040e030: true, 0x0040e031: true, // places
	0x04000010: true, 0x04000510: true, // transfer syntaxes
}

// standard is the root of the UIDs that the standard defines (PS3.6 annex A).
const standard = "1.2.840.10008."

// instances reports whether an element's value is UIDs of instances.
func (s *scanner) instances(e element) bool {
	if names[e.tag] {
		return false
	}
	return e.vr == "UI" || (e.vr == "" || e.vr == "UN") && dictionary()[e.tag] == "UI"
}

// renamed gives each UID of a value its new one, padded to an even length.
func (c *copier) renamed(raw []byte) []byte {
	all := strings.Split(string(raw), `\`)
	for i, one := range all {
		if one = trim(one); one != "" && !strings.HasPrefix(one, standard) {
			all[i] = c.uid(one)
		} else {
			all[i] = one
		}
	}
	out := []byte(strings.Join(all, `\`))
	if len(out)%2 == 1 {
		out = append(out, 0)
	}
	return out
}

// copyMeta copies group 0002 with its new length.
func (s *scanner) copyMeta() error {
	var group bytes.Buffer
	c := &copier{uid: s.copy.uid, to: bufio.NewWriter(&group)}
	if err := s.metas(func(e element) error {
		if e.length > maxUIDs || int64(group.Len())+int64(e.length) > 2*maxUIDs {
			return s.fail(e.tag, "a length is undefined where none may be, or the file meta information is too long")
		}
		raw := make([]byte, e.length)
		if err := s.full(raw, e.tag); err != nil {
			return err
		}
		if s.named(e.tag) {
			if err := s.take(e, raw[:min(len(raw), maxText)]); err != nil {
				return err
			}
		}
		switch e.tag {
		case 0x00020000: // of another length now
			return nil
		case 0x00020003:
			raw = c.renamed(raw)
		}
		c.head(s.order, e, uint32(len(raw)))
		_, _ = c.to.Write(raw)
		return nil
	}); err != nil {
		return err
	}
	_ = c.to.Flush() // into memory
	s.copy.head(s.order, element{tag: 0x00020000, vr: "UL"}, 4)
	_, _ = s.copy.to.Write(binary.LittleEndian.AppendUint32(nil, uint32(group.Len())))
	_, err := s.copy.to.Write(group.Bytes())
	return err
}

// head writes an element's head; of one without a value representation as the implicit
// encoding, items and delimiters have it.
func (c *copier) head(o binary.ByteOrder, e element, length uint32) {
	var b [12]byte
	o.PutUint16(b[:], uint16(e.tag>>16))
	o.PutUint16(b[2:], uint16(e.tag))
	n := 8
	switch {
	case e.vr == "":
		o.PutUint32(b[4:], length)
	case short[e.vr]:
		copy(b[4:], e.vr)
		o.PutUint16(b[6:], uint16(length))
	default:
		copy(b[4:], e.vr)
		o.PutUint32(b[8:], length)
		n = 12
	}
	_, _ = c.to.Write(b[:n])
}

// begin, beginItem, endItem and end write a sequence; of a nil copier, nothing.
func (c *copier) begin(o binary.ByteOrder, e element) {
	if c != nil {
		c.signed = c.signed || e.tag == signatures
		c.head(o, e, undefined)
	}
}

func (c *copier) beginItem(o binary.ByteOrder) {
	if c != nil {
		c.head(o, element{tag: itemTag}, undefined)
	}
}

func (c *copier) endItem(o binary.ByteOrder) {
	if c != nil {
		c.head(o, element{tag: itemEndTag}, 0)
	}
}

func (c *copier) end(o binary.ByteOrder) {
	if c != nil {
		c.head(o, element{tag: sequenceEnd}, 0)
	}
}

// copyValue copies an element that is no sequence.
func (s *scanner) copyValue(e element) error {
	switch {
	case e.tag&0xffff == 0 && e.tag>>16 != 0:
		return s.skip(int64(e.length), e.tag)
	case !s.instances(e):
		s.copy.head(s.order, e, e.length)
		return s.copyBytes(int64(e.length), e.tag)
	case e.length > maxUIDs:
		return s.fail(e.tag, "there are more UIDs in a value than are read")
	}
	raw := make([]byte, e.length)
	if err := s.full(raw, e.tag); err != nil {
		return err
	}
	raw = s.copy.renamed(raw)
	if short[e.vr] && len(raw) > 0xffff {
		return s.fail(e.tag, "there are more UIDs in a value than it can hold")
	}
	s.copy.head(s.order, e, uint32(len(raw)))
	_, err := s.copy.to.Write(raw)
	return err
}

func (s *scanner) copyBytes(n int64, t Tag) error {
	did, err := io.CopyN(s.copy.to, s.in, n)
	s.pos += did
	if err != nil {
		return s.cut(t, err)
	}
	return nil
}

// copyPixels copies pixel data, whole or in fragments.
func (s *scanner) copyPixels(e element) error {
	s.copy.head(s.order, e, e.length)
	err := s.parts(e, func(part element) error {
		if part.tag == itemTag {
			s.copy.head(s.order, part, part.length)
		}
		return s.copyBytes(int64(part.length), e.tag)
	})
	if err == nil && s.f.Compressed {
		s.copy.end(s.order)
	}
	return err
}
