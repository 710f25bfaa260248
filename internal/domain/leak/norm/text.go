package norm

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxText is how long a name or an address may be; more is text.
const maxText = 300

// fold appends capitals without diacritics. Broken UTF-8 is dropped, as ASCII it stays.
func fold(out, raw []byte) []byte {
	at := len(out)
	out = append(out, raw...)
	text, any := out[at:], byte(0)
	for i, c := range text {
		any |= c
		if c-'a' < 26 {
			text[i] = c - ('a' - 'A')
		}
	}
	if any >= utf8.RuneSelf {
		return foldWide(out[:at], raw)
	}
	return out
}

func foldWide(out, raw []byte) []byte {
	for wide := norm.NFKD.Bytes(raw); len(wide) > 0; {
		r, n := utf8.DecodeRune(wide)
		wide = wide[n:]
		switch {
		case r == utf8.RuneError || unicode.Is(unicode.M, r):
		case r == '’' || r == '‘' || r == 'ʼ':
			out = append(out, '\'')
		case unicode.IsSpace(r):
			out = append(out, ' ')
		default:
			out = utf8.AppendRune(out, unicode.ToUpper(r))
		}
	}
	return out
}

// titles stand before and after Indonesian names and are no part of them, without points.
func title(w []byte) bool {
	switch string(w) {
	case "H", "HJ", "HI", "DR", "DRG", "DRH", "DRS", "DRA", "IR", "PROF", "TN", "NY", "NN", "SDR", "SDRI", "BPK", "BAPAK",
		"IBU", "BIN", "BINTI", "ALM", "ALMH", "KH", "UST", "RA", "RR", "NS", "BD", "APT", "MR", "MRS", "MS",
		"ST", "SH", "SE", "SS", "SSI", "SPD", "SPDI", "SAG", "SKM", "SKEP", "SKOM", "SIP", "SSOS", "STP", "SPSI", "SFARM",
		"SKED", "SKG", "SPT", "SSN", "SPDSD", "STRKEB", "STRKEP", "SKEB",
		"MM", "MH", "MT", "MSI", "MPD", "MKES", "MKOM", "MBA", "MA", "MSC", "MKM", "MKEP", "MARS", "MAG", "PHD", "LC",
		"AMD", "AMK", "AMKEP", "AMDKEB", "AMKEB", "AMDKEP", "AMAK", "SPA", "SPB", "SPOG", "SPAN", "SPPD", "SPJP", "SPM", "SPKK", "SPTHT", "SPRAD", "SPPK":
		return true
	}
	return false
}

// Words is the work space of names; the zero value is ready. One goroutine uses it at a time.
type Words struct {
	text []byte
	word [16][]byte
}

// Name appends a name's words, ascending, with one space between: capitals, without
// diacritics, points, apostrophes or titles. So the order of given and family name says
// nothing. It appends nothing for what has no letters, is longer than 300 bytes or has more
// than 16 words.
func (w *Words) Name(out, raw []byte) []byte {
	for i, s := range w.Split(raw) {
		if i > 0 {
			out = append(out, ' ')
		}
		out = append(out, s...)
	}
	return out
}

// Split returns a name's words as Name orders them, valid until the next call.
func (w *Words) Split(raw []byte) [][]byte {
	if len(raw) > maxText {
		return nil
	}
	text := fold(w.text[:0], raw)
	w.text = text
	all, kept := 0, 0
	for i := 0; i < len(text); {
		// A word goes on over points and apostrophes, which are taken out: S.PD is SPD, NUR'AINI
		// is NURAINI. After a point that ends two letters or more a new word begins: MUH.ALI.
		to, from := i, i
		for ; i < len(text); i++ {
			c := text[i]
			if letter(c) || c >= utf8.RuneSelf {
				text[to] = c
				to++
				continue
			}
			if c == '\'' || c == '`' || c == '.' && to-from < 2 {
				continue
			}
			if c == '.' && i+1 < len(text) && letter(text[i+1]) && shortTail(text[i+1:]) {
				continue // M.KES, S.PD.I
			}
			break
		}
		i++
		if to == from {
			continue
		}
		if all == len(w.word) {
			return nil
		}
		s := text[from:to]
		all++
		if title(s) {
			continue
		}
		w.word[kept] = s
		kept++
	}
	words := w.word[:kept]
	for i := 1; i < len(words); i++ {
		for k := i; k > 0 && bytes.Compare(words[k-1], words[k]) > 0; k-- {
			words[k-1], words[k] = words[k], words[k-1]
		}
	}
	return words
}

// shortTail reports whether one letter stands alone, so that what is before it goes on.
func shortTail(t []byte) bool { return len(t) == 1 || !letter(t[1]) }

// expand gives the one spelling of words in addresses. Both spellings of package carrier's
// families Street and Neighbourhood come here.
func expand(w []byte) string {
	if len(w) > len("PERUMAHAN") {
		return ""
	}
	switch string(w) {
	case "JL", "JLN", "JALAN", "JLAN":
		return "JALAN"
	case "GG", "GANG":
		return "GANG"
	case "NO", "NOMOR", "NOMER", "NMR":
		return "NO"
	case "KEL", "KELURAHAN":
		return "KELURAHAN"
	case "KEC", "KECAMATAN":
		return "KECAMATAN"
	case "KAB", "KABUPATEN":
		return "KABUPATEN"
	case "DS", "DESA":
		return "DESA"
	case "DSN", "DUSUN", "DUKUH", "DK":
		return "DUSUN"
	case "BLK", "BLOK":
		return "BLOK"
	case "KOMP", "KOMPLEK", "KOMPLEKS", "KOMPL":
		return "KOMPLEK"
	case "PERUM", "PERUMAHAN", "PRM":
		return "PERUMAHAN"
	case "PROV", "PROP", "PROVINSI", "PROPINSI":
		return "PROVINSI"
	case "KP", "KAMPUNG", "KAMP":
		return "KAMPUNG"
	case "LT", "LANTAI":
		return "LANTAI"
	}
	return ""
}

// Address appends an address in one spelling: capitals, abbreviations written out, digits
// apart from letters and without leading zeros, RT/RW 001/008 and RT 1/8 as RT 1 RW 8,
// nothing else between words but one space.
func (w *Words) Address(out, raw []byte) []byte {
	if len(raw) > maxText {
		return out
	}
	text := fold(w.text[:0], raw)
	w.text = text
	start := len(out)
	hood, slash := 0, false // of RT: 1 after RT, 2 after RT RW, 3 after RT and its number
	for i := 0; i < len(text); {
		c, from := text[i], i
		switch {
		case digit(c):
			for ; i < len(text) && digit(text[i]); i++ {
			}
			n := bytes.TrimLeft(text[from:i], "0")
			if len(n) == 0 {
				n = text[i-1 : i]
			}
			out, hood = number(out, start, n, hood, slash)
			slash = false
		case letter(c) || c >= utf8.RuneSelf:
			for ; i < len(text) && (letter(text[i]) || text[i] >= utf8.RuneSelf); i++ {
			}
			s := text[from:i]
			switch {
			case string(s) == "RT":
				hood = 1
			case string(s) == "RW" && hood == 1:
				hood = 2
			case string(s) == "RW":
				hood = 4
			default:
				hood = 0
				if e := expand(s); e != "" {
					out = spaced(out, start, e)
				} else {
					out = spaced(out, start, s)
				}
			}
			slash = false
		default:
			slash = slash || c == '/'
			i++
		}
	}
	return out
}

// spaced appends a word, and before it a space where it is not the first behind start.
func spaced[T string | []byte](out []byte, start int, word T) []byte {
	if len(out) > start {
		out = append(out, ' ')
	}
	return append(out, word...)
}

// number writes a number of an address, and before it what it counts.
func number(out []byte, start int, n []byte, hood int, slash bool) ([]byte, int) {
	switch {
	case hood == 1 || hood == 2:
		return spaced(spaced(out, start, "RT"), start, n), hood + 2
	case hood == 4, hood == 3 && slash:
		out = spaced(out, start, "RW")
	}
	return spaced(out, start, n), 0
}

// Facility appends a facility's code or name: capitals, letters and digits alone.
func (w *Words) Facility(out, raw []byte) []byte {
	if len(raw) > maxText {
		return out
	}
	w.text = fold(w.text[:0], raw)
	for _, c := range w.text {
		if letter(c) || digit(c) || c >= utf8.RuneSelf {
			out = append(out, c)
		}
	}
	return out
}
