package postgres

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/sqlstore"
)

// errAgain marks a transaction that did nothing and may be run again.
var errAgain = errors.New("met another transaction")

func again(err error) error { return fmt.Errorf("%w: %w", err, errAgain) }

// translate makes a driver's error one of the port's. The server's text stays
// behind, because it quotes rows. lost says that the connection is gone.
func translate(err error, lost bool) error {
	if err == nil {
		return nil
	}
	pg, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case ok:
		return byCode(pg.Code)
	case lost:
		return fmt.Errorf("%w (connection lost)", store.ErrUnavailable)
	}
	// Neither the server's word nor a lost connection: a value that the wire form
	// of its column cannot hold.
	return fmt.Errorf("%w (value out of range)", store.ErrConstraint)
}

// byCode knows SQLSTATE, PostgreSQL's documentation, appendix A.
func byCode(code string) error {
	switch code {
	case "40001", "40P01": // serialization failure, deadlock
		return again(fmt.Errorf("%w (SQLSTATE %s)", store.ErrBatch, code))
	case "25006":
		return sqlstore.ErrReadOnly
	case "55P03", "57014", "25P03", "25P04": // limits of lock, statement, idle and whole transaction
		return fmt.Errorf("%w (SQLSTATE %s)", store.ErrSlow, code)
	case "53100", "53400": // disk full, a configured limit of room
		return fmt.Errorf("%w (SQLSTATE %s)", store.ErrFull, code)
	}
	switch code[:min(2, len(code))] {
	case "22", "23": // a value out of range, a constraint
		return fmt.Errorf("%w (SQLSTATE %s)", store.ErrConstraint, code)
	case "08", "28", "3D", "53", "57", "58", "XX": // connection, sign-in, database, resources, shutdown, system
		return fmt.Errorf("%w (SQLSTATE %s)", store.ErrUnavailable, code)
	}
	return fmt.Errorf("postgres: SQLSTATE %s", code)
}
