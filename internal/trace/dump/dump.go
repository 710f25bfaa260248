// Package dump reads what was leaked: files, folders and archives of every format that people
// post, as rows of raw values and as documents.
//
// It promises that every byte is accounted for, as parsed or as skipped and why, that nothing
// is written anywhere and nothing is run or evaluated, that memory is bounded whatever the
// input says, and that the same input gives the same rows and numbers in the same order on any
// number of cores. What cannot be read is part of the account and never ends a walk. It knows
// no person and no mark: values are raw, with only the container's quoting and character set
// undone, so that marks can be read before anything is normalised.
package dump

import (
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/trace/dump/chunk"
)

// Field is one value of a row: Name of the column or member, dotted where it was nested and
// possibly empty, and the raw Value.
type Field = chunk.Field

// Row is one row of a Source. Offset is that of its first byte in the source's text, as UTF-8;
// in a spreadsheet and a PDF it is a running number.
type Row = chunk.Row

// Reason is why bytes were skipped.
type Reason = chunk.Reason

// Kind is what a source is.
type Kind string

// Kinds of sources.
const (
	Table       Kind = "table" // CSV, TSV and their kin
	JSON        Kind = "json"
	NDJSON      Kind = "ndjson"
	SQL         Kind = "sql"
	Text        Kind = "text"
	Spreadsheet Kind = "xlsx"
	PDF         Kind = "pdf"
	DICOM       Kind = "dicom"
	Image       Kind = "image"
	Zip         Kind = "zip"
	Tar         Kind = "tar"
	Gzip        Kind = "gzip"
	Bzip2       Kind = "bzip2"
	Empty       Kind = "empty"
	Unknown     Kind = "unknown" // a Document all the same, by its hash
)

// Source is a file, or an entry of an archive, as it was found.
type Source struct {
	Number  int    // from 0, in the order of the walk
	Parent  int    // the archive it is in; -1 for a file
	Name    string // path as given, or the entry's name; input: show it, do not log it
	Kind    Kind
	Size    int64    // bytes, of an entry as unpacked
	SHA256  [32]byte // of these bytes, for custody
	Charset string   // of a text: utf-8, or utf-16 and utf-32 with le or be; bytes that are not UTF-8 are read as Windows-1252
	Header  []string // columns of a table that names them
}

// Batch is some rows of one source in their order. All of it is the walk's again when the
// Sink's method returns.
type Batch struct {
	Number int64 // from 0, without gaps, in the order of the walk
	Source int
	Kind   Kind
	Rows   []Row
	Text   []byte // the piece that the rows were read from, as UTF-8; nil where there was none
}

// Document is a file that is compared as a whole. Text of PDF files comes in batches, too.
type Document struct {
	Number int64 // in one sequence with batches
	Source int
	Kind   Kind

	FileHash  [32]byte // SHA-256 of the file
	PixelHash [32]byte // SHA-256 of width, height and pixels as decoded; zero when not decoded, or blank
	Width     int
	Height    int

	UIDs   []string // of DICOM: instance, study, series
	IDs    []string // of a PDF's /ID and XMP, hexadecimal or as they stand; of a workbook's properties
	Fields []Field  // what it says of itself: patient's name, birth date and the like of DICOM
	Text   []string // its words in order, for shingles: lines of a PDF or text; nil for others
	Beside bool     // IDs alone, of a file that is read as rows
}

// Sink takes what a walk reads.
//
// Rows and Document are called by Options.Workers goroutines at once, out of order; Passed by
// one, in order, when a number and all before it have returned. An error of any ends the walk.
type Sink interface {
	Rows(*Batch) error
	Document(*Document) error
	Passed(Mark) error
}

// Mark is how far a walk has come.
type Mark struct {
	Number int64 // batches and documents that were passed
	Source int
	Offset int64  // bytes of the source that lie behind, as unpacked
	Check  uint32 // CRC-32C of all bytes read up to here
}

// ErrChanged is returned by a walk that cannot go on from a State.
var ErrChanged = fault.New(fault.Conflict, "the files are not those that were begun: they have changed since; start again without the earlier run's state")

// Range is a range of bytes of a source.
type Range struct{ From, To int64 }

// Skipped are the bytes that one reason kept from being read.
type Skipped struct {
	Why    Reason
	Bytes  int64
	Ranges []Range // the first of them, neighbours made one
	More   int     // further ranges
}

// Account says of each byte of a source what became of it: Parsed and the Skipped add up to
// its size.
type Account struct {
	Source  int
	Parsed  int64
	Skipped []Skipped
}

// maxRanges are listed for one reason.
const maxRanges = 16

// skip adds a range.
func (a *Account) skip(from, to int64, why Reason) {
	if from >= to {
		return
	}
	for i := range a.Skipped {
		s := &a.Skipped[i]
		if s.Why != why {
			continue
		}
		s.Bytes += to - from
		last := &s.Ranges[len(s.Ranges)-1]
		switch {
		case s.More == 0 && last.To == from:
			last.To = to
		case len(s.Ranges) < maxRanges:
			s.Ranges = append(s.Ranges, Range{from, to})
		default:
			s.More++
		}
		return
	}
	a.Skipped = append(a.Skipped, Skipped{why, to - from, []Range{{from, to}}, 0})
}

// Lost returns the bytes that were skipped.
func (a *Account) Lost() (n int64) {
	for _, s := range a.Skipped {
		n += s.Bytes
	}
	return n
}

// Report is what a walk found, complete when it ended without an error.
type Report struct {
	Sources  []Source
	Accounts []Account // of each source, by its number
	Rows     int64
	Batches  int64
}
