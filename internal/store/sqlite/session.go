package sqlite

import (
	"fmt"
	"strings"

	zs "zombiezen.com/go/sqlite"

	"github.com/amanah-project/amanah/internal/store/sqlstore"
)

// session runs statements on one connection, preparing each once.
type session struct {
	conn  *zs.Conn
	stmts map[string]*zs.Stmt // by the statement as sqlstore writes it
	args  sqlstore.Args
	row   row

	// seam, unless nil, stands between a statement and SQLite: tests break it there.
	seam func(sql string, step func() (bool, error)) (bool, error)
}

func newSession(conn *zs.Conn) *session {
	return &session{conn: conn, stmts: map[string]*zs.Stmt{}}
}

// prepared returns the statement; SQLite numbers ?n by n, but $n by appearance.
func (s *session) prepared(sql string) (*zs.Stmt, error) {
	if st, ok := s.stmts[sql]; ok {
		return st, nil
	}
	st, err := s.conn.Prepare(strings.ReplaceAll(sql, "$", "?"))
	if err != nil {
		return nil, translate(err)
	}
	s.stmts[sql] = st
	return st, nil
}

// exec runs a statement that has neither parameters nor rows.
func (s *session) exec(sql string) error {
	st, err := s.prepared(sql)
	if err != nil {
		return err
	}
	if _, err = s.step(sql, st); err != nil {
		st.Reset()
		return translate(err)
	}
	return translate(st.Reset())
}

// step runs a statement up to its next row.
func (s *session) step(sql string, st *zs.Stmt) (bool, error) {
	if s.seam == nil {
		return st.Step()
	}
	return s.seam(sql, st.Step)
}

func (s *session) bind(st *zs.Stmt, i int, bind func(i int, a *sqlstore.Args)) error {
	s.args.Reset()
	bind(i, &s.args)
	if len(s.args.List) != st.BindParamCount() {
		return fmt.Errorf("sqlite: %d parameters bound, %d wanted", len(s.args.List), st.BindParamCount())
	}
	for k := range s.args.List {
		switch a := &s.args.List[k]; a.Kind {
		case sqlstore.Int:
			st.BindInt64(k+1, a.Int)
		case sqlstore.Bytes:
			st.BindBytes(k+1, a.Bytes)
		case sqlstore.Text:
			st.BindText(k+1, a.Text)
		}
	}
	return nil
}

func (s *session) execEach(sql string, n int, bind func(i int, a *sqlstore.Args), changed func(i int, rows int64)) error {
	st, err := s.prepared(sql)
	if err != nil {
		return err
	}
	for i := range n {
		if err := s.bind(st, i, bind); err != nil {
			return err
		}
		if _, err := s.step(sql, st); err != nil {
			st.Reset() // so that no statement outlives its failure
			return translate(err)
		}
		if changed != nil {
			changed(i, int64(s.conn.Changes()))
		}
		if err := st.Reset(); err != nil {
			return translate(err)
		}
	}
	return nil
}

func (s *session) queryEach(sql string, n int, bind func(i int, a *sqlstore.Args), scan func(i int, r sqlstore.Row) error) error {
	st, err := s.prepared(sql)
	if err != nil {
		return err
	}
	s.row = row{st: st}
	for i := range n {
		if err := s.bind(st, i, bind); err != nil {
			return err
		}
		if err := s.rows(sql, st, i, scan); err != nil {
			st.Reset() // so that no read outlives its failure
			return err
		}
		if err := st.Reset(); err != nil {
			return translate(err)
		}
	}
	return nil
}

func (s *session) rows(sql string, st *zs.Stmt, i int, scan func(i int, r sqlstore.Row) error) error {
	for {
		more, err := s.step(sql, st)
		if err != nil {
			return translate(err)
		}
		if !more {
			return nil
		}
		if err := scan(i, &s.row); err != nil {
			return err
		}
		if s.row.err != nil {
			return s.row.err
		}
	}
}

// row is the row a statement stands on.
type row struct {
	st  *zs.Stmt
	err error
}

func (r *row) Int(col int) int64 { return r.st.ColumnInt64(col) }

func (r *row) Text(col int) string { return r.st.ColumnText(col) }

func (r *row) Bytes(col int) []byte {
	// The blob before its length: SQLite may convert a column when asked for it.
	b := make([]byte, r.st.ColumnLen(col))
	r.st.ColumnBytes(col, b)
	return b
}

func (r *row) Fixed(col int, dst []byte) {
	if n := r.st.ColumnLen(col); n != len(dst) && r.err == nil {
		r.err = fmt.Errorf("sqlite: column %d has %d bytes, want %d", col, n, len(dst))
	}
	r.st.ColumnBytes(col, dst)
}
