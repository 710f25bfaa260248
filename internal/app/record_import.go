package app

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/evidence"
	"github.com/amanah-project/amanah/internal/flow/intake"
	format "github.com/amanah-project/amanah/internal/format/fhir"
	"github.com/amanah-project/amanah/internal/format/rows"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/trace/likeness"
)

// RecordOptions say which records to import.
type RecordOptions struct {
	Path     string // a file, or a folder with all below it
	Facility string // whose records they are
	Register bool   // register patients who are not registered
	NIKs     string // file of patient,nik for patients whose resources have none; "" for none
	Errors   string // folder for the files of refused lines; "" for beside each file
	Again    bool   // take files from their start although they were imported
	Progress func(done, size, resources int64)
}

// RecordsImported is what became of files of records.
type RecordsImported struct {
	Files   int   `json:"files"`
	Skipped int   `json:"skipped"` // files that are no FHIR
	Lines   int64 `json:"lines"`
	Entered int   `json:"entered"`
	Known   int   `json:"known"`
	Aside   int   `json:"set_aside"`
	Out     int   `json:"left_out"` // of no patient, such as organizations
	People  int   `json:"registered"`
	Refused int64 `json:"refused"`
	Before  int64 `json:"refused_before"` // by runs that this one goes on from
}

// Bounds of a batch of lines: what is in the clear in memory at once.
const (
	recordLines = 2048
	recordBytes = 8 << 20
)

// hopeless is after how many refused lines of a file of which nothing was taken it is
// given up: each is written to the file of refusals.
const hopeless = 100_000

var errLineLong = fault.Newf(fault.Invalid, "a line has at most %d bytes", format.MaxBytes)

// ImportRecords enters the resources of a facility's files, the patients first. Each
// batch is durable before how far its file has come, and entering it again changes
// nothing, so that a run that was interrupted is gone on with by the same command.
func (o *Operator) ImportRecords(ctx context.Context, opt RecordOptions) (out RecordsImported, err error) {
	limitMemory()
	facility, err := staff.ParseFacility(opt.Facility)
	if err != nil {
		return out, err
	}
	files, size, err := recordFiles(opt.Path)
	if err != nil {
		return out, err
	}
	flow, err := o.intake(facility, opt)
	if err != nil {
		return out, err
	}
	done := int64(0)
	for _, f := range files {
		in := &recordFile{operator: o, flow: flow, opt: opt, out: &out, path: f, shown: func(read int64) {
			if opt.Progress != nil {
				opt.Progress(done+read, size, out.Lines)
			}
		}}
		if err := in.take(ctx); err != nil {
			return out, fmt.Errorf("%s: %w", filepath.Base(f), err)
		}
		if info, err := os.Stat(f); err == nil {
			done += info.Size()
		}
	}
	_, err = flow.Care.Drain(ctx) // of a run that was cut off, when no line was left for this one
	return out, err
}

// intake is the flow of a facility's files, under the operator's own budget.
func (o *Operator) intake(facility staff.FacilityID, opt RecordOptions) (*intake.Flow, error) {
	c, err := o.care()
	if err != nil {
		return nil, err
	}
	f := &intake.Flow{Care: c, Caller: care.Caller{Actor: "operator", Facility: facility, Rights: staff.Enter}}
	if opt.Register {
		f.People = o.flow()
	}
	if opt.NIKs != "" {
		f.NIKs, err = readNIKs(opt.NIKs)
	}
	return f, err
}

// readNIKs reads a table of a facility's own numbers of patients and their NIKs.
func readNIKs(path string) (map[string]identity.NIK, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Newf(fault.Invalid, "%s cannot be read: %v", filepath.Base(path), unwrapPath(err))
	}
	defer f.Close()
	table, err := rows.Open(f, rows.Options{Columns: map[string]string{"patient": "patient", "nik": "nik"}, Required: []string{"patient", "nik"}})
	if err != nil {
		return nil, err
	}
	out := map[string]identity.NIK{}
	for {
		r, err := table.Next()
		if err == io.EOF {
			return out, nil
		}
		if err == nil {
			var nik identity.NIK
			if nik, err = identity.ParseNIK(r.Get("nik")); err == nil {
				out[r.Get("patient")] = nik
				continue
			}
		}
		return nil, fault.Newf(fault.Invalid, "%s, line %d: %s", filepath.Base(path), table.Position().Line, fault.Text(err))
	}
}

// recordFiles lists files in the order in which they are taken: those named after
// Patient first and Encounter next, as bulk exports name theirs, because others refer to
// what these hold.
func recordFiles(path string) (files []string, size int64, err error) {
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || strings.HasSuffix(p, ".errors") {
			return err
		}
		info, err := d.Info()
		if err == nil {
			files, size = append(files, p), size+info.Size()
		}
		return err
	})
	if err != nil {
		return nil, 0, fault.Newf(fault.Invalid, "%s cannot be read: %v", filepath.Base(path), unwrapPath(err))
	}
	slices.SortStableFunc(files, func(a, b string) int { return turn(a) - turn(b) })
	return files, size, nil
}

func turn(path string) int {
	for i, name := range []string{"Patient", "Encounter"} {
		if strings.HasPrefix(filepath.Base(path), name) {
			return i
		}
	}
	return 2
}

// recordFile is one file on its way in.
type recordFile struct {
	operator *Operator
	flow     *intake.Flow
	opt      RecordOptions
	out      *RecordsImported
	path     string
	shown    func(read int64)

	raw      *counted
	bad      *refusals
	progress identity.Progress
	lines    []intake.Line
	held     int // bytes of lines
	taken    int // resources, in this run
}

// counted counts the bytes of the file that were read.
type counted struct {
	io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

func (in *recordFile) take(ctx context.Context) (err error) {
	f, err := os.Open(in.path)
	if err != nil {
		return fault.Newf(fault.Invalid, "the file cannot be read: %v", unwrapPath(err))
	}
	defer f.Close()
	if in.progress.Source, err = fingerprint("records "+in.opt.Facility, f); err != nil {
		return err
	}
	in.raw = &counted{Reader: f}
	text, whole, err := openText(in.raw)
	whole = whole && !strings.Contains(filepath.Base(in.path), ".ndjson")
	if err != nil || text == nil {
		in.out.Skipped++
		return err
	}
	in.out.Files++
	if in.progress, err = in.operator.resume(ctx, in.progress, in.opt.Again); err != nil {
		return err
	}
	in.out.Before += in.progress.Refused
	from := in.progress.Offset
	if err := in.openRefusals(from); err != nil {
		return err
	}
	defer func() {
		if in.bad != nil {
			err = errors.Join(err, in.bad.close())
		}
	}()
	for number := int64(1); ; number++ {
		raw, end := readLine(text, whole)
		if end == io.EOF {
			return in.commit(ctx, number-1)
		}
		if end != nil && !errors.Is(end, errLineLong) { // what came before it comes in
			return errors.Join(in.commit(ctx, number-1), fault.Newf(fault.Invalid, "line %d: %s", number, fault.Text(end)))
		}
		if number <= from || end == nil && len(bytes.TrimSpace(raw)) == 0 {
			continue // an earlier run took it, or it is empty
		}
		in.lines = append(in.lines, intake.Line{Number: number, Raw: raw, Err: end})
		in.held += len(raw)
		if len(in.lines) == recordLines || in.held >= recordBytes {
			if err := in.commit(ctx, number); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// openText opens a file of resources, plain or gzip; nil for a file that is something
// else. whole is true of a file that is one resource over many lines.
func openText(r io.Reader) (text *bufio.Reader, whole bool, err error) {
	plain, err := rows.Plain(r)
	if err != nil {
		return nil, false, nil
	}
	text = bufio.NewReaderSize(plain, 256<<10)
	head, err := text.Peek(64 << 10)
	if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
		return nil, false, fault.Newf(fault.Invalid, "line 1: the file cannot be read on: %v", err)
	}
	head = bytes.TrimLeft(head, " \t\r\n\ufeff")
	if len(head) == 0 || head[0] != '{' {
		return nil, false, nil
	}
	first, _, _ := bytes.Cut(head, []byte{'\n'})
	// A first line that is whole is one of many; one that was too long to see is, too:
	// a bundle of so many bytes on one line is read as a line just as well.
	return text, len(first) < len(head) && !json.Valid(first), nil
}

// readLine reads the next line, or with whole all that is left. What is too long is
// passed over, and said; io.EOF at the end.
func readLine(r *bufio.Reader, whole bool) ([]byte, error) {
	var line []byte
	for long := false; ; {
		part, err := r.ReadSlice('\n')
		if !long {
			line = append(line, part...)
		}
		if len(line) > format.MaxBytes {
			line, long = line[:0], true
		}
		switch {
		case err == bufio.ErrBufferFull, err == nil && whole:
			continue
		case err != nil && err != io.EOF:
			return nil, fault.Newf(fault.Invalid, "the file cannot be read on: %v", err)
		case long:
			return nil, errLineLong
		case err == io.EOF && len(line) == 0:
			return nil, io.EOF
		}
		return line, nil
	}
}

// refusalsPath is where the refused lines of the file are named.
func (in *recordFile) refusalsPath() string {
	if in.opt.Errors == "" {
		return in.path + ".errors"
	}
	return filepath.Join(in.opt.Errors, filepath.Base(in.path)+".errors")
}

// openRefusals opens the file for refused lines, when there is one already.
func (in *recordFile) openRefusals(taken int64) error {
	path := in.refusalsPath()
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return in.makeRefusals(taken)
}

func (in *recordFile) makeRefusals(taken int64) (err error) {
	path := in.refusalsPath()
	in.bad, _, err = openRefusals(durable.OS(filepath.Dir(path)), filepath.Base(path), taken)
	return err
}

// commit enters the lines held and notes how far the file has come.
func (in *recordFile) commit(ctx context.Context, offset int64) error {
	if offset <= in.progress.Offset {
		return nil
	}
	t, err := in.flow.Take(ctx, in.progress.Source, in.lines)
	if err != nil {
		return err
	}
	// Colours follow while what was entered is in memory: left for the end, or for a server
	// that looks meanwhile, each record is opened for it again, which costs ten times as much
	// as entering it and is taken from the hour's opens that nobody signed.
	if _, err := in.flow.Care.Drain(ctx); err != nil {
		return err
	}
	if len(t.Refusals) > 0 && in.bad == nil {
		if err := in.makeRefusals(in.progress.Offset); err != nil {
			return err
		}
	}
	refused := make([]evidence.Refusal, len(t.Refusals))
	for i, r := range t.Refusals {
		refused[i] = evidence.Refusal{Line: r.Line, Reason: r.Reason}
	}
	if len(refused) > 0 {
		if err := in.bad.add(refused); err != nil {
			return err
		}
	}
	p := in.progress
	p.Offset, p.Added, p.Refused, p.Updated = offset, p.Added+int64(t.Entered), p.Refused+int64(len(refused)), in.operator.now()
	if err := in.operator.DB.Bulk(ctx, func(s store.Stores) error { return s.Progress.SetProgress(p) }); err != nil {
		return err
	}
	in.progress = p
	in.taken += t.Entered + t.Known + t.Aside
	if p.Refused >= hopeless && in.taken == 0 && p.Added == 0 {
		return fault.Newf(fault.Invalid, "none of its first %d lines could be taken: see what the file of refusals says of them, and import it again", offset)
	}
	in.out.Lines += int64(len(in.lines))
	in.out.Entered += t.Entered
	in.out.Known += t.Known
	in.out.Aside += t.Aside
	in.out.Out += t.Out
	in.out.People += t.People
	in.out.Refused += int64(len(refused))
	in.lines, in.held = in.lines[:0], 0
	in.shown(in.raw.n)
	return nil
}

// care is the flow of health records under the operator's own budget.
func (o *Operator) care() (*care.Flow, error) {
	reader, err := format.NewReader()
	if err != nil {
		return nil, err
	}
	return &care.Flow{DB: o.DB, Keeper: o.Keeper, Documents: rowsAlone{}, Long: true, Lane: &likeness.Lane{}, Colours: o.flow(), Reader: reader, Now: o.now, Actor: "operator", Budget: keeper.BudgetImport}, nil
}
