package response

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"
	"time"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/trace"
	"github.com/amanah-project/amanah/internal/trace/dump"
	"github.com/amanah-project/amanah/internal/trace/index"
)

// What a run keeps in the case folder, sealed under the trace's key: what it observed, and,
// while it reads, how far it is.
const (
	keptName    = "observed.sealed"
	readingName = "reading.sealed"
)

// observed is what a run keeps.
type observed struct {
	Result  *trace.Result
	Report  *dump.Report
	Indexes int

	images map[leak.Row][]leak.Row // of records that are images, the rows of their names; not kept
}

// reading is how far a run has read.
type reading struct {
	Version string // of the tool: another one may read otherwise, and begins again
	Walk    *dump.State
	Engine  *trace.State
}

// Begun reports whether a run in a case folder was stopped while it read.
func Begun(folder durable.FS) (bool, error) {
	names, err := folder.List("")
	begun := false
	for _, n := range names {
		if n == keptName {
			return false, err
		}
		begun = begun || n == readingName
	}
	return begun, err
}

// observe reads the files, from where a run before stopped, unless one has read them all;
// held is how many versions of records the index has.
func (f *Flow) observe(ctx context.Context, paths []string, t keeper.Traced, evidence staff.Trace) (o observed, held int, err error) {
	set, err := f.Index.Load()
	if err != nil {
		return o, 0, err
	}
	held = len(set.Versions)
	box, err := sealer(t.Job)
	if err != nil {
		return o, 0, err
	}
	kept := folder{f.Case, box}
	o, err = kept.kept(keptName)
	o.images = set.Images(index.Key(t.Tags))
	if err == nil {
		return o, held, kept.remove(readingName) // a crash may have left it
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return o, 0, err
	}
	tags, job := index.Key(t.Tags), index.Key(t.Job)
	table := index.NewTable(tags, job, set)
	engine := trace.New(table, index.NewAsker(tags, job))
	engine.Seek(rangesOf(t.Canaries))
	if o.Report, err = f.walk(ctx, paths, engine, kept); err != nil {
		return o, 0, err
	}
	if !sameEvidence(evidenceOf(o.Report), evidence) {
		return o, 0, errors.Join(ErrOther, kept.remove(readingName))
	}
	o.Result, o.Indexes = engine.Result(), len(engine.Indexes())
	if err := kept.keep(keptName, &o); err != nil {
		return o, 0, err
	}
	return o, held, kept.remove(readingName)
}

// walk reads the files and keeps how far it is.
func (f *Flow) walk(ctx context.Context, paths []string, engine *trace.Engine, to folder) (*dump.Report, error) {
	o := dump.Options{Workers: f.Workers, Progress: f.Progress}
	raw, err := to.read(readingName)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err == nil {
		var r reading
		if gob.NewDecoder(bytes.NewReader(raw)).Decode(&r) != nil || r.Walk == nil || r.Engine == nil {
			return nil, ErrKept
		}
		if r.Version == f.Version {
			if err := engine.Restore(r.Engine); err != nil {
				return nil, err
			}
			o.From = r.Walk
		}
	}
	pace := newPacer(f.Pace)
	o.Due = pace.due
	o.Keep = func(s *dump.State) error {
		defer pace.begin()()
		var b bytes.Buffer
		if err := gob.NewEncoder(&b).Encode(reading{f.Version, s, engine.State()}); err != nil {
			return err
		}
		return to.write(readingName, b.Bytes())
	}
	return dump.Walk(ctx, paths, engine, o)
}

// pacer says when how far a run is is to be kept.
type pacer struct {
	pace time.Duration
	next atomic.Int64 // nanoseconds from began
	busy atomic.Bool
	from time.Time
}

// share of the time is what keeping takes at most.
const share = 20

func newPacer(pace time.Duration) *pacer {
	if pace == 0 {
		pace = time.Second
	}
	p := &pacer{pace: pace, from: time.Now()}
	p.next.Store(int64(pace))
	return p
}

func (p *pacer) due() bool {
	if p.pace < 0 {
		return true
	}
	return int64(time.Since(p.from)) >= p.next.Load() && p.busy.CompareAndSwap(false, true)
}

// begin is told when keeping begins; what it returns, when it ended.
func (p *pacer) begin() func() {
	at := time.Since(p.from)
	return func() {
		now := time.Since(p.from)
		p.next.Store(int64(now + max(p.pace, (share-1)*(now-at))))
		p.busy.Store(false)
	}
}

// sameEvidence reports whether the same files were hashed.
func sameEvidence(a, b staff.Trace) bool {
	return a.Evidence == b.Evidence && a.Files == b.Files && a.Size == b.Size
}

// evidenceOf is the evidence that was read: what a request names, by the same rule.
func evidenceOf(r *dump.Report) (t staff.Trace) {
	sum := sha256.New()
	for _, s := range r.Sources {
		if s.Parent < 0 {
			t.Files++
			t.Size += s.Size
			fmt.Fprintf(sum, "%s %d\n", hex.EncodeToString(s.SHA256[:]), s.Size)
		}
	}
	t.Evidence = [32]byte(sum.Sum(nil))
	return t
}

// folder is a case folder whose files are sealed.
type folder struct {
	durable.FS
	seal cipher.AEAD
}

// write replaces a file.
func (d folder) write(name string, plain []byte) error {
	nonce := make([]byte, d.seal.NonceSize())
	rand.Read(nonce)
	return durable.WriteFile(d.FS, name, d.seal.Seal(nonce, nonce, plain, []byte(name)))
}

// read returns what a file holds: ErrKept when it does not open.
func (d folder) read(name string) ([]byte, error) {
	raw, err := durable.ReadFile(d.FS, name)
	if err != nil {
		return nil, err
	}
	n := d.seal.NonceSize()
	if len(raw) < n {
		return nil, ErrKept
	}
	plain, err := d.seal.Open(nil, raw[:n], raw[n:], []byte(name))
	if err != nil {
		return nil, ErrKept
	}
	return plain, nil
}

// remove removes a file that may not be there.
func (d folder) remove(name string) error {
	err := d.FS.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(err, d.FS.SyncDir(""))
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
