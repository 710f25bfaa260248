package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/indexing"
	"github.com/amanah-project/amanah/internal/flow/signin"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/trace/index"
)

// ErrEvidence: nothing can be approved that cannot be read.
var ErrEvidence = fault.New(fault.Invalid, "the evidence cannot be read: name files and folders that are there, with at least one file")

// indexDir is the folder of the trace index, below the data folder.
func (c Config) indexDir() string { return filepath.Join(c.Data, "trace-index") }

// withIndex opens the trace index, whose folder one process has at a time, and what feeds it.
func withIndex(ctx context.Context, cfg Config, f indexing.Flow, fn func(f *indexing.Flow, s *index.Store) error) error {
	f.State = durable.OS(cfg.indexDir())
	if err := f.State.MkdirAll(""); err != nil {
		return err
	}
	folder := durable.OS(filepath.Join(cfg.indexDir(), "tags"))
	var s *index.Store
	for try := 0; ; try++ {
		var err error
		if s, err = index.OpenStore(folder); err == nil {
			break
		}
		if !errors.Is(err, durable.ErrLocked) || try == 20 {
			return err
		}
		select { // another process feeds it for a moment
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
	f.Index = s
	return errors.Join(fn(&f, s), s.Close())
}

// maxPending is how much of an index's log waits for a merge, in bytes.
const maxPending = 64 << 20

// IndexState is how an index stands.
type IndexState struct {
	indexing.Fed
	Held       uint64  `json:"held"` // people and their versions
	Versions   uint64  `json:"versions"`
	Decoys     uint64  `json:"decoys"`
	PerPerson  float64 `json:"bytesPerPerson"`
	PerVersion float64 `json:"bytesPerVersion"`
	Documents  uint64  `json:"documents"`
	PerPaper   float64 `json:"bytesPerDocument"`
}

// FeedIndex brings the trace index up to what is stored, from nothing when rebuild is set.
func (o *Operator) FeedIndex(ctx context.Context, rebuild bool, step func(done, of int64)) (out IndexState, err error) {
	h, err := o.Keeper.Health(ctx)
	if err != nil {
		return out, err
	}
	if rebuild {
		if err := os.RemoveAll(o.cfg.indexDir()); err != nil {
			return out, err
		}
	}
	flow := indexing.Flow{DB: o.DB, Keeper: o.Keeper, Actor: "operator", Budget: keeper.BudgetImport, Page: 2048}
	err = withIndex(ctx, o.cfg, flow, func(f *indexing.Flow, s *index.Store) error {
		var merr error
		out.Fed, err = f.Drain(ctx, func(at indexing.Fed) {
			step(int64(at.Person), int64(h.People))
			if s.Pending() > maxPending && merr == nil {
				merr = s.Merge()
			}
		})
		if err = errors.Join(err, merr); err == nil && s.Pending() > 0 {
			err = s.Merge()
		}
		out.Held, out.Versions, out.Decoys = s.Entries()
		var papers int64
		out.Documents, papers = s.Documents()
		out.PerPaper = float64(papers) / float64(max(out.Documents, 1))
		identity, versions := s.Bytes()
		out.PerPerson, out.PerVersion = float64(identity)/float64(max(out.Held, 1)), float64(versions)/float64(max(out.Versions, 1))
		return err
	})
	return out, err
}

// unindex takes somebody out of the trace index, for good: of who is erased nothing is left
// in the file.
func (o *Operator) unindex(ctx context.Context, who identity.PersonID) error {
	if _, err := os.Stat(o.cfg.indexDir()); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return withIndex(ctx, o.cfg, indexing.Flow{Keeper: o.Keeper}, func(f *indexing.Flow, s *index.Store) error {
		if err := f.Forget(ctx, who); err != nil {
			return err
		}
		return s.Merge()
	})
}

// feedIndex lets the index follow what the server wrote, within the server's meter of tags.
func (s *Server) feedIndex(ctx context.Context) error {
	flow := indexing.Flow{DB: s.db, Keeper: s.keeper, Actor: "server", Budget: keeper.BudgetJob, Page: 100}
	return withIndex(ctx, s.cfg, flow, func(f *indexing.Flow, i *index.Store) error {
		_, err := f.Drain(ctx, nil)
		if errors.Is(err, keeper.ErrBudget) {
			err = nil // the rest within the hour, or by amanah leak index
		}
		if err == nil && i.Pending() > maxPending {
			err = i.Merge()
		}
		return err
	})
}

// AskTrace asks for a trace of files; nobody has approved it yet.
func (o *Operator) AskTrace(ctx context.Context, purpose string, paths []string) (staff.Request, error) {
	body, err := Evidence(ctx, paths)
	if err != nil {
		return staff.Request{}, err
	}
	now := o.now().Truncate(time.Second)
	r := staff.Request{Kind: staff.AskTrace, Purpose: purpose, Asked: now, Until: now.Add(staff.ExportLife), Body: body.Body()}
	if err := r.Check(); err != nil {
		return r, err
	}
	return r, o.DB.Update(ctx, func(s store.Stores) error { return s.Requests.Put(r) })
}

// Evidence hashes files, those of folders in the order of their names: SHA-256 of the list
// of each one's SHA-256 and length. What they are called is not in it.
func Evidence(ctx context.Context, paths []string) (t staff.Trace, err error) {
	sum := sha256.New()
	for _, root := range paths {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || ctx.Err() != nil {
				return errors.Join(err, ctx.Err())
			}
			if !d.Type().IsRegular() {
				return nil
			}
			one, n, err := hashFile(path)
			t.Files++
			t.Size += n
			fmt.Fprintf(sum, "%s %d\n", hex.EncodeToString(one), n)
			return err
		})
		if ctx.Err() != nil {
			return t, ctx.Err()
		}
		if err != nil {
			return t, ErrEvidence
		}
	}
	if t.Files == 0 || t.Files > staff.MaxTraced {
		return t, ErrEvidence
	}
	t.Evidence = [32]byte(sum.Sum(nil))
	return t, nil
}

func hashFile(path string) ([]byte, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	return sum.Sum(nil), n, err
}

// Traces returns the traces asked for lately, the newest first, with their approvals.
func (o *Operator) Traces(ctx context.Context) ([]signin.Pending, error) {
	all, err := o.asked(ctx)
	return slices.DeleteFunc(all, func(p signin.Pending) bool { return p.Kind != staff.AskTrace }), err
}
