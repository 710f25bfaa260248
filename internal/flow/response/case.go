package response

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/norm"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/trace"
	"github.com/amanah-project/amanah/internal/trace/dump"
	"github.com/amanah-project/amanah/internal/trace/index"
)

// Decoys is how many copies that nobody ever had are weighed beside those that were made.
const Decoys = 1000

// Case is what a trace came to. It is the same for the same files, index,
// journal and database.
type Case struct {
	Trace     string          `json:"trace"` // the request's number
	N         int             `json:"n"`     // which trace this is of all
	Version   string          `json:"version"`
	Again     string          `json:"again"` // the command that comes to the same
	Evidence  staff.Trace     `json:"evidence"`
	Frozen    string          `json:"frozen"`  // SHA-256 of what was observed (staff.Observation)
	Sample    string          `json:"sample"`  // of it, what copies are weighed against
	Indexes   int             `json:"indexes"` // that rows were held against: more than one when it changed while a run was stopped
	Counts    trace.Counts    `json:"counts"`
	Ours      leak.Ours       `json:"ours"`
	Snapshots []leak.Snapshot `json:"snapshots"`
	Patients  int             `json:"patients"`
	Records   int             `json:"records"`
	Canaries  int             `json:"canaries"`  // group canaries that are in it
	Copies    int             `json:"copies"`    // that were ever made
	Threshold float64         `json:"threshold"` // log10 that a copy's E-value must reach
	Dead      []leak.Family   `json:"dead"`      // families of marks that were rewritten
	Found     []Found         `json:"found"`     // copies and accounts, the strongest first
	Record    Record          `json:"record"`    // of who opened what
	Views     int             `json:"views"`     // single views there ever were
	ViewsAt   float64         `json:"viewsAt"`   // log10 that a view's E-value must reach
	Seen      []string        `json:"seen"`      // names of views that the sample shows
	Decoys    Control         `json:"decoys"`
	Files     []File          `json:"files"`
	Papers    []Paper         `json:"documents"` // of ours, in them
}

// Found is what a trace concludes of one copy or account.
type Found struct {
	Copy       string      `json:"copy,omitempty"`
	Account    string      `json:"account,omitempty"`
	View       string      `json:"view,omitempty"` // of the account's, by its name
	Grade      leak.Grade  `json:"grade"`
	Log10E     float64     `json:"log10E"`
	Log10Log   float64     `json:"log10Log"` // of the record of who opened what
	Opened     *Opened     `json:"opened,omitempty"`
	Parts      []leak.Part `json:"parts,omitempty"`
	Commitment string      `json:"commitment,omitempty"` // the first that the keeper journaled
	Seq        uint64      `json:"seq,omitempty"`        // the journal's record of it
	Refuted    []string    `json:"refutedBy"`
}

// Control is the same test on copies that nobody ever had.
type Control struct {
	Copies  int     `json:"copies"`
	Most    float64 `json:"most"` // the greatest log10 E
	Accused int     `json:"accused"`
}

// File is one file of the evidence and what became of its bytes.
type File struct {
	Number  int            `json:"number"`
	Parent  int            `json:"parent"`
	Kind    dump.Kind      `json:"kind"`
	Size    int64          `json:"size"`
	SHA256  string         `json:"sha256"`
	Parsed  int64          `json:"parsed"`
	Skipped []dump.Skipped `json:"skipped,omitempty"`
}

// judge weighs copies and accounts against a frozen sample.
func (f *Flow) judge(id staff.RequestID, t keeper.Traced, o observed, frozen *leak.Frozen, held []leak.Holding, codes keeper.Codes, log *logs, seen views) *Case {
	sample, digest := frozen.Digest(), observation(o, frozen).Digest()
	c := &Case{
		Trace: id.String(), N: t.N, Version: f.Version, Frozen: hex.EncodeToString(digest[:]), Sample: hex.EncodeToString(sample[:]), Indexes: o.Indexes,
		Counts: o.Result.Counts, Patients: len(o.Result.Patients), Records: len(o.Result.Known), Copies: codes.All, Dead: frozen.Dead(),
		Snapshots: snapshots(o.Result), Files: files(o.Report), Papers: papers(o.Result),
	}
	c.Again = "amanah leak trace " + c.Trace + " PATH... --case FOLDER"
	r := &o.Result.Counts
	c.Ours = leak.Comparison{
		Rows: leak.Count{Found: r.Matched, Tried: r.Rows}, Decoys: leak.Count{Found: r.InventedMatched, Tried: r.Invented},
		Self: recognised, Mute: r.Mute(), Dated: r.Records,
		Own: leak.Count{Found: r.OwnRight, Tried: r.Own}, OwnDecoys: leak.Count{Found: r.OwnDecoysRight, Tried: r.OwnDecoys}, Loose: r.Own - r.Numbers,
	}.Judge()
	bound := leak.Spend(leak.Epsilon, t.N, codes.All)
	c.Threshold = bound.Threshold() / ln10
	c.Record = log.record
	ends := lastOf(c.Snapshots)
	copies := named(&codes, held, o.images)
	known := lookFor(frozen, t, &codes.Base)
	known.hold(copies, codes.Codes)
	c.Canaries = known.seen
	for i, e := range frozen.Weigh(&codes.Base, copies) {
		natural := log.of(account{copy: e.Copy})
		one := found(leak.Conclude(c.Ours, bound, e.LnE, natural))
		one.Copy, one.Parts, one.Opened = hex.EncodeToString(e.Copy[:]), e.Parts, log.opened(account{copy: e.Copy}, ends)
		if d := codes.Codes[i].Deliveries; len(d) > 0 {
			one.Commitment, one.Seq = hex.EncodeToString(d[0].Commitment[:]), d[0].Seq
		}
		c.Found = append(c.Found, one)
	}
	c.Found = append(c.Found, c.views(o.Result.Views, seen, log)...)
	for _, a := range log.accounts {
		if a.who != "" {
			one := found(leak.Conclude(c.Ours, bound, 0, log.of(a)))
			one.Account, one.Opened = a.who, log.opened(a, ends)
			c.Found = append(c.Found, one)
		}
	}
	slices.SortStableFunc(c.Found, func(a, b Found) int {
		return cmp.Or(cmp.Compare(b.Log10E, a.Log10E), cmp.Compare(b.Log10Log, a.Log10Log), cmp.Compare(a.Copy+a.Account+a.View, b.Copy+b.Account+b.View))
	})
	c.Decoys = control(frozen, &codes.Base, t.Job, bound, known)
	return c
}

// recognised is what was recognised of rows of our own exports, posted by a stranger, that
// were not mute. 52 postings, 30 Nov 2026, measured anew by TestRecognised. It holds of rows that lost
// something. Of rows whose NIK somebody replaced it says nothing, and nothing can.
var recognised = leak.Count{Found: 3088, Tried: 3088}

const ln10 = 2.302585092994046

func found(v leak.Verdict) Found {
	return Found{Grade: v.Grade, Log10E: v.LnE / ln10, Log10Log: v.LnNatural / ln10, Refuted: v.Refuted(leak.English)}
}

// delivered are the rows that were opened for each copy, ascending.
func delivered(reads []keeper.Reading) map[leak.Copy][]leak.Row {
	out := map[leak.Copy][]leak.Row{}
	for _, r := range reads {
		for _, v := range r.Rows {
			if r.Copy != (leak.Copy{}) {
				out[r.Copy] = append(out[r.Copy], v.Row)
			}
		}
	}
	for c, rows := range out {
		slices.Sort(rows)
		out[c] = slices.Compact(rows)
	}
	return out
}

// holdings are all copies that were ever made, with what was delivered in each: of one that
// nothing was opened for, no rows.
func holdings(codes keeper.Codes, delivered map[leak.Copy][]leak.Row) []leak.Holding {
	out := make([]leak.Holding, len(codes.Codes))
	for i := range codes.Codes {
		k := &codes.Codes[i]
		out[i] = leak.Holding{Copy: k.Copy, Seed: &k.Seed, Rows: delivered[k.Copy]}
		if out[i].Rows == nil {
			out[i].Rows = []leak.Row{}
		}
	}
	return out
}

// control weighs copies that nobody ever had, whose seeds are the job's.
func control(frozen *leak.Frozen, base *leak.Base, job []byte, bound leak.Bound, known *canaries) Control {
	decoys := make([]leak.Holding, Decoys)
	for i := range decoys {
		seed := decoySeed(job, i)
		decoys[i] = leak.Holding{Copy: leak.Copy{0xff, byte(i >> 8), byte(i)}, Seed: &seed}
		known.give(&decoys[i], i%max(len(known.specs), 1))
	}
	out := Control{Copies: len(decoys)}
	for _, e := range frozen.Weigh(base, decoys) {
		out.Most = max(out.Most, e.Log10())
		if e.LnE >= bound.Threshold() {
			out.Accused++
		}
	}
	return out
}

// control returns ErrControl when a decoy was accused.
func (c *Case) control() error {
	if c.Decoys.Accused > 0 {
		return ErrControl
	}
	return nil
}

// wrongVersions is the share of versions that is taken to be read wrongly.
const wrongVersions = 0.05

func snapshots(r *trace.Result) []leak.Snapshot {
	var spans []leak.Interval
	for _, s := range r.Spans {
		i := leak.Interval{From: s.From.Time()}
		if s.To != index.Open {
			i.To = norm.Minute(s.To).Time()
		}
		spans = append(spans, i)
	}
	return leak.Snapshots(spans, wrongVersions)
}

func files(r *dump.Report) (out []File) {
	for i, s := range r.Sources {
		a := r.Accounts[i]
		out = append(out, File{s.Number, s.Parent, s.Kind, s.Size, hex.EncodeToString(s.SHA256[:]), a.Parsed, a.Skipped})
	}
	return out
}

// write puts a case into its folder: result.json, table.txt for people, and whom and what was
// found by their keyed ids.
func (c *Case) write(to durable.FS, found *trace.Result) error {
	if err := writeMatched(to, found); err != nil {
		return err
	}
	raw, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	if err := durable.WriteFile(to, "result.json", append(raw, '\n')); err != nil {
		return err
	}
	return durable.WriteFile(to, "table.txt", []byte(c.Table()))
}

// Table is the case as people read it.
func (c *Case) Table() string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "trace %s, the %d. of all; observed %s\n", c.Trace, c.N, c.Frozen)
	fmt.Fprintf(&b, "%d rows, %d match, %d say too little; %d people, %d records; share ours %.4f (%.4f to %.4f if recognised as in the trials): %s\n",
		c.Counts.Rows, c.Counts.Matched, c.Counts.Mute(), c.Patients, c.Records, c.Ours.Share, c.Ours.Interval.Low, c.Ours.Interval.High, finding(c.Ours.Finding))
	if c.Indexes > 1 {
		fmt.Fprintf(&b, "the index changed while this was stopped: rows were held against %d states of it, and another run finds other rows\n", c.Indexes)
	}
	c.says(&b)
	for _, s := range c.Snapshots {
		at := s.Best.From.UTC().Format("2006-01-02T15:04Z")
		if s.Window.To.IsZero() {
			fmt.Fprintf(&b, "taken at %s or later; %d versions agree\n", at, s.Support)
			continue
		}
		fmt.Fprintf(&b, "taken at %s, give or take %s; %d versions agree\n", s.Best.From.UTC().Format("2006-01-02T15:04Z"), s.Width(), s.Support)
	}
	if c.Canaries > 0 {
		fmt.Fprintf(&b, "%d canary people of several copies are in it\n", c.Canaries)
	}
	fmt.Fprintf(&b, "%d copies ever made; log10 E must reach %.2f; of %d decoys %d reach it, the most is %.2f\n", c.Copies, c.Threshold, c.Decoys.Copies, c.Decoys.Accused, c.Decoys.Most)
	c.Record.table(&b)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "COPY OR ACCOUNT\tLOG10 E\tLOG10 RECORD\tVERDICT\tBY\tOPENED")
	for _, f := range c.Found[:min(len(c.Found), 50)] {
		var by []string
		for _, p := range f.Parts {
			if p.Used > 0 {
				by = append(by, fmt.Sprintf("%s %d/%d", p.Domain, p.Found, p.Used))
			}
		}
		fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%s\t%s\t%s\n", strings.TrimSpace(f.Copy+f.Account+" "+f.View), f.Log10E, f.Log10Log, f.Grade, strings.Join(by, ", "), f.Opened)
	}
	_ = w.Flush() // into memory
	c.grades(&b)
	c.bytes(&b)
	return b.String()
}

func finding(f leak.Finding) string {
	switch f {
	case leak.Proven:
		return "ours"
	case leak.Foreign:
		return "not ours"
	}
	return "cannot tell"
}
