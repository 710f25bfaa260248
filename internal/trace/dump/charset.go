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
)

// charsetOf tells a text's character set by its beginning, and how long its byte order mark is.
func charsetOf(head []byte) (string, int) {
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		return utf8Text, 3
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
		case c >= 0xf0:
			n += 4
		case c < 0x80 || c >= 0xc0:
			n += 2
		}
	}
	return n
}

// widener reads UTF-16 as UTF-8. Half a pair of surrogates becomes U+FFFD; half a character at
// the end is left out, and odd says so.
type widener struct {
	from io.Reader
	big  bool
	in   [32 << 10]byte
	have int
	out  []byte
	give int
	err  error
	odd  bool
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

// widen turns what is in into out.
func (w *widener) widen(last bool) {
	w.out, w.give = w.out[:0], 0
	unit := func(i int) rune {
		if w.big {
			return rune(w.in[i])<<8 | rune(w.in[i+1])
		}
		return rune(w.in[i+1])<<8 | rune(w.in[i])
	}
	i := 0
	for ; i+2 <= w.have; i += 2 {
		r := unit(i)
		if utf16.IsSurrogate(r) {
			if i+4 > w.have && !last && r < 0xdc00 {
				break
			}
			if i+4 <= w.have && utf16.DecodeRune(r, unit(i+2)) != utf8.RuneError {
				r = utf16.DecodeRune(r, unit(i+2))
				i += 2
			} else {
				r = utf8.RuneError
			}
		}
		w.out = utf8.AppendRune(w.out, r)
	}
	w.have = copy(w.in[:], w.in[i:w.have])
	if last && w.have > 0 {
		w.odd = true
		w.have = 0
	}
}
