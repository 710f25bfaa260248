package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	keeperclient "github.com/amanah-project/amanah/internal/keeper/client"
	"github.com/amanah-project/amanah/internal/keeper/keepertest"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/memory"
)

// weakDB fails its n-th write, without its effect or with it.
type weakDB struct {
	store.DB
	n      int
	effect bool
	calls  int
}

func (w *weakDB) Bulk(ctx context.Context, fn func(store.Stores) error) error {
	w.calls++
	if w.calls != w.n {
		return w.DB.Bulk(ctx, fn)
	}
	if w.effect {
		if err := w.DB.Bulk(ctx, fn); err != nil {
			return err
		}
	}
	return store.ErrUnavailable
}

// importRig is an operator on a real keeper whose database and disk are new.
type importRig struct {
	*Operator
	db   *weakDB
	disk *durabletest.Disk
	dir  string
}

const (
	somePeople = "nik,name,birth_date\n" +
		"9901011508900001,Siti,1990-08-15\n" +
		"990101150890000,Siti,1990-08-15\n" +
		"9901011508900002,Budi,1990-08-15\n" +
		"9901011508900003,Made,1990-02-30\n" +
		"99010115089000012,Siti,1990-08-15\n" +
		"9901011508900004,Ketut,1990-08-15\n" +
		"9901011508900005,Ketut,1990-08-16\n"
	someFacts = "nik,kind,ref,on\n" +
		"9901011508900009,recovery,a,2022-01-20\n" + // of nobody: the flow refuses it
		"9901011508900001,vaccine,b,2022-01-20\n" + // malformed: the reader refuses it
		"9901011508900001,recovery,c,2022-01-20\n" +
		"9901011508900001,recovery,d,2022-02-30\n" +
		"9901011508900008,recovery,e,2022-01-20\n" +
		"9901011508900002,recovery,f,2022-01-20\n" +
		"9901011508900007,recovery,g,2022-01-20\n"
	peopleRefused = "3,5,6,8"
	factsRefused  = "2,3,5,6,8"
)

func newImportRig(t *testing.T, k *keeperclient.Client, dir string, seed uint64) *importRig {
	t.Helper()
	rules, err := status.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	db := &weakDB{DB: memory.New()}
	return &importRig{&Operator{DB: db, Keeper: k, rules: rules, now: time.Now}, db, durabletest.New(seed), dir}
}

func (r *importRig) imports(ctx context.Context, again bool) error {
	opt := ImportOptions{File: filepath.Join(r.dir, "people.csv"), Again: again, batch: 2, disk: r.disk}
	if _, err := r.ImportPeople(ctx, opt); err != nil {
		return err
	}
	opt.File = filepath.Join(r.dir, "facts.csv")
	_, err := r.ImportEvidence(ctx, opt)
	return err
}

// refused returns the line numbers in a file of errors.
func (r *importRig) refused(t *testing.T, name string) string {
	t.Helper()
	raw, err := durable.ReadFile(r.disk, name)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(raw)) {
		n, why, ok := strings.Cut(line, "\t")
		if !ok || len(why) < 10 || !strings.HasSuffix(why, "\n") {
			t.Fatalf("no line of errors: %q", line)
		}
		lines = append(lines, n)
	}
	return strings.Join(lines, ",")
}

// TestInterruptedImportRefusesOnce stops an import at every write to the file of
// errors and to the database, each without its effect and with it, cuts the power,
// goes on, and finds each refusal once; so too when a file is taken again.
func TestInterruptedImportRefusesOnce(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"people.csv": somePeople, "facts.csv": someFacts} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	k := keepertest.Serve(t, durabletest.New(1))
	for _, again := range []bool{false, true} {
		made := func(seed uint64) *importRig {
			r := newImportRig(t, k, dir, seed)
			if again {
				if err := r.imports(t.Context(), false); err != nil {
					t.Fatal(err)
				}
			}
			r.disk.Fail(durabletest.Failure{})
			r.db.calls = 0
			return r
		}
		probe := made(0)
		if err := probe.imports(t.Context(), again); err != nil {
			t.Fatal(err)
		}
		onDisk, inDB := probe.disk.Calls(), probe.db.calls
		if onDisk < 12 || inDB < 8 {
			t.Fatalf("%d writes to the disk and %d to the database: fewer than an import of four batches twice has", onDisk, inDB)
		}
		stop := func(what string, seed uint64, arm func(r *importRig)) {
			r := made(seed)
			arm(r)
			if err := r.imports(t.Context(), again); err == nil {
				t.Fatalf("%s: the import did not notice", what)
			}
			r.disk.Crash()
			r.db.n = 0
			if err := r.imports(t.Context(), false); err != nil {
				t.Fatalf("%s, gone on with: %v", what, err)
			}
			if got := r.refused(t, "people.csv.errors"); got != peopleRefused {
				t.Errorf("%s: people refused at %s, want %s", what, got, peopleRefused)
			}
			out, err := r.ImportPeople(t.Context(), ImportOptions{File: filepath.Join(dir, "people.csv"), disk: r.disk})
			if err != nil || out.Before != 4 || out.Refused != 0 || out.Missing != 0 {
				t.Errorf("%s, asked once more: %+v, %v", what, out, err)
			}
			if got := r.refused(t, "facts.csv.errors"); got != factsRefused {
				t.Errorf("%s: evidence refused at %s, want %s", what, got, factsRefused)
			}
		}
		for _, effect := range []bool{false, true} {
			for seed := range uint64(2) {
				for n := 1; n <= onDisk; n++ {
					stop(fmt.Sprintf("again %v, disk %d, effect %v, seed %d", again, n, effect, seed), seed, func(r *importRig) {
						r.disk.Fail(durabletest.Failure{N: n, Effect: effect, Stop: seed%2 == 0})
					})
				}
				for n := 1; n <= inDB; n++ {
					stop(fmt.Sprintf("again %v, database %d, effect %v, seed %d", again, n, effect, seed), seed, func(r *importRig) {
						r.db.n, r.db.effect = n, effect
					})
				}
			}
		}
	}
}
