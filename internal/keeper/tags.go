package keeper

import (
	"github.com/amanah-project/amanah/internal/domain/leak/norm"
	"github.com/amanah-project/amanah/internal/trace/index"
)

// TagAsk asks for one person's tags in the trace index. Facts has a NIK, unless the person's
// row alone is of use, and the rest where the person themselves is to be found by it.
type TagAsk struct {
	Facts   index.Facts
	Name    string      // record.Ref of the person; empty when only Records are asked for
	From    norm.Minute // when these facts were written
	Records []TagRecord
}

// TagRecord is one version of one of the person's records.
type TagRecord struct {
	Name   string // record.Ref
	Number uint64
	From   norm.Minute // when it was written
}

// Tagged answers a TagAsk.
type Tagged struct {
	Full    index.Tag        // of the NIK
	People  []index.Identity // the person, where they were asked for, and perhaps a decoy
	Records []index.Version
}
