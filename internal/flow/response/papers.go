package response

import (
	"fmt"
	"io"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/mark"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/flow/export"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/trace"
)

// Paper is a document of ours that a file of the evidence holds.
type Paper struct {
	File   int      `json:"file"`   // its number among Files
	Record string   `json:"record"` // keyed id of the record
	By     trace.By `json:"by"`
	Shared bool     `json:"shared,omitempty"` // several people have the same: whose this is, it does not say
}

func papers(r *trace.Result) []Paper {
	out := make([]Paper, len(r.Papers))
	for i, p := range r.Papers {
		out[i] = Paper{p.Source, fmt.Sprintf("%016x", uint64(p.Row)), p.By, p.Shared}
	}
	return out
}

// says tells of the documents in one line; of none, nothing.
func (c *Case) says(w io.Writer) {
	if c.Counts.Documents == 0 && len(c.Papers) == 0 {
		return
	}
	by := map[trace.By]int{}
	for _, p := range c.Papers {
		by[p.By]++
	}
	fmt.Fprintf(w, "%d documents, %d of ours in them: %d by their bytes, %d by what they show, %d by their text; of as many altered ones %d are found\n",
		c.Counts.Documents, len(c.Papers), by[trace.ByFile], by[trace.ByPixels], by[trace.ByText], c.Counts.DocumentDecoysFound)
}

// mostParts is how many parts an export may have, whose files have an identifier each.
const mostParts = (staff.MaxExport + export.PartPeople - 1) / export.PartPeople

// identified are the rows of all that has an identifier in a copy that these records were
// delivered in: the records, the images among them, and the copy's own parts.
func identified(base *leak.Base, delivered []leak.Row, images map[leak.Row][]leak.Row) []leak.Row {
	out := slices.Clone(delivered)
	for _, row := range delivered {
		out = append(out, images[row]...)
	}
	for n := range mostParts {
		for _, form := range []staff.Form{staff.FormPDF, staff.FormXLSX} {
			out = append(out, base.Row([]byte(mark.PartName(fmt.Sprintf("part-%04d.%s.age", n+1, form)))))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// named adds to holdings what identifiers may stand for in them.
func named(codes *keeper.Codes, all []leak.Holding, images map[leak.Row][]leak.Row) []leak.Holding {
	for i := range all {
		all[i].Documents = identified(&codes.Base, all[i].Rows, images)
	}
	return all
}
