package rows

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/amanah-project/amanah/internal/fault"
)

// begin looks at the start of the text, settles the format and reads a CSV's header.
func (t *Reader) begin(o Options) error {
	if _, err := t.more(); err != nil {
		return t.locate(err)
	}
	head := t.buf[t.pos:t.end]
	if err := foreign(head); err != nil {
		return err
	}
	if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		t.take(3)
		head = head[3:]
	}
	start := bytes.TrimLeft(head, " \t\r\n")
	if len(start) == 0 {
		return fault.New(fault.Invalid, "the file is empty")
	}
	if t.format = o.Format; t.format == Auto {
		t.format = CSV
		if start[0] == '{' {
			t.format = NDJSON
		}
	}
	if start[0] == '[' {
		return fault.New(fault.Invalid, "the file is a JSON array: write one object per line, as `jq -c '.[]'` does")
	}
	if t.format == NDJSON {
		return nil
	}
	return t.header(o.Required)
}

// header finds the line that names the columns, and the separator.
func (t *Reader) header(required []string) error {
	separators := []byte{',', ';', '\t'}
	for {
		ok, err := t.more()
		if err != nil {
			return t.locate(err)
		}
		if !ok {
			return fault.New(fault.Invalid, "the file has no line that names its columns")
		}
		line, size := t.line()
		if size < 0 {
			return fault.Newf(fault.Invalid, "line %d, which should name the columns, is longer than 64 KiB", t.lines+1)
		}
		if sep, ok := bytes.CutPrefix(line, []byte("sep=")); ok && len(sep) == 1 && len(separators) > 1 {
			separators = sep
		} else if len(line) > 0 {
			break
		}
		t.take(size)
		t.lines++
	}
	return t.columnsOf(separators, required)
}

// columnsOf reads the header by the separator that finds most known names.
func (t *Reader) columnsOf(separators []byte, required []string) error {
	var names []string
	size, lines, known := 0, 0, -1
	for _, c := range separators {
		if strings.IndexByte(",;\t|", c) < 0 {
			continue
		}
		r := record{comma: c}
		if r.read(t.buf[t.pos:t.end]) != nil || r.size > MaxRow+2 {
			continue
		}
		cells := r.values()
		n := 0
		for _, cell := range cells {
			if _, ok := t.columns[fold(cell)]; ok {
				n++
			}
		}
		if n > known {
			names, size, lines, known, t.comma = cells, r.size, r.lines, n, c
		}
	}
	if known <= 0 {
		return fault.Newf(fault.Invalid, "line %d names no known column: the first line must name the columns, such as %s", t.lines+1, strings.Join(t.examples(), ", "))
	}
	if len(names) > MaxColumns {
		return fault.Newf(fault.Invalid, "line %d names more than %d columns", t.lines+1, MaxColumns)
	}
	if err := t.lay(names, required); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	t.take(size)
	t.lines += int64(lines)
	return nil
}

func (t *Reader) lay(names, required []string) error {
	at := make([]int, len(t.names)) // column of each slot, from 1
	for i, name := range names {
		if !utf8.ValidString(name) {
			return fault.Newf(fault.Invalid, "line %d, which names the columns, is not UTF-8 text: save the file as CSV UTF-8", t.lines+1)
		}
		slot, ok := t.columns[fold(name)]
		if !ok {
			t.layout = append(t.layout, -1)
			t.unknown = append(t.unknown, strings.Clone(name))
			continue
		}
		if at[slot] > 0 {
			return fault.Newf(fault.Invalid, "line %d: columns %d and %d both give %s: remove one", t.lines+1, at[slot], i+1, t.names[slot])
		}
		at[slot] = i + 1
		t.layout = append(t.layout, slot)
	}
	for _, name := range required {
		if slot, ok := t.row.slots[name]; !ok || at[slot] == 0 {
			return fault.Newf(fault.Invalid, "line %d names no column %s", t.lines+1, name)
		}
	}
	return nil
}

// examples are the first names a header could hold, for a complaint.
func (t *Reader) examples() []string {
	names := slices.Sorted(slices.Values(t.names))
	return names[:min(len(names), 6)]
}

// fold makes different spellings of a column's name the same.
func fold(s string) string {
	return strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(s)))
}
