package leak

import (
	"fmt"
	"io"
	"log/slog"
)

// Trait is what a version of a record is known by when its row turns up elsewhere without its
// number. It is in the clear, on its way to the keeper's tags only.
type Trait struct {
	Visit   []byte // facility and day, as norm.Visit composes them; empty when there is no day
	Kind    uint8  // record.Kind: what kind of document came of it
	Address []byte // of a Patient, as norm.Address has it; empty for none
}

// Format redacts, whatever the verb.
func (Trait) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[redacted]") }

// LogValue redacts.
func (Trait) LogValue() slog.Value { return slog.StringValue("[redacted]") }
