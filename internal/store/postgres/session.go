package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/sqlstore"
)

// chunk is how many statements travel in one round trip.
const chunk = 256

// errStale is for a closure that kept its stores and uses them after its end.
var errStale = errors.New("store: used after its transaction")

// session is one transaction on one connection. Its statements get no context of
// a caller: the server's own limits end them, and here the server's silence does.
type session struct {
	conn    *pgx.Conn
	lock    string
	silence time.Duration

	mu   sync.Mutex
	dead error
	args sqlstore.Args
}

var _ sqlstore.Conn = (*session)(nil)

// Lock holds the rows of a SELECT, in a transaction that may write.
func (s *session) Lock() string { return s.lock }

// wait is the context of one round trip.
func (s *session) wait() (context.Context, context.CancelFunc) {
	if s.silence <= 0 {
		return context.Background(), func() {}
	}
	return context.WithTimeout(context.Background(), s.silence)
}

// end makes every later use of the session fail.
func (s *session) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead = errStale
}

// exec runs a statement that begins or undoes the transaction.
func (s *session) exec(sql string) error {
	ctx, cancel := s.wait()
	defer cancel()
	_, err := s.conn.Exec(ctx, sql)
	return translate(err, s.conn.IsClosed())
}

// commit ends the transaction. A server that took its leave instead of answering,
// even with a word of its own, may have committed before.
func (s *session) commit() error {
	ctx, cancel := s.wait()
	defer cancel()
	tag, err := s.conn.Exec(ctx, "commit")
	switch {
	case err == nil && tag.String() != "COMMIT":
		return store.ErrBatch // the server rolled back what had failed before
	case err != nil && s.conn.IsClosed():
		return fmt.Errorf("%w: %w", store.ErrUnknown, store.ErrUnavailable)
	}
	return translate(err, s.conn.IsClosed())
}

func (s *session) ExecEach(sql string, n int, bind func(i int, a *sqlstore.Args), changed func(i int, rows int64)) error {
	return s.each(sql, n, bind, func(i int, r pgx.BatchResults) error {
		tag, err := r.Exec()
		if err == nil && changed != nil {
			changed(i, tag.RowsAffected())
		}
		return err
	})
}

func (s *session) QueryEach(sql string, n int, bind func(i int, a *sqlstore.Args), scan func(i int, r sqlstore.Row) error) error {
	var mine error // of scan, which is not the database's
	err := s.each(sql, n, bind, func(i int, r pgx.BatchResults) error {
		rows, err := r.Query()
		if err != nil {
			return err
		}
		defer rows.Close()
		line := row{rows: rows}
		for rows.Next() {
			line.values = rows.RawValues()
			if mine = scan(i, &line); mine == nil {
				mine = line.err
			}
			if mine != nil {
				return mine
			}
		}
		return rows.Err()
	})
	if mine != nil {
		return mine
	}
	return err
}

// each sends n runs of a statement, chunk by chunk, and hands on each result.
func (s *session) each(sql string, n int, bind func(i int, a *sqlstore.Args), take func(i int, r pgx.BatchResults) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead != nil {
		return s.dead
	}
	for from := 0; from < n; from += chunk {
		to := min(from+chunk, n)
		batch := &pgx.Batch{}
		for i := from; i < to; i++ {
			s.args.Reset()
			bind(i, &s.args)
			batch.Queue(sql, boxed(s.args.List)...)
		}
		if err := s.send(batch, from, to, take); err != nil {
			return translate(err, s.conn.IsClosed())
		}
	}
	return nil
}

func (s *session) send(batch *pgx.Batch, from, to int, take func(i int, r pgx.BatchResults) error) error {
	ctx, cancel := s.wait()
	defer cancel()
	results := s.conn.SendBatch(ctx, batch)
	for i := from; i < to; i++ {
		if err := take(i, results); err != nil {
			results.Close()
			return err
		}
	}
	return results.Close()
}

func boxed(list []sqlstore.Arg) []any {
	out := make([]any, len(list))
	for i, a := range list {
		switch a.Kind {
		case sqlstore.Int:
			out[i] = a.Int
		case sqlstore.Bytes:
			out[i] = a.Bytes
			if a.Bytes == nil {
				out[i] = []byte{} // no bytes, not NULL
			}
		case sqlstore.Text:
			out[i] = a.Text
		}
	}
	return out
}

// row reads values as PostgreSQL sends them in the binary form.
type row struct {
	rows   pgx.Rows
	values [][]byte
	err    error
}

// raw returns a column that must not be NULL.
func (r *row) raw(col int) []byte {
	if f := r.rows.FieldDescriptions()[col]; f.Format != pgx.BinaryFormatCode && f.DataTypeOID != textOID || r.values[col] == nil {
		r.fail(col)
	}
	return r.values[col]
}

const textOID = 25 // pg_type.oid of text, whose two forms are one

func (r *row) fail(col int) {
	if r.err == nil {
		r.err = fmt.Errorf("postgres: column %d has another form than wanted", col)
	}
}

func (r *row) Int(col int) int64 {
	switch v := r.raw(col); len(v) {
	case 8:
		return int64(binary.BigEndian.Uint64(v))
	case 4:
		return int64(int32(binary.BigEndian.Uint32(v)))
	case 2:
		return int64(int16(binary.BigEndian.Uint16(v)))
	}
	r.fail(col)
	return 0
}

func (r *row) Text(col int) string { return string(r.raw(col)) }

func (r *row) Bytes(col int) []byte { return bytes.Clone(r.raw(col)) }

func (r *row) Fixed(col int, dst []byte) {
	v := r.raw(col)
	if len(v) != len(dst) {
		r.fail(col)
	}
	copy(dst, v)
}
