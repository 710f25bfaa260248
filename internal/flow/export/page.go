package export

import (
	"bytes"
	"io"
	"time"

	"github.com/amanah-project/amanah/internal/domain/leak/mark"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/format/fhir"
	"github.com/amanah-project/amanah/internal/format/table"
)

// title is what a part says that it is: nothing of whom it is.
const title = "Salinan rekam medis"

// ending is how the name of a part ends. Rows and resources are both NDJSON.
func ending(f staff.Form) string {
	switch f {
	case staff.FormFHIR:
		return "ndjson.age"
	case staff.FormNDJSON:
		return "rows.ndjson.age"
	}
	return string(f) + ".age"
}

// page is one part of a copy, as it is written.
type page struct {
	name  string
	form  staff.Form
	pen   *mark.Pen
	made  time.Time
	join  func(people [][]care.Record) [][]care.Record // puts canaries among a part's people
	out   io.Writer
	table table.Writer // of the flat forms
}

// begin starts the part. The same records make the same bytes.
func (p page) begin(w io.Writer) (*page, error) {
	p.out = w
	if p.form == staff.FormFHIR {
		return &p, nil
	}
	about := table.About{ID: p.pen.Document(mark.PartName(p.name)), Title: title, Made: p.made, Columns: record.Columns()}
	var err error
	p.table, err = table.New(p.form.String(), w, about)
	return &p, err
}

// person writes what is of one person, marked.
func (p *page) person(records []care.Record) error {
	if p.form == staff.FormFHIR {
		for i := range records {
			if err := p.resource(&records[i]); err != nil {
				return err
			}
		}
		return nil
	}
	var patient *fhir.Resource
	parsed := make([]*fhir.Resource, len(records))
	for i := range records {
		var err error
		if parsed[i], err = fhir.Parse(records[i].Body); err != nil {
			return err
		}
		if parsed[i].Type == "Patient" {
			patient = parsed[i]
		}
	}
	for i := range records {
		r := &records[i]
		cells := record.Flat(patient, parsed[i], &r.Meta, r.Ref, r.Version, mark.Source)
		p.pen.Row(r.Ref.String(), record.Ref{Person: r.Ref.Person}.String(), record.Columns(), cells)
		if err := p.table.Row(cells); err != nil {
			return err
		}
	}
	return nil
}

func (p *page) resource(r *care.Record) error {
	line, err := r.Resource()
	if err == nil {
		line, err = p.pen.Resource(r.Ref.String(), line)
	}
	if err == nil {
		_, err = p.out.Write(append(bytes.TrimSpace(line), '\n'))
	}
	return err
}

func (p *page) end() error {
	if p.table == nil {
		return nil
	}
	return p.table.Close()
}
