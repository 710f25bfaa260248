package synth

import (
	"fmt"
	"io"
	"time"
)

// WriteCSV writes the i-th person as a row of nik, name, birth_date and phone.
func (p Population) WriteCSV(w io.Writer, i int) error {
	who, err := p.Person(i)
	if err != nil {
		return err
	}
	phone := ""
	if !who.Phone.IsZero() {
		phone = "+" + who.Phone.Reveal()
	}
	_, err = fmt.Fprintf(w, "%s,%s,%s,%s\n", who.NIK.Reveal(), who.Name.Reveal(), who.Birth, phone)
	return err
}

// WriteNDJSON writes the i-th person's evidence, one object a line.
func (p Population) WriteNDJSON(w io.Writer, i int) error {
	who, err := p.Person(i)
	if err != nil {
		return err
	}
	nik := who.NIK.Reveal()
	e := p.Evidence(i)
	for _, d := range e.Doses {
		if _, err := fmt.Fprintf(w, `{"nik":"%s","kind":"dose","on":"%s","vaccine":"%s","ref":"%s"}`+"\n", nik, d.On, d.Vaccine, d.Ref); err != nil {
			return err
		}
	}
	for _, t := range e.Tests {
		if _, err := fmt.Fprintf(w, `{"nik":"%s","kind":"test","at":"%s","test":"%s","result":"positive","ref":"%s"}`+"\n", nik, t.At.UTC().Format(time.RFC3339), t.Kind, t.Ref); err != nil {
			return err
		}
	}
	for _, c := range e.Contacts {
		if _, err := fmt.Fprintf(w, `{"nik":"%s","kind":"contact","on":"%s","ref":"%s"}`+"\n", nik, c.On, c.Ref); err != nil {
			return err
		}
	}
	for _, q := range e.Inquiries {
		if _, err := fmt.Fprintf(w, `{"nik":"%s","kind":"inquiry","on":"%s","ref":"%s"}`+"\n", nik, q.On, q.Ref); err != nil {
			return err
		}
	}
	return nil
}
