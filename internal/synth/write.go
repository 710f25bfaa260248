package synth

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/status"
)

// WritePeople writes people from to to-1 as CSV; before person 0 it writes the
// header nik,name,birth,sex,phone. Sex is M or F, a phone has its "+".
func (p *Population) WritePeople(w io.Writer, from, to int) error {
	c := csv.NewWriter(w)
	if from == 0 {
		if err := c.Write([]string{"nik", "name", "birth", "sex", "phone"}); err != nil {
			return fmt.Errorf("write people: %w", err)
		}
	}
	for i := from; i < to; i++ {
		if err := c.Write(columns(p.Person(i))); err != nil {
			return fmt.Errorf("write people: %w", err)
		}
	}
	c.Flush()
	if err := c.Error(); err != nil {
		return fmt.Errorf("write people: %w", err)
	}
	return nil
}

func columns(p identity.Person) []string {
	sex, phone := "M", ""
	if p.Sex == identity.Female {
		sex = "F"
	}
	if !p.Phone.IsZero() {
		phone = "+" + p.Phone.Reveal()
	}
	return []string{p.NIK.Reveal(), p.Name.Reveal(), p.Birth.String(), sex, phone}
}

// WriteEvidence writes the evidence of people from to to-1 as NDJSON, one fact to
// a line. People about whom nothing is known have none.
func (p *Population) WriteEvidence(w io.Writer, from, to int) error {
	out := json.NewEncoder(w)
	for i := from; i < to; i++ {
		nik := p.NIK(i).Reveal()
		for _, f := range facts(p.Evidence(i)) {
			f.NIK = nik
			if err := out.Encode(f); err != nil {
				return fmt.Errorf("write evidence: %w", err)
			}
		}
	}
	return nil
}

// fact is one line of evidence.
type fact struct {
	NIK     string `json:"nik"`
	Kind    string `json:"kind"`
	On      string `json:"on,omitempty"`
	At      string `json:"at,omitempty"`
	Vaccine string `json:"vaccine,omitempty"`
	Abroad  bool   `json:"abroad,omitempty"`
	Test    string `json:"test,omitempty"`
	Result  string `json:"result,omitempty"`
	Until   string `json:"until,omitempty"`
	Cleared string `json:"cleared,omitempty"`
	Ref     string `json:"ref"`
}

func facts(e status.Evidence) []fact {
	out := make([]fact, 0, e.Len())
	add := func(kind string, on day.Day, ref string) *fact {
		out = append(out, fact{Kind: kind, On: on.String(), Ref: ref})
		return &out[len(out)-1]
	}
	for _, d := range e.Doses {
		f := add("dose", d.On, d.Ref)
		f.Vaccine, f.Abroad = d.Vaccine, d.Abroad
	}
	for _, t := range e.Tests {
		f := fact{Kind: "test", At: t.At.In(day.Zone()).Format(time.RFC3339), Test: t.Kind.String(), Result: "negative", Ref: t.Ref}
		if t.Positive {
			f.Result = "positive"
		}
		out = append(out, f)
	}
	for _, r := range e.Recoveries {
		add("recovery", r.On, r.Ref)
	}
	for _, c := range e.Contacts {
		add("contact", c.On, c.Ref)
	}
	for _, x := range e.Exemptions {
		add("exemption", x.From, x.Ref).Until = x.Until.String()
	}
	for _, a := range e.Arrivals {
		if f := add("arrival", a.On, a.Ref); a.Cleared {
			f.Cleared = a.ClearedOn.String()
		}
	}
	for _, i := range e.Inquiries {
		add("inquiry", i.On, i.Ref)
	}
	return out
}
