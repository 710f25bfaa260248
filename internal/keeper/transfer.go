package keeper

import (
	"time"

	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of transfers between facilities.
var (
	ErrSending  = fault.New(fault.Invalid, "records are sent to another facility, to be fetched until a day that is to come, 30 days ahead at most")
	ErrTransfer = fault.New(fault.Denied, "the keeper knows no such transfer to this facility, or it is over")
)

// MaxTransfer is how far ahead a transfer may be fetched.
const MaxTransfer = 30 * 24 * time.Hour

// TransferAsk asks for the platform's signed statement about a document that was made of
// what a signed request to send opened, once, within minutes of it.
type TransferAsk struct {
	ID     [16]byte // of the receipt of OpenRecords
	Digest [32]byte // SHA-256 of the document
	Size   int64
}
