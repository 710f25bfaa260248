// Package response answers a leak: files are held against the trace index, what is observed
// is frozen, then the copies' codes are opened against it, and a case folder says what came
// of it and how to come to the same again.
//
// The keeper keeps the order (decision 11): a run gets no code before it has handed in the
// hash of its observation. What the run keeps on the way is sealed under the trace's key; in
// the case folder people and records are keyed ids, and who they are takes another request
// (Naming). The flow sequences; what is ours, from which copy and how sure that is, package
// leak decides.
package response

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/trace"
	"github.com/amanah-project/amanah/internal/trace/index"
)

// Errors of traces.
var (
	ErrOther   = fault.New(fault.Denied, "these are not the files whose trace was approved: name the same, in the same order")
	ErrKept    = fault.New(fault.Conflict, "what this case folder keeps is another trace's, or was altered: give an empty folder")
	ErrControl = fault.New(fault.Conflict, "a decoy copy, which nobody ever had, is accused: the tool or the index is wrong, and nothing it says counts")
)

// Keeper answers the steps of an approved trace.
type Keeper interface {
	Trace(ctx context.Context, ask keeper.TraceAsk) (keeper.TraceGiven, error)
}

// Index gives what files are held against.
type Index interface {
	Load() (*index.Set, error)
}

// Flow traces.
type Flow struct {
	DB      store.DB
	Keeper  Keeper
	Index   Index
	Case    durable.FS // the case folder
	Workers int
	Version string // of the tool
	// Progress, which may be nil, is told how many bytes were read.
	Progress func(read int64)
	// Pace is the least time between two states that a run could go on from; zero is a second,
	// less is no time. However long keeping one takes, reading gets nineteen times as much.
	Pace time.Duration
}

// Run traces files by an approved request. Evidence is what they are now; where it is zero,
// as for a run that goes on, they are held against the request by what was read alone.
func (f *Flow) Run(ctx context.Context, id staff.RequestID, paths []string, evidence staff.Trace) (*Case, error) {
	t, evidence, err := f.approved(ctx, id, evidence)
	if err != nil {
		return nil, err
	}
	begun, err := f.Keeper.Trace(ctx, keeper.TraceAsk{Trace: t, Step: keeper.TraceBegin})
	if err != nil {
		return nil, err
	}
	o, held, err := f.observe(ctx, paths, begun.Traced, evidence)
	if err != nil {
		return nil, err
	}
	frozen := leak.Freeze(sampleOf(o.Result))
	o.Result.Cells, o.Result.Tokens, o.Result.Strangers = nil, nil, leak.Strangers{} // of millions once is enough
	digest := observation(o, frozen).Digest()
	if _, err := f.Keeper.Trace(ctx, keeper.TraceAsk{Trace: t, Step: keeper.TraceFreeze, Frozen: digest}); err != nil {
		return nil, err
	}
	reads, err := f.reads(ctx, t)
	if err != nil {
		return nil, err
	}
	had := delivered(reads)
	frozen.Choose(slices.Collect(maps.Values(had))) // before codes are opened; in no order
	codes, err := f.codes(ctx, t)
	if err != nil {
		return nil, err
	}
	log, err := f.log(ctx, o.Result, held, &codes.Base, reads)
	if err != nil {
		return nil, err
	}
	seen, err := f.views(ctx, t, o.Result.Views)
	if err != nil {
		return nil, err
	}
	c := f.judge(id, begun.Traced, o, frozen, holdings(codes, had), codes, log, seen)
	c.Evidence = evidence
	if err := c.write(f.Case, o.Result); err != nil {
		return nil, err
	}
	return c, c.control()
}

func (f *Flow) approved(ctx context.Context, id staff.RequestID, evidence staff.Trace) (t keeper.Trace, body staff.Trace, err error) {
	err = f.DB.View(ctx, func(s store.Stores) (err error) {
		if t.Request, err = s.Requests.Get(id); err != nil {
			return err
		}
		t.Approvals, err = s.Requests.Approvals(id)
		return err
	})
	if err != nil {
		return t, body, err
	}
	if body, err = staff.ParseTrace(t.Request.Body); err != nil {
		return t, body, err
	}
	if !sameEvidence(evidence, body) && evidence != (staff.Trace{}) {
		return t, body, ErrOther
	}
	return t, body, nil
}

// sampleOf is what copies are weighed against.
func sampleOf(r *trace.Result) leak.Sample {
	s := leak.Sample{Cells: r.Cells, Tokens: make([]leak.SeenToken, 0, len(r.Tokens)), Strangers: r.Strangers}
	for _, t := range r.Tokens {
		s.Tokens = append(s.Tokens, leak.SeenToken{Token: t.Token, Row: t.Row})
	}
	for i := range r.Files {
		for _, m := range r.Files[i].Marks {
			s.Documents = append(s.Documents, leak.SeenToken{Token: m.Token, Row: m.Row})
		}
	}
	return s
}

func (f *Flow) codes(ctx context.Context, t keeper.Trace) (all keeper.Codes, err error) {
	for {
		g, err := f.Keeper.Trace(ctx, keeper.TraceAsk{Trace: t, Step: keeper.TraceCodes, At: uint64(len(all.Codes))})
		if err != nil {
			return all, err
		}
		all.Base, all.All = g.Codes.Base, g.Codes.All
		all.Codes = append(all.Codes, g.Codes.Codes...)
		if len(g.Codes.Codes) == 0 || len(all.Codes) >= all.All {
			return all, nil
		}
	}
}

func (f *Flow) reads(ctx context.Context, t keeper.Trace) (all []keeper.Reading, err error) {
	for at := uint64(0); ; {
		g, err := f.Keeper.Trace(ctx, keeper.TraceAsk{Trace: t, Step: keeper.TraceReads, At: at})
		if err != nil {
			return nil, err
		}
		all = append(all, g.Reads...)
		if at = g.Next; at == 0 {
			return all, nil
		}
	}
}

// decoySeed is the seed of a copy that nobody ever had.
func decoySeed(job []byte, i int) leak.Seed {
	m := hmac.New(sha256.New, job)
	m.Write(binary.BigEndian.AppendUint32([]byte("amanah decoy copy v1\x00"), uint32(i)))
	return leak.Seed(m.Sum(nil))
}
