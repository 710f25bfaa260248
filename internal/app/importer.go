package app

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/evidence"
	"github.com/amanah-project/amanah/internal/format/rows"
	"github.com/amanah-project/amanah/internal/store"
)

// ImportOptions say what to import.
type ImportOptions struct {
	File     string
	Errors   string                       // file for refused rows: line and reason, never a value; "" for File + ".errors"
	Again    bool                         // take the file from its start although it was imported
	Progress func(done, size, rows int64) // bytes of the file, rows taken

	batch int        // rows of one transaction; importBatch when zero
	disk  durable.FS // where the file for refused rows is; the system's when nil
}

// Imported is what became of a file.
type Imported struct {
	Rows    int64 `json:"rows"`
	Added   int64 `json:"added"`
	Known   int64 `json:"known"`
	Aside   int64 `json:"set_aside"`
	Refused int64 `json:"refused"`
	Before  int64 `json:"refused_before"` // by runs that this one goes on from
	Resumed bool  `json:"resumed"`

	Errors  string `json:"errors_file"`
	Missing int64  `json:"-"` // of Before, those that the file of errors does not name
}

const importBatch = 16384

// feed is a file on its way in, kind by kind.
type feed struct {
	kind    string
	columns map[string]string
	needs   []string
	flow    *evidence.Flow
	take    func(r *rows.Row) error // decodes a row and holds it for the batch
	flush   func(ctx context.Context, p identity.Progress) (evidence.Tally, error)
}

// ImportPeople registers the people of a file.
func (o *Operator) ImportPeople(ctx context.Context, opt ImportOptions) (Imported, error) {
	var batch []evidence.Newcomer
	today := day.Of(o.now())
	flow := o.flow()
	return o.run(ctx, opt, feed{
		kind: "people", columns: evidence.PersonColumns(), needs: []string{"nik", "name", "birth_date"}, flow: flow,
		take: func(r *rows.Row) error {
			p, err := evidence.ReadPerson(r.Get, today)
			if err == nil {
				batch = append(batch, evidence.Newcomer{Line: r.Line, Person: p})
			}
			return err
		},
		flush: func(ctx context.Context, p identity.Progress) (evidence.Tally, error) {
			t, err := flow.People(ctx, batch, p)
			batch = batch[:0]
			return t, err
		},
	})
}

// ImportEvidence adds the evidence of a file.
func (o *Operator) ImportEvidence(ctx context.Context, opt ImportOptions) (Imported, error) {
	var batch []evidence.Fact
	flow := o.flow()
	return o.run(ctx, opt, feed{
		kind: "evidence", columns: evidence.FactColumns(), needs: []string{"nik", "kind", "ref"}, flow: flow,
		take: func(r *rows.Row) error {
			nik, item, err := evidence.ReadFact(r.Get)
			if err == nil {
				batch = append(batch, evidence.Fact{Line: r.Line, NIK: nik, Item: item})
			}
			return err
		},
		flush: func(ctx context.Context, p identity.Progress) (evidence.Tally, error) {
			t, err := flow.Facts(ctx, batch, p)
			batch = batch[:0]
			return t, err
		},
	})
}

// run takes a file batch by batch. Each batch is durable with the number of lines
// taken, so that a run that was interrupted is gone on with by the same command.
func (o *Operator) run(ctx context.Context, opt ImportOptions, s feed) (out Imported, err error) {
	f, err := os.Open(opt.File)
	if err != nil {
		return out, fault.Newf(fault.Invalid, "%s cannot be read: %v", filepath.Base(opt.File), unwrapPath(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return out, err
	}
	p := identity.Progress{}
	if p.Source, err = fingerprint(s.kind, f); err != nil {
		return out, err
	}
	table, err := rows.Open(f, rows.Options{Columns: s.columns, Required: s.needs})
	if err != nil {
		return out, err
	}
	if unknown := table.Unknown(); len(unknown) > 0 {
		return out, fault.Newf(fault.Invalid, "%q is no column of %s: remove or rename it, so that nothing is passed over by mistake", unknown[0], s.kind)
	}
	opt.Errors = cmp.Or(opt.Errors, opt.File+".errors")
	if info, err := os.Stat(opt.Errors); err == nil && !info.Mode().IsRegular() {
		return out, errNoFile
	}
	if p, err = o.resume(ctx, p, opt.Again); err != nil {
		return out, err
	}
	bad, held, err := opt.refusals(p.Offset)
	if err != nil {
		return out, err
	}
	out.Errors, out.Before, out.Missing = opt.Errors, p.Refused, max(0, p.Refused-held)
	defer func() { err = errors.Join(err, bad.close()) }()
	out.Resumed = p.Offset > 0
	im := &importing{feed: s, table: table, bad: bad, progress: p, from: p.Offset, batch: cmp.Or(opt.batch, importBatch), out: &out}
	s.flow.Keep = im.keep
	return out, im.all(ctx, func() {
		if opt.Progress != nil {
			opt.Progress(table.Consumed(), info.Size(), out.Rows)
		}
	})
}

type importing struct {
	feed
	table    *rows.Reader
	bad      *refusals
	held     []evidence.Refusal // of the batch, before it reached the flow
	progress identity.Progress
	from     int64 // lines taken by an earlier run
	batch    int
	out      *Imported
}

func (im *importing) all(ctx context.Context, shown func()) error {
	for held := 0; ; {
		r, err := im.table.Next()
		if err == io.EOF {
			if err := im.commit(ctx); err != nil {
				return err
			}
			shown()
			return nil
		}
		var odd *rows.RowError
		if err != nil && !errors.As(err, &odd) {
			return err
		}
		line := im.table.Position().Line
		if line <= im.from {
			continue // an earlier run took it
		}
		im.out.Rows++
		if odd != nil {
			im.held = append(im.held, evidence.Refusal{Line: odd.Line, Reason: odd.Why})
		} else if why := im.row(r); why != nil {
			im.held = append(im.held, evidence.Refusal{Line: r.Line, Reason: why})
		}
		im.progress.Offset = line
		if held++; held == im.batch {
			if err := im.commit(ctx); err != nil {
				return err
			}
			shown()
			held = 0
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

func (im *importing) row(r *rows.Row) error {
	if len(r.Unknown()) > 0 {
		return errMember
	}
	return im.take(r)
}

var errMember = fault.New(fault.Invalid, "the object has a member that is no column: see the command's help for their names")

func (im *importing) commit(ctx context.Context) error {
	im.progress.Refused += int64(len(im.held))
	t, err := im.flush(ctx, im.progress)
	if err != nil {
		return err
	}
	im.progress.Refused += int64(len(t.Refusals))
	im.out.Refused += int64(len(im.held) + len(t.Refusals))
	im.out.Added += int64(t.Added)
	im.out.Known += int64(t.Known)
	im.out.Aside += int64(t.Set)
	im.held = im.held[:0]
	return nil
}

// keep writes where and why, never what, before the batch is durable.
func (im *importing) keep(refused []evidence.Refusal) error {
	return im.bad.add(slices.Concat(im.held, refused))
}

// fingerprint names a file by its kind and all its bytes, so that the same file
// under another name is gone on with, and one that differs anywhere is not: lines
// of a corrected file must not count as taken because the file begins alike.
func fingerprint(kind string, f *os.File) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	return kind + " " + hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// resume returns how far a source has come. Taken again, it has come nowhere, and
// that is durable before its file of refusals is emptied.
func (o *Operator) resume(ctx context.Context, p identity.Progress, again bool) (identity.Progress, error) {
	var found identity.Progress
	err := o.DB.View(ctx, func(s store.Stores) (err error) {
		found, err = s.Progress.Progress(p.Source)
		return err
	})
	if err != nil || found.Source == "" {
		return p, err
	}
	if !again {
		return found, nil
	}
	p.Updated = o.now()
	return p, o.DB.Bulk(ctx, func(s store.Stores) error { return s.Progress.SetProgress(p) })
}

var errNoFile = fault.New(fault.Invalid, "the file for refused rows must be a file on disk: give another --errors")

func (opt ImportOptions) refusals(taken int64) (*refusals, int64, error) {
	disk := opt.disk
	if disk == nil {
		disk = durable.OS(filepath.Dir(opt.Errors))
	}
	return openRefusals(disk, filepath.Base(opt.Errors), taken)
}
