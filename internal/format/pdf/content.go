package pdf

import (
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

// Content is what a PDF file shows as text and says of itself.
type Content struct {
	Lines [][]string // of all pages in order: the texts of a line from left to right
	IDs   []string   // of /ID in hexadecimal, and of XMP as they stand
	Spans []Span     // streams that were not read
}

// Span is a range of the file.
type Span struct {
	From, To int64
	Locked   bool // the file is encrypted
}

// Limits bound the work on one file.
type Limits struct {
	Inflated int64 // most bytes of streams, all together
	Texts    int   // most texts
}

// fragment is a text at a place of a page.
type fragment struct {
	x, y float64
	text string
}

var (
	objectHead  = regexp.MustCompile(`(\d{1,10})[ \t\r\n]+\d{1,5}[ \t\r\n]+obj\b`)
	idPair      = regexp.MustCompile(`/ID[ \t\r\n]*\[[ \t\r\n]*<([0-9A-Fa-f]{1,128})>[ \t\r\n]*<([0-9A-Fa-f]{1,128})>`)
	xmpID       = regexp.MustCompile(`xmpMM:(?:DocumentID|InstanceID)(?:>|=["'])([^<"']{1,200})`)
	toUnicode   = regexp.MustCompile(`/ToUnicode[ \t\r\n]+(\d{1,10})`)
	fontName    = regexp.MustCompile(`/([A-Za-z0-9_.+-]{1,64})[ \t\r\n]+(\d{1,10})[ \t\r\n]+\d{1,5}[ \t\r\n]+R`)
	firstObject = regexp.MustCompile(`/First[ \t\r\n]+(\d{1,10})`)
	filter      = regexp.MustCompile(`/Filter[ \t\r\n]*\[?[ \t\r\n]*/(\w+)`)
	bfChar      = regexp.MustCompile(`<([0-9A-Fa-f]{1,8})>[ \t\r\n]*<([0-9A-Fa-f]{1,64})>`)
	bfRange     = regexp.MustCompile(`<([0-9A-Fa-f]{1,8})>[ \t\r\n]*<([0-9A-Fa-f]{1,8})>[ \t\r\n]*<([0-9A-Fa-f]{1,8})>`)
)

// extractor reads one file.
type extractor struct {
	b     []byte
	left  int64
	texts int
	fonts map[string]int         // resource name to object
	maps  map[int]map[int]string // of fonts: code to text
	cmap  map[int]int            // font to the stream of its map
	out   Content
}

// Read reads the text layer of a whole file: of streams that are plain or Flate, by the fonts'
// own maps to Unicode where there are any. It runs nothing, follows no reference but to those
// maps, and never fails: what it cannot read is in Spans.
func Read(b []byte, l Limits) Content {
	e := &extractor{b: b, left: l.Inflated, texts: l.Texts, fonts: map[string]int{}, maps: map[int]map[int]string{}, cmap: map[int]int{}}
	for _, m := range idPair.FindAllSubmatch(b, 8) {
		e.out.IDs = append(e.out.IDs, strings.ToLower(string(m[1])), strings.ToLower(string(m[2])))
	}
	locked := bytes.Contains(b, []byte("/Encrypt"))
	streams := e.streams(locked)
	for _, s := range streams {
		e.dictionary(s.object, s.dict)
	}
	for _, s := range streams {
		if bytes.Contains(s.data, []byte("begincmap")) {
			e.maps[s.object] = parseMap(s.data)
		}
	}
	for _, s := range streams {
		switch {
		case bytes.Contains(s.data[:min(len(s.data), 4096)], []byte("xmpMM:")):
			for _, m := range xmpID.FindAllSubmatch(s.data, 8) {
				e.out.IDs = append(e.out.IDs, string(m[1]))
			}
		case bytes.Contains(s.data, []byte("BT")) && !bytes.Contains(s.data, []byte("begincmap")):
			e.page(s.data)
		}
	}
	return e.out
}

// stream is one with what stands before it.
type stream struct {
	object int
	dict   []byte
	data   []byte
}

// streams finds and inflates streams, and takes what objects say outside them.
func (e *extractor) streams(locked bool) (out []stream) {
	heads := objectHead.FindAllSubmatchIndex(e.b, 1<<20)
	for i, h := range heads {
		end := len(e.b)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		object, err := strconv.Atoi(string(e.b[h[2]:h[3]]))
		body := e.b[h[1]:end]
		at := bytes.Index(body, []byte("stream"))
		if err != nil || at < 0 {
			e.dictionary(object, body)
			continue
		}
		dict, data := body[:at], body[at+len("stream"):]
		data = bytes.TrimPrefix(bytes.TrimPrefix(data, []byte("\r")), []byte("\n"))
		if stop := bytes.LastIndex(data, []byte("endstream")); stop >= 0 {
			data = data[:stop]
		}
		from := int64(h[1] + at)
		name := filter.FindSubmatch(dict)
		switch {
		case locked:
			e.out.Spans = append(e.out.Spans, Span{from, int64(end), true})
		case name == nil:
			out = append(out, stream{object, dict, data})
		case string(name[1]) == "FlateDecode" && !bytes.Contains(dict, []byte("/Image")):
			plain, ok := e.inflate(data)
			if !ok {
				e.out.Spans = append(e.out.Spans, Span{from, int64(end), false})
			}
			if bytes.Contains(dict, []byte("/ObjStm")) {
				e.packed(dict, plain)
			}
			out = append(out, stream{object, dict, plain})
		default:
			e.out.Spans = append(e.out.Spans, Span{from, int64(end), false})
		}
	}
	return out
}

func (e *extractor) inflate(data []byte) ([]byte, bool) {
	z, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, false
	}
	plain, err := io.ReadAll(io.LimitReader(z, e.left+1))
	e.left -= int64(len(plain))
	if e.left < 0 {
		e.left = 0
		return nil, false
	}
	return plain, err == nil
}

// maxPacked is how long the table of an object stream may be, in bytes; the rest is not read.
const maxPacked = 1 << 20

// packed takes what the objects of an object stream say: their numbers and places stand
// before them, in ascending order (ISO 32000-1 §7.5.7). What is out of order is passed over,
// so that each byte is looked at once.
func (e *extractor) packed(dict, plain []byte) {
	first := len(plain)
	if m := firstObject.FindSubmatch(dict); m != nil {
		n, _ := strconv.Atoi(string(m[1]))
		first = min(n, len(plain))
	}
	objects := plain[first:]
	table := bytes.Fields(plain[:min(first, maxPacked)])
	done := 0
	for i := 0; i+1 < len(table); i += 2 {
		number, err := strconv.Atoi(string(table[i]))
		from, bad := strconv.Atoi(string(table[i+1]))
		to := len(objects)
		if i+3 < len(table) {
			next, err := strconv.Atoi(string(table[i+3]))
			if bad = errors.Join(bad, err); err == nil {
				to = min(next, to)
			}
		}
		if err == nil && bad == nil && done <= from && from < to {
			e.dictionary(number, objects[from:to])
			done = to
		}
	}
}

// dictionary takes the names of fonts and their maps from what stands in an object.
func (e *extractor) dictionary(object int, dict []byte) {
	if m := toUnicode.FindSubmatch(dict); m != nil {
		e.cmap[object], _ = strconv.Atoi(string(m[1]))
	}
	if bytes.Contains(dict, []byte("/Font")) || bytes.Contains(dict, []byte("<<")) {
		for _, m := range fontName.FindAllSubmatch(dict, 1<<12) {
			if n, err := strconv.Atoi(string(m[2])); err == nil && m[1][0] != 'P' && len(e.fonts) < 1<<14 {
				e.fonts[string(m[1])] = n
			}
		}
	}
}

// parseMap reads a ToUnicode map (ISO 32000-1 §9.10.3).
func parseMap(data []byte) map[int]string {
	out := map[int]string{}
	section := func(begin, end string, read func([]byte)) {
		for rest := data; len(out) < 1<<16; {
			_, after, ok := bytes.Cut(rest, []byte(begin))
			if !ok {
				return
			}
			inside, next, _ := bytes.Cut(after, []byte(end))
			read(inside)
			rest = next
		}
	}
	number := func(b []byte) int {
		n, _ := strconv.ParseUint(string(b), 16, 32)
		return int(n)
	}
	section("beginbfchar", "endbfchar", func(b []byte) {
		for _, m := range bfChar.FindAllSubmatch(b, 1<<16) {
			raw, _ := hex.DecodeString(string(m[2]))
			out[number(m[1])] = wide(raw)
		}
	})
	section("beginbfrange", "endbfrange", func(b []byte) {
		for _, m := range bfRange.FindAllSubmatch(b, 1<<12) {
			from, to, text := number(m[1]), number(m[2]), number(m[3])
			for c := from; c <= to && c-from < 1<<16 && len(out) < 1<<17; c++ {
				out[c] = string(rune(text + c - from))
			}
		}
	})
	return out
}

// wide reads UTF-16BE.
func wide(b []byte) string {
	var s strings.Builder
	for ; len(b) >= 2; b = b[2:] {
		s.WriteRune(rune(b[0])<<8 | rune(b[1]))
	}
	return s.String()
}

// page takes the texts of one content stream line by line.
func (e *extractor) page(data []byte) {
	p := painter{e: e, scan: lexer{b: data}, matrix: unit, place: unit, line: unit}
	p.run()
	sort.SliceStable(p.all, func(i, j int) bool {
		a, b := p.all[i], p.all[j]
		if math.Abs(a.y-b.y) > 2 {
			return a.y > b.y
		}
		return false
	})
	for i := 0; i < len(p.all); {
		j := i
		for j < len(p.all) && math.Abs(p.all[j].y-p.all[i].y) <= 2 {
			j++
		}
		line := p.all[i:j]
		sort.SliceStable(line, func(a, b int) bool { return line[a].x < line[b].x })
		var texts []string
		for _, f := range line {
			texts = append(texts, f.text)
		}
		e.out.Lines = append(e.out.Lines, texts)
		i = j
	}
}
