package trace

import (
	"cmp"
	"encoding/hex"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/leak"
	marks "github.com/amanah-project/amanah/internal/domain/leak/mark"
	"github.com/amanah-project/amanah/internal/trace/dump"
	"github.com/amanah-project/amanah/internal/trace/likeness"
)

// By says how a document was known again.
type By string

// How documents are known again, the surest first.
const (
	ByFile   By = "file"   // byte for byte
	ByPixels By = "pixels" // what its image shows
	ByText   By = "text"   // most of the runs of words that are its own
)

// Paper is a document of a record that a source of the dump holds.
type Paper struct {
	Source int
	Row    leak.Row // of the record
	By     By
	Shared bool // other people have the same document: whose this one is, it does not say

	UIDs [3]leak.Row `json:"-"` // rows of its instance, study and series
}

// paper holds a document against the index, and an altered one beside it, which must not be
// found: that is what chance gives.
func (w *worker) paper(d *dump.Document) (found []Paper, chance bool) {
	t := w.e.table
	if t.Documents() == 0 {
		return nil, false
	}
	other := d.FileHash
	other[0] ^= 1
	w.cands = t.ByFile(w.cands[:0], w.a.File(d.FileHash))
	found = w.papers(found, d.Source, ByFile)
	w.cands = t.ByPixels(w.cands[:0], w.a.Pixels(d.PixelHash))
	found = w.papers(found, d.Source, ByPixels)
	found = append(found, w.told(d.Source, d.Text)...)
	return unique(found), len(t.ByFile(nil, w.a.File(other))) > 0
}

// told finds documents by the runs of words in some text.
func (w *worker) told(source int, lines []string) []Paper {
	if w.e.table.Documents() == 0 || len(lines) == 0 {
		return nil
	}
	var runs likeness.Runs
	clear(w.runs)
	for _, line := range lines {
		runs.Add([]byte(line), w.run)
	}
	return w.byRuns(source)
}

func (w *worker) run(run uint64, _ bool) { w.runs[run] = struct{}{} }

// byRuns finds documents of whose own runs most are among w.runs.
func (w *worker) byRuns(source int) (found []Paper) {
	t := w.e.table
	clear(w.seen)
	for run := range w.runs {
		w.cands = t.ByWords(w.cands[:0], w.a.Shingle(run))
		for _, at := range w.cands {
			w.seen[at]++
		}
	}
	w.cands = w.cands[:0]
	for at, n := range w.seen {
		if t.Document(at).Told(n) {
			w.cands = append(w.cands, at)
		}
	}
	return w.papers(nil, source, ByText)
}

// papers are the documents of w.cands.
func (w *worker) papers(found []Paper, source int, by By) []Paper {
	for i, at := range w.cands {
		d := w.e.table.Document(at)
		p := Paper{Source: source, Row: d.Row, By: by, UIDs: d.UIDs}
		if by != ByText { // a text may hold several documents
			for k, other := range w.cands {
				p.Shared = p.Shared || k != i && w.e.table.Document(other).Full != d.Full
			}
		}
		if !p.Shared {
			if d.Version >= 0 {
				see(w.e.records, int(d.Version), seenMatched|seenVersion)
			}
			if d.Whose() >= 0 {
				see(w.e.people, int(d.Whose()), seenMatched)
			}
		}
		found = append(found, p)
	}
	return found
}

// unique keeps, of each source and record, the surest.
func unique(all []Paper) []Paper {
	order := func(by By) int { return slices.Index([]By{ByFile, ByPixels, ByText}, by) }
	slices.SortFunc(all, func(a, b Paper) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Row, b.Row), cmp.Compare(order(a.By), order(b.By)))
	})
	return slices.CompactFunc(all, func(a, b Paper) bool { return a.Source == b.Source && a.Row == b.Row })
}

// stands returns what an identifier of a document stands for: the row of an image's instance,
// study or series, or of the record; zero when the document was not known again, or is more
// than one person's.
func (d *Document) stands(place int) (row leak.Row) {
	for _, p := range d.Found {
		is := p.Row
		if place >= 0 {
			is = p.UIDs[place]
		}
		if p.Shared || row != 0 && row != is {
			return 0
		}
		row = is
	}
	return row
}

// prose holds a piece of text against the index's documents.
func (w *worker) prose(b *dump.Batch) {
	if b.Kind != dump.Text || len(b.Text) == 0 || w.e.table.Documents() == 0 {
		return
	}
	var runs likeness.Runs
	clear(w.runs)
	runs.Add(b.Text, w.run)
	w.found = append(w.found, w.byRuns(b.Source)...)
}

// count counts a document.
func (c *Counts) count(found, chance, matched bool) {
	c.Documents++
	c.DocumentDecoys++
	c.Invented++
	if found {
		c.DocumentsFound++
		if !matched {
			c.Matched++
		}
	}
	if chance {
		c.DocumentDecoysFound++
		c.InventedMatched++
	}
}

// mark reads what may be a copy's identifiers.
func (d *Document) mark() {
	for i, uid := range d.UIDs {
		if id, ok := marks.ParseUID(uid); ok {
			d.Marks = append(d.Marks, Token{Row: d.stands(i), Token: leak.Token(id[:8])})
		}
	}
	for _, text := range d.IDs {
		if id, err := hex.DecodeString(text); err == nil && len(id) == 16 {
			d.Marks = append(d.Marks, Token{Row: d.stands(-1), Token: leak.Token(id[:8])})
		}
	}
}
