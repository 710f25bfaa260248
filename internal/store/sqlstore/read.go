package sqlstore

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/amanah-project/amanah/internal/store"
)

// reading is a statement that reads rows of a table of the ledger.
type reading struct {
	watching
	sql string // with all columns of the table after those asked for
	at  int    // how many are asked for
	// keys are the places of the parameters that are the primary key, in its order, when
	// the statement looks for one row by nothing else.
	keys []int
}

var (
	selects = regexp.MustCompile(`^SELECT ([\w\s,"]+?)\s+FROM "?(\w+)"?(?:\s+(?:WHERE|ORDER|FOR)\s.*)?\s*$`)
	byNames = regexp.MustCompile(`\sWHERE ("?\w+"? = \$\d+(?: AND "?\w+"? = \$\d+)*)(?: FOR UPDATE)?\s*$`)
	oneName = regexp.MustCompile(`\b(\w+)"? = \$(\d+)`)
	inserts = regexp.MustCompile(`^INSERT INTO (\w+)\s*\(([^)]*)\)\s*VALUES \((.*?)\)(?:\s+ON CONFLICT.*)?\s*$`)
	updates = regexp.MustCompile(`^UPDATE (\w+) SET .* WHERE (.*)$`)
)

// line is a statement on one.
func line(sql string) string { return strings.Join(strings.Fields(sql), " ") }

// reads returns how a statement's rows are held against the ledger, or nil.
func (l *Ledger) reads(sql string) *reading {
	if l == nil {
		return nil
	}
	if r, ok := l.read.Load(sql); ok {
		return r.(*reading)
	}
	var r *reading
	one := line(sql)
	if m := selects.FindStringSubmatch(one); m != nil {
		if w, ours := l.rows[m[2]]; ours {
			from := len("SELECT ") + len(m[1])
			r = &reading{
				watching: w, sql: one[:from] + ", " + strings.Join(columns(w.table), ", ") + one[from:],
				at: strings.Count(m[1], ",") + 1,
			}
			if by := byNames.FindStringSubmatch(one); by != nil {
				r.keys = w.bound(by[1], true)
			}
		}
	}
	l.read.Store(sql, r)
	return r
}

// bound returns the places of the parameters that a condition compares the primary key's
// columns with, or nil; with only, the condition may be of nothing else.
func (w watching) bound(cond string, only bool) []int {
	names := oneName.FindAllStringSubmatch(cond, -1)
	keys := byKey(w.table)
	if only && len(names) != len(keys) || strings.Contains(cond, " OR ") {
		return nil
	}
	var out []int
	for _, k := range keys {
		i := slices.IndexFunc(names, func(n []string) bool { return n[1] == k.Name })
		if i < 0 {
			return nil
		}
		n, _ := strconv.Atoi(names[i][2])
		out = append(out, n-1)
	}
	return out
}

// writes returns the places of the parameters that name the row that a statement writes,
// or nil when it names none.
func (w watching) writes(sql string) []int {
	one := line(sql)
	if m := updates.FindStringSubmatch(one); m != nil {
		return w.bound(m[2], false)
	}
	m := inserts.FindStringSubmatch(one)
	if m == nil {
		return nil
	}
	names, values := strings.Split(m[2], ","), strings.Split(m[3], ",")
	var cond []string
	for i := range min(len(names), len(values)) {
		cond = append(cond, strings.TrimSpace(names[i])+" = "+strings.TrimSpace(values[i]))
	}
	return w.bound(strings.Join(cond, " AND "), false)
}

// sight is a row as it was read, or that it was not there.
type sight struct {
	key []byte // its name in the ledger
	mac []byte // empty when it is not there
	at  int    // how many rows were read before it; of look-ups by primary key which it is
}

// heldEach runs a statement whose rows are held against the ledger. Those that are not
// what was written it returns by their order, of look-ups by primary key which they are,
// when lenient; else store.ErrAltered, which ends the transaction.
func (t *Tx) heldEach(rd *reading, n int, bind func(i int, a *Args), scan func(i int, r Row) error, lenient bool) (bad []int, err error) {
	var there []bool
	if rd.keys != nil {
		there = make([]bool, n)
	}
	var doubts []sight
	rows := 0
	if err := t.conn.QueryEach(rd.sql, n, bind, func(i int, r Row) error {
		if there != nil {
			there[i] = true
		}
		row := valuesFrom(rd.table, r, rd.at)
		mac := t.ledger.sealer.Ledger(rd.table, row)
		s := sight{t.ledger.key.Row(rd.table, row), mac[:], rows}
		if rows++; rd.keys != nil {
			s.at = i
		}
		if !t.known(rd.table.Name, s) {
			doubts = append(doubts, s)
		}
		return scan(i, r)
	}); err != nil {
		return nil, t.fail(err)
	}
	var a Args
	for i := range there {
		if there[i] {
			continue
		}
		a.Reset()
		bind(i, &a)
		if s := (sight{t.ledger.key.Row(rd.table, rd.row(pickArgs(a, rd.keys))), nil, i}); !t.known(rd.table.Name, s) {
			doubts = append(doubts, s)
		}
	}
	for _, s := range doubts {
		good, err := t.confirmed(rd.table.Name, s)
		switch {
		case err != nil:
			return nil, t.fail(err)
		case good:
		case !lenient:
			return nil, t.fail(store.ErrAltered)
		default:
			bad = append(bad, s.at)
		}
	}
	return bad, nil
}

func pickArgs(a Args, at []int) []Arg {
	out := make([]Arg, len(at))
	for i, n := range at {
		if n < len(a.List) {
			out[i] = a.List[n]
		}
	}
	return out
}

// known reports whether a row is what this transaction made of it or what the server knows
// that it was last.
func (t *Tx) known(table string, s sight) bool {
	row := t.ledger.seen.rowHash(table, s.key)
	if e, made := t.made[row]; made {
		return e.there == (len(s.mac) > 0) && e.mac == short(s.mac)
	}
	return t.ledger.seen.judge(row, s.mac, t.began) == whole
}

// confirmed asks the ledger in the database about a row that the server does not know.
func (t *Tx) confirmed(table string, s sight) (bool, error) {
	row := t.ledger.seen.rowHash(table, s.key)
	if _, made := t.made[row]; made || t.ledger.seen.judge(row, s.mac, t.began) == altered {
		return false, nil
	}
	last, err := t.newest(table, s.key)
	if err != nil || string(last.MAC) != string(s.mac) {
		if err == store.ErrAltered {
			err = nil
		}
		return false, err
	}
	return t.ledger.seen.newest(row, last.Seq, t.began), nil
}

// complete fails when a table of the ledger has not exactly the rows that the ledger has by
// what this transaction sees of both: some were removed, or added. Of a server that does not
// follow the ledger it asks nothing.
func (t *Tx) complete(table string) error {
	if t.err != nil || t.ledger == nil || !t.began.ready {
		return t.err
	}
	want, err := t.counted(table)
	if err != nil {
		return t.fail(err)
	}
	n, err := t.number("SELECT COUNT(*) FROM " + quote(table))
	if err == nil && n != want {
		err = store.ErrAltered
	}
	if err != nil {
		return t.fail(err)
	}
	return nil
}

// counted returns how many rows a table has by the ledger: what the server remembers, and
// the entries that were written since, each of which has to follow the one before. So
// neither another row's entry nor a forged one accounts for a row that misses.
func (t *Tx) counted(table string) (int64, error) {
	last, err := t.number("SELECT COALESCE(MAX(seq), 0) FROM store_ledger")
	if err != nil {
		return 0, err
	}
	if uint64(last) < max(t.began.end, t.began.own) {
		return 0, store.ErrAltered // its end was cut off
	}
	seen := t.ledger.seen
	var later []store.LedgerEntry
	for mark := seen.mark(); mark.Seq < uint64(last); {
		page, err := t.entriesFrom(mark.Seq, 4*pruneAtOnce)
		if err != nil {
			return 0, err
		}
		for _, e := range page {
			if !t.ledger.key.Follows(mark, e) {
				return 0, store.ErrAltered
			}
			mark = store.LedgerMark{Seq: e.Seq, Chain: e.Chain}
		}
		if len(page) == 0 {
			return 0, store.ErrAltered
		}
		later = append(later, page...)
	}
	n, ok := seen.counted(table, uint64(last), later)
	if !ok {
		return 0, store.ErrAltered
	}
	return n, nil
}

// number runs a statement whose answer is one.
func (t *Tx) number(sql string) (n int64, err error) {
	err = t.conn.QueryEach(sql, 1, func(int, *Args) {}, func(_ int, r Row) error {
		n = r.Int(0)
		return nil
	})
	return n, err
}

// before holds the rows that a statement is about to write against the ledger: what
// somebody else made of them must not become what was written.
func (t *Tx) before(n *noting, items int, bind func(i int, a *Args)) error {
	if n.keys == nil {
		return nil
	}
	rd := n.look
	if t.conn.Lock() != "" {
		rd = t.ledger.reads(n.look.watching.sql + t.conn.Lock())
	}
	var a Args
	_, err := t.heldEach(rd, items, func(i int, to *Args) {
		a.Reset()
		bind(i, &a)
		to.List = append(to.List, pickArgs(a, n.keys)...)
	}, func(int, Row) error { return nil }, false)
	return err
}
