package keeper

import (
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/fault"
)

// ErrExport: nothing leaves by this.
var ErrExport = fault.New(fault.Denied, "this export is not approved by two officers' passkeys, is over, or is not of these people")

// Export is an approved bulk export, as each batch of it shows: the keeper believes the
// passkeys of two different officers over all of the request, and nobody else.
type Export struct {
	Request   staff.Request
	Approvals []staff.Approval
	People    []identity.PersonID // all of the export's, ascending, as the request's body names them by their hash
}
