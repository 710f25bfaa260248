package dicomtest

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"io"
	"slices"

	"github.com/amanah-project/amanah/internal/format/dicom"
)

var errWith = errors.New("dicomtest: not a file that With reads")

// With returns a file with other values of its data set's own elements, as a sender coerces
// them; all else keeps its bytes, and a deflated data set is deflated again. The walk is its
// own, so that package dicom is not held against itself.
func With(raw []byte, values map[dicom.Tag]string) (_ []byte, err error) {
	defer func() {
		if recover() != nil { // an index past a cut file
			err = errWith
		}
	}()
	w := walker{b: raw, at: 132, order: binary.LittleEndian, explicit: true}
	syntax := ""
	for w.at+2 <= len(raw) && w.order.Uint16(raw[w.at:]) == 2 {
		if e := w.next(); e.tag == 0x00020010 {
			syntax = string(bytes.TrimRight(e.raw[8:], "\x00 "))
		}
	}
	head, body := raw[:w.at], raw[w.at:]
	switch syntax {
	case "1.2.840.10008.1.2":
		w.explicit = false
	case "1.2.840.10008.1.2.2":
		w.order = binary.BigEndian
	case "1.2.840.10008.1.2.1.99":
		if body, err = io.ReadAll(flate.NewReader(bytes.NewReader(body))); err != nil {
			return nil, err
		}
	}
	w.b, w.at = body, 0
	out := w.with(values)
	if syntax != "1.2.840.10008.1.2.1.99" {
		return append(bytes.Clone(head), out...), nil
	}
	packed := bytes.NewBuffer(bytes.Clone(head))
	d, err := flate.NewWriter(packed, flate.BestCompression)
	if err == nil {
		_, err = d.Write(out)
	}
	if err == nil {
		err = d.Close()
	}
	if packed.Len()%2 == 1 { // PS3.5 annex A.5
		packed.WriteByte(0)
	}
	return packed.Bytes(), err
}

type element struct {
	tag dicom.Tag
	raw []byte // all of it
}

// walker walks the elements of b from at.
type walker struct {
	b        []byte
	at       int
	order    binary.ByteOrder
	explicit bool
}

func (w *walker) with(values map[dicom.Tag]string) (out []byte) {
	var all []element
	for w.at < len(w.b) {
		if e := w.next(); values[e.tag] == "" {
			all = append(all, e)
		}
	}
	for t, v := range values {
		if len(v)%2 == 1 {
			v += map[bool]string{true: "\x00", false: " "}[vrs[t] == "UI"]
		}
		var h [8]byte
		w.order.PutUint16(h[:], uint16(t>>16))
		w.order.PutUint16(h[2:], uint16(t))
		if w.explicit {
			copy(h[4:], vrs[t])
			w.order.PutUint16(h[6:], uint16(len(v)))
		} else {
			w.order.PutUint32(h[4:], uint32(len(v)))
		}
		all = append(all, element{t, append(h[:], v...)})
	}
	slices.SortStableFunc(all, func(a, b element) int { return int(int64(a.tag) - int64(b.tag)) })
	for _, e := range all {
		out = append(out, e.raw...)
	}
	return out
}

// next takes one element, and of undefined length what is in it up to its delimiter.
func (w *walker) next() element {
	from := w.at
	tag := dicom.Tag(w.order.Uint16(w.b[from:]))<<16 | dicom.Tag(w.order.Uint16(w.b[from+2:]))
	length, vr := w.order.Uint32(w.b[from+4:]), string(w.b[from+4:from+6])
	w.at += 8
	if w.explicit && tag>>16 != 0xfffe {
		length = uint32(w.order.Uint16(w.b[from+6:]))
		if slices.Contains([]string{"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}, vr) {
			length = w.order.Uint32(w.b[from+8:])
			w.at += 4
		}
	}
	if length != 0xffffffff {
		w.at += int(length)
		return element{tag, w.b[from:w.at]}
	}
	for end := false; !end; {
		e := w.next()
		end = e.tag == 0xfffee0dd || e.tag == 0xfffee00d
	}
	return element{tag, w.b[from:w.at]}
}
