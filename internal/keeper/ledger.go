package keeper

import "github.com/amanah-project/amanah/internal/fault"

// ErrLedger refuses to move the mark of a ledger that is not the one it was set on.
var ErrLedger = fault.New(fault.Conflict, "the database's ledger is not the one that the keeper knows: it was cut or exchanged, or the database was restored; run `amanah check`, and when a restore explains it, amanah check --accept-ledger")

// Ledger is how far the database's ledger of rows has come (package store), as servers
// tell the keeper: what is cut off its end afterwards is found.
type Ledger struct {
	Seq   uint64
	Chain [32]byte
}

// MoveLedger asks that the mark be moved to To. Was is the ledger's own entry at the
// number that the mark stands at; where that differs the mark stays (ErrLedger). Accept,
// for an operator's command alone, sets it whatever was before.
type MoveLedger struct {
	Was, To Ledger
	Accept  bool
}
