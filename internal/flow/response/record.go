package response

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/norm"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/trace"
)

// Record is what the record of who opened what says of a sample as a whole, and where its
// two halves disagree: the keeper's journal, which has what was opened, and the database,
// which has the versions there are and what officers asked for and approved. Either is
// written by another process; whoever changed one afterwards shows here.
type Record struct {
	Shown      int      `json:"shown"`      // versions of records that the sample shows
	Unopened   int      `json:"unopened"`   // of them, those that the journal says nobody opened
	Unstored   int      `json:"unstored"`   // of them, those that the database has no version of
	Missing    int      `json:"missing"`    // versions that were opened and are not in the database, though nobody erased their person
	Unapproved []string `json:"unapproved"` // exports that opened records, of which the database has no request with its approvals
}

// table writes the record for people.
func (r *Record) table(w io.Writer) {
	fmt.Fprintf(w, "%d versions shown; the journal says nobody opened %d of them\n", r.Shown, r.Unopened)
	if r.Missing+r.Unstored+len(r.Unapproved) > 0 {
		fmt.Fprintf(w, "JOURNAL AND DATABASE DISAGREE: %d versions opened and %d shown that the database has not; exports opened without an approved request: %s\n",
			r.Missing, r.Unstored, cmp.Or(strings.Join(r.Unapproved, " "), "none"))
	}
	fmt.Fprintln(w)
}

// Opened is what an account or a copy opened of what a sample shows.
type Opened struct {
	Versions int       `json:"versions"` // of those shown
	InTime   int       `json:"inTime"`   // of them, before the end of the last snapshot
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
	Doors    []string  `json:"doors"` // through which, ascending
}

// String is a cell of the table.
func (o *Opened) String() string {
	if o == nil {
		return "0"
	}
	return fmt.Sprintf("%d (%d in time) by %s, %s to %s", o.Versions, o.InTime, strings.Join(o.Doors, ", "), o.First.UTC().Format("2006-01-02"), o.Last.UTC().Format("2006-01-02"))
}

// lastOf is when the last snapshot ends; zero for one that is still open, and for none.
func lastOf(all []leak.Snapshot) (last time.Time) {
	for _, s := range all {
		if s.Window.To.IsZero() {
			return time.Time{}
		}
		if s.Window.To.After(last) {
			last = s.Window.To
		}
	}
	return last
}

// account is somebody who opened records, or a copy that was given them.
type account struct {
	who  string
	copy leak.Copy
}

// version is one version of a record.
type version struct {
	row    leak.Row
	number uint64
}

// logs is what the record of who opened what says.
type logs struct {
	reads    []keeper.Reading
	record   Record
	accounts []account
	at       map[account]int
	by       [][]int // of each account: its readings
	ln       []float64
	shown    map[version]bool // of those that the sample shows, as far as they are dated
}

func (l *logs) of(a account) float64 {
	if i, known := l.at[a]; known {
		return l.ln[i]
	}
	return 0
}

// log holds the sample against who opened what.
func (f *Flow) log(ctx context.Context, r *trace.Result, held int, base *leak.Base, reads []keeper.Reading) (*logs, error) {
	stored, err := f.stored(ctx, r, base, reads)
	if err != nil {
		return nil, err
	}
	l := &logs{reads: reads, at: map[account]int{}, shown: map[version]bool{}}
	l.record.Missing = missing(stored, reads)
	if l.record.Unapproved, err = f.unapproved(ctx, reads); err != nil {
		return nil, err
	}
	l.corroborate(r, held, stored)
	return l, nil
}

// corroborate weighs accounts by the versions that they opened: where the sample shows which
// version it has, who opened another one of the record says nothing.
func (l *logs) corroborate(r *trace.Result, held int, stored map[leak.Row][]dated) {
	in := leak.Logged{Versions: max(held, 1)}
	byVersion, byRow := map[version][]int{}, map[leak.Row][]int{}
	had := map[account]map[version]bool{}
	add := func(all []int, a int) []int {
		if slices.Contains(all, a) {
			return all
		}
		return append(all, a)
	}
	for i, read := range l.reads {
		a := account{read.Who, read.Copy}
		if had[a] == nil {
			had[a] = map[version]bool{}
			l.at[a] = len(l.accounts)
			l.accounts, l.by = append(l.accounts, a), append(l.by, nil)
		}
		l.by[l.at[a]] = append(l.by[l.at[a]], i)
		for _, v := range read.Rows {
			one := version{v.Row, v.Version}
			had[a][one] = true
			byVersion[one], byRow[v.Row] = add(byVersion[one], l.at[a]), add(byRow[v.Row], l.at[a])
		}
	}
	for _, a := range l.accounts {
		in.Sizes = append(in.Sizes, len(had[a]))
	}
	l.record.Shown = len(r.Shown)
	exact := map[leak.Row]bool{}
	for _, s := range r.Shown {
		var by []int
		dated := false
		for _, v := range stored[s.Row] {
			if v.at != s.From {
				continue
			}
			one := version{s.Row, v.number}
			dated, l.shown[one], exact[s.Row] = true, true, true
			for _, a := range byVersion[one] {
				by = add(by, a)
			}
		}
		if !dated {
			l.record.Unstored++
			continue
		}
		if len(by) == 0 {
			l.record.Unopened++
		}
		in.Readings = append(in.Readings, leak.Reading{Row: s.Row, By: by})
	}
	for _, row := range r.Known {
		if !exact[row] {
			in.Readings = append(in.Readings, leak.Reading{Row: row, By: byRow[row]})
		}
	}
	l.ln = in.Corroborate()
}

// opened is what one account opened of what the sample shows; nil for nothing.
func (l *logs) opened(a account, ends time.Time) *Opened {
	at, known := l.at[a]
	if !known {
		return nil
	}
	reads := make([]*keeper.Reading, len(l.by[at]))
	for i, k := range l.by[at] {
		reads[i] = &l.reads[k]
	}
	return l.among(reads, ends)
}

// among is what some readings opened of what the sample shows; nil for nothing.
func (l *logs) among(reads []*keeper.Reading, ends time.Time) *Opened {
	var o Opened
	had, inTime := map[version]bool{}, map[version]bool{}
	for _, read := range reads {
		for _, v := range read.Rows {
			one := version{v.Row, v.Version}
			if !l.shown[one] {
				continue
			}
			had[one] = true
			if ends.IsZero() || !read.At.After(ends) {
				inTime[one] = true
			}
			if o.First.IsZero() || read.At.Before(o.First) {
				o.First = read.At.UTC()
			}
			if read.At.After(o.Last) {
				o.Last = read.At.UTC()
			}
			if !slices.Contains(o.Doors, read.Door) {
				o.Doors = append(o.Doors, read.Door)
			}
		}
	}
	if len(had) == 0 {
		return nil
	}
	slices.Sort(o.Doors)
	o.Versions, o.InTime = len(had), len(inTime)
	return &o
}

// dated is a version of a record and the minute in which it was written.
type dated struct {
	number uint64
	at     norm.Minute
}

// stored returns the versions that the database has of records that the sample shows, or that
// somebody opened.
func (f *Flow) stored(ctx context.Context, r *trace.Result, base *leak.Base, reads []keeper.Reading) (map[leak.Row][]dated, error) {
	out := map[leak.Row][]dated{}
	for _, row := range r.Known {
		out[row] = nil
	}
	for _, read := range reads {
		for _, v := range read.Rows {
			out[v.Row] = nil
		}
	}
	if len(out) == 0 {
		return out, nil
	}
	for after := uint64(0); ; {
		var rows []record.Row
		err := f.DB.View(ctx, func(s store.Stores) (err error) {
			rows, err = s.Records.Walk(after, 2048)
			return err
		})
		if err != nil || len(rows) == 0 {
			return out, err
		}
		for i := range rows {
			one := &rows[i]
			row := base.Row([]byte(record.RefOf(one.Person, one.Number).String()))
			if _, wanted := out[row]; wanted {
				out[row] = append(out[row], dated{one.Version, norm.MinuteOf(one.Entered)})
			}
		}
		after = rows[len(rows)-1].Seq
	}
}

// missing counts versions that were opened and that the database has not.
func missing(stored map[leak.Row][]dated, reads []keeper.Reading) (n int) {
	seen := map[version]bool{}
	for _, read := range reads {
		for _, v := range read.Rows {
			one := version{v.Row, v.Version}
			if v.Erased || seen[one] {
				continue
			}
			seen[one] = true
			if !slices.ContainsFunc(stored[v.Row], func(d dated) bool { return d.number == v.Version }) {
				n++
			}
		}
	}
	return n
}

// unapproved returns the exports that opened records and of which the database has no request
// with as many officers' approvals as it takes, ascending.
func (f *Flow) unapproved(ctx context.Context, reads []keeper.Reading) ([]string, error) {
	out := []string{}
	asked := map[staff.RequestID]bool{}
	for _, read := range reads {
		if read.Copy == (leak.Copy{}) || asked[read.Request] {
			continue
		}
		asked[read.Request] = true
		err := f.DB.View(ctx, func(s store.Stores) error {
			r, err := s.Requests.Get(read.Request)
			if err != nil {
				return err
			}
			had, err := s.Requests.Approvals(read.Request)
			if err != nil {
				return err
			}
			_, _, err = staff.Granted(r, had, r.Until.Add(-time.Second))
			return err
		})
		switch {
		case errors.Is(err, staff.ErrNoRequest), errors.Is(err, staff.ErrUnapproved), errors.Is(err, staff.ErrOver):
			out = append(out, read.Request.String())
		case err != nil:
			return nil, err
		}
	}
	slices.Sort(out)
	return out, nil
}
