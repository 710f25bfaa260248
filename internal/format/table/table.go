// Package table writes rows of text as CSV, NDJSON, XLSX or PDF, the same bytes for the same
// rows, each file with an identifier where its form has a place for one.
//
// A cell is text and stays text: nothing is made a number or a formula by who opens the file.
package table

import (
	"encoding/hex"
	"io"
	"time"

	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of tables.
var (
	ErrForm  = fault.New(fault.Invalid, "a table is written as csv, ndjson, xlsx or pdf")
	ErrCells = fault.New(fault.Invalid, "a row of a table has another number of cells than its head")
)

// About is what a table says of itself.
type About struct {
	ID      [16]byte // of this file
	Title   string
	Made    time.Time
	Columns []string
}

func (a *About) id() string { return hex.EncodeToString(a.ID[:]) }

// Writer writes one table. Close ends it; the underlying writer stays open.
type Writer interface {
	Row(cells []string) error
	Close() error
}

// New begins a table in a form: csv, ndjson, xlsx or pdf; ErrForm.
func New(form string, w io.Writer, a About) (Writer, error) {
	switch form {
	case "csv":
		return newCSV(w, a)
	case "ndjson":
		return &lines{w: w, about: a}, nil
	case "xlsx":
		return newXLSX(w, a)
	case "pdf":
		return newPDF(w, a), nil
	}
	return nil, ErrForm
}
