package record

import (
	"time"

	"github.com/amanah-project/amanah/internal/format/fhir"
)

// Filter finds records within one person's, in memory, over what was opened. Its zero
// value lets all through but void ones.
type Filter struct {
	Types       []string    // any of these FHIR types; "" is a document alone
	Code        fhir.Coding // one of the codes; of any system when that is empty
	Category    fhir.Coding
	Status      string
	Kind        *Kind
	From, Until time.Time // what it is about overlaps this; a zero end is open
	Void        bool      // void records, too
}

// Holds reports whether a record is among those sought.
func (f *Filter) Holds(m *Meta) bool {
	return f.ofType(m.Type) && (f.Kind == nil || *f.Kind == m.Kind) &&
		(f.Status == "" || f.Status == m.Status) && (f.Void || !m.Void()) &&
		coded(f.Code, m.Codes) && coded(f.Category, m.Category) && f.overlaps(m)
}

func (f *Filter) ofType(t string) bool {
	for _, one := range f.Types {
		if one == t {
			return true
		}
	}
	return len(f.Types) == 0
}

func coded(want fhir.Coding, have []fhir.Coding) bool {
	if want.Code == "" {
		return true
	}
	for _, c := range have {
		if c.Code == want.Code && (want.System == "" || want.System == c.System) {
			return true
		}
	}
	return false
}

func (f *Filter) overlaps(m *Meta) bool {
	if f.From.IsZero() && f.Until.IsZero() {
		return true
	}
	if m.From.IsZero() && m.Until.IsZero() {
		return false
	}
	return (f.Until.IsZero() || m.From.Before(f.Until)) && (f.From.IsZero() || m.Until.After(f.From))
}
