// Package mark writes what tells a copy from others into what the copy holds: a token for
// each row, and a symbol in each place where package carrier spells one.
//
// What a record means stays as it is. A mark changes the spelling of addresses, names and
// telephone numbers, the thousandths of technical times, and whether elements without a
// meaning for care are there; it adds a token, and names images otherwise, wherever they are
// named. Everything is drawn from the copy's seed; nothing is kept per cell.
package mark

import (
	"encoding/hex"
	"math/big"
	"strings"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/carrier"
	"github.com/amanah-project/amanah/internal/format/fhir"
)

const (
	// TokenSystem is whose codes a copy's tokens are, in meta.tag of each resource.
	TokenSystem = "urn:amanah:row"
	// Source is what meta.source says where a copy shows it.
	Source = "urn:amanah:export"
)

// Pen marks one copy.
type Pen struct {
	base *leak.Base
	seed *leak.Seed
}

// New returns the pen of a copy.
func New(base *leak.Base, seed *leak.Seed) *Pen { return &Pen{base, seed} }

// Token is a record's token in the copy, 16 hexadecimal digits. The record is named as
// record.Ref names it.
func (p *Pen) Token(name string) string {
	t := p.seed.Token(p.base.Row([]byte(name)))
	return hex.EncodeToString(t[:])
}

// Document identifies one file of the copy by its name, as record.Ref has that of a
// document, or PartName that of a part.
func (p *Pen) Document(name string) [16]byte {
	return p.seed.Document(p.base.Row([]byte(name)), []byte(name))
}

// PartName names a part of a copy, for Document.
func PartName(file string) string { return "export part " + file }

// UID is what a DICOM UID is in the copy, the same wherever it is named: 2.25 and an
// integer of 128 bits (PS3.5 annex B.2).
func (p *Pen) UID(uid string) string {
	id := p.Document(leak.UIDName(uid))
	return uidRoot + new(big.Int).SetBytes(id[:]).String()
}

// uidRoot is that of UIDs that are integers of 128 bits.
const uidRoot = "2.25."

// ParseUID returns the 128 bits of a UID that may be a copy's.
func ParseUID(uid string) (id [16]byte, ok bool) {
	digits, ok := strings.CutPrefix(uid, uidRoot)
	n, parsed := new(big.Int).SetString(digits, 10)
	if !ok || len(digits) > 39 || !parsed || n.Sign() <= 0 || n.BitLen() > 128 {
		return id, false
	}
	n.FillBytes(id[:])
	return id, true
}

// symbol is what the copy says in a cell.
func (p *Pen) symbol(row leak.Row, f leak.Family, index uint8) bool {
	return p.seed.Symbol(p.base, leak.Cell{Row: row, Family: f, Index: index})
}

// spell renders a value of a family; what has no carrier stays.
func (p *Pen) spell(row leak.Row, f leak.Family, index uint8, value string) string {
	out, _ := carrier.Render(f, value, p.symbol(row, f, index))
	return out
}

// Resource marks a record's resource, which record.Ref names.
func (p *Pen) Resource(name string, raw []byte) ([]byte, error) {
	row := p.base.Row([]byte(name))
	e := fhir.Edit{
		Tag:  fhir.Coding{System: TokenSystem, Code: p.Token(name)},
		Text: func(place, text string) (string, bool) { return p.text(row, place, text) },
	}
	if p.symbol(row, leak.Presence, carrier.SourceAt) {
		e.Source = Source
	}
	return fhir.Rewrite(raw, e)
}

// text marks one text of a resource by where it stands.
func (p *Pen) text(row leak.Row, place, text string) (string, bool) {
	typ, rest, _ := strings.Cut(place, ".")
	switch rest {
	case "meta.lastUpdated":
		return p.spell(row, leak.Stamp, 0, text), true
	case "meta.versionId":
		return text, p.symbol(row, leak.Presence, carrier.VersionAt)
	}
	switch typ {
	case "Patient":
		return p.patient(row, rest, text)
	case "ImagingStudy":
		return p.image(rest, text), true
	}
	return text, true
}

func (p *Pen) patient(row leak.Row, place, text string) (string, bool) {
	switch place {
	case "name.text", "name.family", "name.given":
		return p.spell(row, leak.Letters, 0, text), true
	case "name.use":
		return text, text != "official" || p.symbol(row, leak.Presence, carrier.UseAt)
	case "address.line", "address.text":
		return p.address(row, text), true
	case "address.country":
		return text, !indonesia(text) || p.symbol(row, leak.Presence, carrier.CountryAt)
	case "telecom.value":
		return p.spell(row, leak.Telephone, 0, text), true
	}
	return text, true
}

func (p *Pen) address(row leak.Row, text string) string {
	return p.spell(row, leak.Neighbourhood, 0, p.spell(row, leak.Street, 0, text))
}

// indonesia: an address at home is one without its country, too.
func indonesia(country string) bool {
	switch strings.ToUpper(country) {
	case "ID", "IDN", "INDONESIA":
		return true
	}
	return false
}

// image names a study's images as the copy's files do.
func (p *Pen) image(place, text string) string {
	switch place {
	case "series.uid", "series.instance.uid":
		return p.UID(text)
	case "identifier.value":
		if uid, ok := strings.CutPrefix(text, "urn:oid:"); ok {
			return "urn:oid:" + p.UID(uid)
		}
	}
	return text
}

// Row marks a row of a flat file, by its columns' names: a record's, and whose it is. Both
// are named as record.Ref names them. It changes cells in place.
func (p *Pen) Row(name, person string, columns, cells []string) {
	rows := [...]leak.Row{carrier.Record: p.base.Row([]byte(name)), carrier.Person: p.base.Row([]byte(person))}
	for i, column := range columns {
		switch column {
		case "token":
			cells[i] = p.Token(name)
			continue
		case "person_token":
			cells[i] = p.Token(person)
			continue
		}
		for _, at := range carrier.Places() {
			if at.Column != column || cells[i] == "" || at.Index == carrier.CountryAt && at.Family == leak.Presence && !indonesia(cells[i]) {
				continue
			}
			cells[i] = p.spell(rows[at.Whose], at.Family, at.Index, cells[i])
		}
	}
}
