package sqlite

import (
	"errors"
	"fmt"

	zs "zombiezen.com/go/sqlite"

	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/sqlstore"
)

// errSync marks a failed fsync: what the file holds is then unknown until it is
// opened again, so the writer stops.
var errSync = errors.New("fsync failed")

// translate makes SQLite's result code one of the port's errors. The driver's
// text stays behind: it may quote what was written.
func translate(err error) error {
	if err == nil {
		return nil
	}
	code := zs.ErrCode(err)
	switch code {
	case zs.ResultIOErrFsync, zs.ResultIOErrDirFsync:
		return fmt.Errorf("%w: %w", store.ErrUnavailable, errSync)
	}
	var kind error
	switch code.ToPrimary() {
	case zs.ResultConstraint, zs.ResultMismatch, zs.ResultTooBig, zs.ResultRange:
		kind = store.ErrConstraint
	case zs.ResultFull:
		kind = store.ErrFull
	case zs.ResultBusy, zs.ResultLocked:
		kind = store.ErrBatch
	case zs.ResultReadOnly:
		kind = sqlstore.ErrReadOnly
	case zs.ResultIOErr, zs.ResultCantOpen, zs.ResultCorrupt, zs.ResultNotADB, zs.ResultProtocol,
		zs.ResultNoMem, zs.ResultPerm, zs.ResultAuth, zs.ResultInterrupt, zs.ResultAbort:
		kind = store.ErrUnavailable
	default:
		return fmt.Errorf("sqlite: %v", code)
	}
	return fmt.Errorf("%w (%v)", kind, code)
}
