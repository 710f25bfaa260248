package dump

import (
	"bytes"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// Character sets that a whole text may be in.
const (
	utf8Text    = "utf-8"
	utf16Little = "utf-16le"
	utf16Big    = "utf-16be"
	utf32Little = "utf-32le"
	utf32Big    = "utf-32be"
)

// charsetOf tells a text's character set by its beginning, and how long its byte order mark is.
func charsetOf(head []byte) (string, int) {
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		return utf8Text, 3
	case bytes.HasPrefix(head, []byte("\xff\xfe\x00\x00")): // no text in UTF-16 begins with a zero
		return utf32Little, 4
	case bytes.HasPrefix(head, []byte("\x00\x00\xfe\xff")):
		return utf32Big, 4
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return utf16Little, 2
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return utf16Big, 2
	}
	// Without a mark: Latin text has a zero in each second byte.
	pairs := min(len(head), 4096) / 2
	low, high := 0, 0
	for i := range pairs {
		if head[2*i] == 0 && head[2*i+1] != 0 {
			high++
		}
		if head[2*i+1] == 0 && head[2*i] != 0 {
			low++
		}
	}
	switch {
	case pairs >= 2 && low*10 >= pairs*9:
		return utf16Little, 0
	case pairs >= 2 && high*10 >= pairs*9:
		return utf16Big, 0
	}
	return utf8Text, 0
}

// sourceLength returns how many bytes of the source a text stands for.
func sourceLength(charset string, text []byte) int64 {
	if charset == utf8Text || charset == "" {
		return int64(len(text))
	}
	n := int64(0)
	for _, c := range text {
		switch {
		case charset == utf32Little || charset == utf32Big:
			if c < 0x80 || c >= 0xc0 {
				n += 4
			}
		case c >= 0xf0:
			n += 4
		case c < 0x80 || c >= 0xc0:
			n += 2
		}
	}
	return n
}

// widener reads UTF-16 and UTF-32 as UTF-8. Half a pair of surrogates, and what is no character,
// become U+FFFD; part of a character at the end is left out, and odd says how many bytes.
type widener struct {
	from io.Reader
	big  bool
	unit int // bytes of a unit: 2 or 4
	in   [32 << 10]byte
	have int
	out  []byte
	give int
	err  error
	odd  int64
}

// wider reads a text in UTF-16 or UTF-32; nil for one in UTF-8.
func wider(s *opened, charset string) *widener {
	switch charset {
	case utf16Little, utf16Big:
		return &widener{from: s.in, big: charset == utf16Big, unit: 2}
	case utf32Little, utf32Big:
		return &widener{from: s.in, big: charset == utf32Big, unit: 4}
	}
	return nil
}

// Read implements io.Reader.
func (w *widener) Read(p []byte) (int, error) {
	for w.give == len(w.out) {
		if w.err != nil {
			return 0, w.err
		}
		n, err := w.from.Read(w.in[w.have:])
		w.have += n
		w.err = err
		w.widen(err != nil)
	}
	n := copy(p, w.out[w.give:])
	w.give += n
	return n, nil
}

// at is the unit that begins at a byte of in.
func (w *widener) at(i int) rune {
	n := rune(0)
	for k := range w.unit {
		c := w.in[i+w.unit-1-k]
		if w.big {
			c = w.in[i+k]
		}
		n = n<<8 | rune(c)
	}
	return n
}

// widen turns what is in into out.
func (w *widener) widen(last bool) {
	w.out, w.give = w.out[:0], 0
	i := 0
	for ; i+w.unit <= w.have; i += w.unit {
		r := w.at(i)
		if w.unit == 2 && utf16.IsSurrogate(r) {
			if i+4 > w.have && !last && r < 0xdc00 {
				break
			}
			if i+4 <= w.have && utf16.DecodeRune(r, w.at(i+2)) != utf8.RuneError {
				r = utf16.DecodeRune(r, w.at(i+2))
				i += 2
			} else {
				r = utf8.RuneError
			}
		}
		w.out = utf8.AppendRune(w.out, r) // U+FFFD for what is none
	}
	w.have = copy(w.in[:], w.in[i:w.have])
	if last && w.have > 0 {
		w.odd = int64(w.have)
		w.have = 0
	}
}
