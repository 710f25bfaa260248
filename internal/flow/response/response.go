// Package response answers a leak: files are held against the trace index, what is observed
// is frozen, then the copies' codes are opened against it, and a case folder says what came
// of it and how to come to the same again.
//
// The keeper keeps the order (decision 11): a run gets no code before it has handed in the
// hash of its observation. What the run keeps on the way is sealed under the trace's key; in
// the case folder people and records are keyed ids. The flow sequences; what is ours, from
// which copy and how sure that is, package leak decides.
package response

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io/fs"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/trace"
	"github.com/amanah-project/amanah/internal/trace/dump"
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
}

// keptName is what a run keeps of its reading, sealed.
const keptName = "observed.sealed"

// observed is what a run keeps.
type observed struct {
	Result *trace.Result
	Report *dump.Report

	images map[leak.Row][]leak.Row // of records that are images, the rows of their names; not kept
}

// Run traces files by an approved request. Evidence is what they are now.
func (f *Flow) Run(ctx context.Context, id staff.RequestID, paths []string, evidence staff.Trace) (*Case, error) {
	t, err := f.approved(ctx, id, evidence)
	if err != nil {
		return nil, err
	}
	begun, err := f.Keeper.Trace(ctx, keeper.TraceAsk{Trace: t, Step: keeper.TraceBegin})
	if err != nil {
		return nil, err
	}
	o, held, err := f.observe(ctx, paths, begun.Traced)
	if err != nil {
		return nil, err
	}
	frozen := leak.Freeze(sampleOf(o.Result))
	digest := frozen.Digest()
	if _, err := f.Keeper.Trace(ctx, keeper.TraceAsk{Trace: t, Step: keeper.TraceFreeze, Frozen: digest}); err != nil {
		return nil, err
	}
	codes, err := f.codes(ctx, t)
	if err != nil {
		return nil, err
	}
	reads, err := f.reads(ctx, t)
	if err != nil {
		return nil, err
	}
	c := f.judge(id, begun.Traced, o, held, frozen, codes, reads)
	c.Evidence = evidence
	if evidence.Names {
		g, err := f.Keeper.Trace(ctx, keeper.TraceAsk{Trace: t, Step: keeper.TraceNames, Rows: o.Result.Patients})
		if err != nil {
			return nil, err
		}
		c.People = g.People
	}
	if err := c.write(f.Case); err != nil {
		return nil, err
	}
	return c, c.control()
}

func (f *Flow) approved(ctx context.Context, id staff.RequestID, evidence staff.Trace) (t keeper.Trace, err error) {
	err = f.DB.View(ctx, func(s store.Stores) (err error) {
		if t.Request, err = s.Requests.Get(id); err != nil {
			return err
		}
		t.Approvals, err = s.Requests.Approvals(id)
		return err
	})
	if err != nil {
		return t, err
	}
	body, err := staff.ParseTrace(t.Request.Body)
	if err != nil {
		return t, err
	}
	evidence.Names = body.Names
	if body != evidence {
		return t, ErrOther
	}
	return t, nil
}

// observe reads the files, unless a run before did; held is how many versions of records
// the index has.
func (f *Flow) observe(ctx context.Context, paths []string, t keeper.Traced) (o observed, held int, err error) {
	set, err := f.Index.Load()
	if err != nil {
		return o, 0, err
	}
	held = len(set.Versions)
	o.images = set.Images(index.Key(t.Tags))
	seal, err := sealer(t.Job)
	if err != nil {
		return o, 0, err
	}
	raw, err := durable.ReadFile(f.Case, keptName)
	if err == nil {
		n := seal.NonceSize()
		if len(raw) < n {
			return o, 0, ErrKept
		}
		plain, err := seal.Open(nil, raw[:n], raw[n:], []byte(keptName))
		if err == nil {
			err = json.Unmarshal(plain, &o)
		}
		if err != nil {
			return o, 0, ErrKept
		}
		return o, held, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return o, 0, err
	}
	tags, job := index.Key(t.Tags), index.Key(t.Job)
	table := index.NewTable(job, set.Rekey(tags, job))
	engine := trace.New(table, index.NewAsker(tags, job))
	engine.Seek(rangesOf(t.Canaries))
	if o.Report, err = dump.Walk(ctx, paths, engine, dump.Options{Workers: f.Workers, Progress: f.Progress}); err != nil {
		return o, 0, err
	}
	o.Result = engine.Result()
	plain, err := json.Marshal(o)
	if err != nil {
		return o, 0, err
	}
	nonce := make([]byte, seal.NonceSize())
	rand.Read(nonce)
	return o, held, durable.WriteFile(f.Case, keptName, seal.Seal(nonce, nonce, plain, []byte(keptName)))
}

func sealer(job []byte) (cipher.AEAD, error) {
	key, err := hkdf.Expand(sha256.New, job, "amanah trace kept v1", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// sampleOf is what copies are weighed against.
func sampleOf(r *trace.Result) leak.Sample {
	s := leak.Sample{Cells: r.Cells, Strangers: r.Strangers}
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
