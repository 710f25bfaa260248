package dicom

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// charset is how texts of a specific character set are read (PS3.3 C.12.1.1.2).
// A set with code extensions, ISO 2022, begins as the one without.
func charset(name string) encoding.Encoding {
	switch strings.TrimPrefix(strings.Replace(name, "ISO_IR ", "ISO 2022 IR ", 1), "ISO 2022 IR ") {
	case "100":
		return charmap.ISO8859_1
	case "101":
		return charmap.ISO8859_2
	case "109":
		return charmap.ISO8859_3
	case "110":
		return charmap.ISO8859_4
	case "144":
		return charmap.ISO8859_5
	case "127":
		return charmap.ISO8859_6
	case "126":
		return charmap.ISO8859_7
	case "138":
		return charmap.ISO8859_8
	case "148":
		return charmap.ISO8859_9
	case "203":
		return charmap.ISO8859_15
	case "166":
		return charmap.Windows874
	case "13":
		return japanese.ShiftJIS
	case "87", "159":
		return japanese.ISO2022JP
	case "149":
		return korean.EUCKR
	case "58":
		return simplifiedchinese.GBK
	case "192", "", "6":
		return encoding.Nop
	case "GB18030", "GBK":
		return simplifiedchinese.GB18030
	}
	return nil
}

// decode makes a text UTF-8 by the file's character sets, the first of them that is
// no plain ASCII. Lossy notes what could not be.
func (f *File) decode(raw []byte) string {
	set := encoding.Encoding(encoding.Nop)
	for _, name := range f.Charset {
		if set = charset(name); set != encoding.Nop {
			break
		}
	}
	if set == nil {
		f.Lossy = true
		set = encoding.Nop
	}
	// Korean and Chinese sets are called in by escape sequences and then lie in the
	// upper half, as the encodings above read them.
	for _, escape := range []string{"\x1b$)C", "\x1b$)A"} {
		raw = bytes.ReplaceAll(raw, []byte(escape), nil)
	}
	out, err := set.NewDecoder().Bytes(raw)
	if err != nil || !utf8.Valid(out) || bytes.ContainsRune(out, utf8.RuneError) {
		f.Lossy = true
		out = bytes.ToValidUTF8(out, []byte("\uFFFD"))
	}
	return string(out)
}
