package carrier

import "github.com/amanah-project/amanah/internal/domain/leak"

// Whose says whose row a cell is: a row of a flat file shows cells of two records, its own
// and the Patient's, which is the same in all rows of that person.
type Whose uint8

// Whose cells.
const (
	Record Whose = iota
	Person
)

// Place is where exports put one cell of a row. All values of a family in one row are
// spelled by one symbol, so that order and number of a person's addresses or telephones
// tell nothing and lose nothing.
type Place struct {
	Family leak.Family
	Index  uint8
	Whose  Whose
	Column string // of flat files
	Path   string // of FHIR resources, without positions in lists
}

// Places of elements that may be absent.
const (
	VersionAt uint8 = iota // the version's number
	SourceAt               // meta.source, where the resource has none of its own
	CountryAt              // the country of an address in Indonesia
	UseAt                  // that a name is the official one
)

// Places lists where cells are. Copies show each of them or, where a record has nothing
// there, none.
func Places() []Place {
	return []Place{
		{leak.Stamp, 0, Record, "updated", "meta.lastUpdated"},
		{leak.Presence, VersionAt, Record, "version", "meta.versionId"},
		{leak.Presence, SourceAt, Record, "source", "meta.source"},
		{leak.Letters, 0, Person, "name", "name"},
		{leak.Street, 0, Person, "address", "address.line"},
		{leak.Neighbourhood, 0, Person, "address", "address.line"},
		{leak.Telephone, 0, Person, "phone", "telecom.value"},
		{leak.Presence, CountryAt, Person, "country", "address.country"},
		{leak.Presence, UseAt, Person, "", "name.use"},
	}
}
