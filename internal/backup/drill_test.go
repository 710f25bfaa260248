package backup_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/amanah-project/amanah/internal/backup"
	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/flow/check"
	"github.com/amanah-project/amanah/internal/flow/evidence"
	"github.com/amanah-project/amanah/internal/keeper"
	keeperclient "github.com/amanah-project/amanah/internal/keeper/client"
	"github.com/amanah-project/amanah/internal/keeper/keepertest"
	"github.com/amanah-project/amanah/internal/keeper/root"
	"github.com/amanah-project/amanah/internal/keeper/server"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/memory"
	"github.com/amanah-project/amanah/internal/store/postgres"
	"github.com/amanah-project/amanah/internal/store/sqlite"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// database is what a drill runs on.
type database interface {
	store.DB
	store.Copier
}

func onSQLite(t *testing.T) database {
	t.Helper()
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "x.db"), sqlite.Options{Limit: time.Minute})
	must(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

func onPostgres(t *testing.T) database {
	t.Helper()
	at := os.Getenv("TEST_POSTGRES")
	if at == "" && os.Getenv("SKIP_POSTGRES") == "1" {
		t.Skip("NOT TESTED ON POSTGRESQL: SKIP_POSTGRES=1")
	}
	if at == "" {
		t.Fatal("TEST_POSTGRES is not set: run `make test`, or set SKIP_POSTGRES=1")
	}
	admin := func(sql string) {
		conn, err := pgx.Connect(context.Background(), at)
		must(t, err)
		defer conn.Close(context.Background())
		_, err = conn.Exec(context.Background(), sql)
		must(t, err)
	}
	name := "drill_" + rand.Text()
	admin(fmt.Sprintf(`CREATE DATABASE "%s"`, name))
	t.Cleanup(func() { admin(fmt.Sprintf(`DROP DATABASE "%s" WITH (FORCE)`, name)) })
	u, err := url.Parse(at)
	must(t, err)
	u.Path = "/" + name
	db, err := postgres.Open(t.Context(), u.String(), postgres.Options{})
	must(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

// target may be put to and read, as credentials of a backup may: nothing of it can be
// written over or deleted.
type target struct {
	mu   sync.Mutex
	put  map[store.BlobName][]byte
	fail int // the n-th Put from now fails; 0 is none
}

var errTarget = errors.New("the target is gone")

func (t *target) Put(_ context.Context, name store.BlobName, r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fail > 0 {
		if t.fail--; t.fail == 0 {
			return errTarget
		}
	}
	if _, there := t.put[name]; !there {
		t.put[name] = raw
	}
	return nil
}

func (t *target) Open(_ context.Context, name store.BlobName) (store.Blob, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	raw, there := t.put[name]
	if !there {
		return nil, store.ErrNoBlob
	}
	return blob{bytes.NewReader(raw)}, nil
}

type blob struct{ *bytes.Reader }

func (blob) Close() error { return nil }

// site is an installation with invented people, their NIKs of province 99.
type site struct {
	k        *keeperclient.Client
	db       database
	blobs    store.Blobs
	flow     *evidence.Flow
	niks     []identity.NIK
	target   *target
	recovery keeper.Recovery
}

func newSite(t *testing.T, db database) *site {
	t.Helper()
	rules, err := status.Builtin()
	must(t, err)
	s := &site{k: keepertest.Serve(t, durabletest.New(1)), db: db, blobs: memory.NewBlobs(), target: &target{put: map[store.BlobName][]byte{}}}
	s.flow = &evidence.Flow{DB: db, Keeper: s.k, Rules: rules, Now: time.Now, Actor: "test", Budget: keeper.BudgetImport}
	_, err = s.k.ServiceKeys(t.Context())
	must(t, err)
	var rows []evidence.Newcomer
	for i := range 30 {
		nik, err := identity.ParseNIK(fmt.Sprintf("99010115089%05d", i+1))
		must(t, err)
		name, err := identity.ParseName(fmt.Sprint("Kenari ", string(rune('A'+i%26))))
		must(t, err)
		birth, err := day.Parse("1990-08-15")
		must(t, err)
		s.niks = append(s.niks, nik)
		rows = append(rows, evidence.Newcomer{Line: int64(i + 1), Person: identity.Person{NIK: nik, Name: name, Birth: birth, Sex: nik.Sex()}})
	}
	tally, err := s.flow.People(t.Context(), rows, identity.Progress{Source: "people"})
	must(t, err)
	if tally.Added != 30 {
		t.Fatalf("%+v", tally)
	}
	for i := range 5 {
		s.document(t, i, 1000*i)
	}
	return s
}

func (s *site) document(t *testing.T, n, size int) {
	t.Helper()
	must(t, s.blobs.Put(t.Context(), store.BlobName{byte(n + 1), 7}, bytes.NewReader(bytes.Repeat([]byte{byte(n)}, size))))
}

func (s *site) dose(t *testing.T, who int, ref string) {
	t.Helper()
	item := status.Evidence{Doses: []status.Dose{{On: day.Of(time.Now()).Add(-40), Vaccine: "sinovac", Ref: ref}}}
	tally, err := s.flow.Facts(t.Context(), []evidence.Fact{{Line: 1, NIK: s.niks[who], Item: item}}, identity.Progress{Source: "facts " + ref})
	must(t, err)
	if tally.Added != 1 {
		t.Fatalf("%+v", tally)
	}
}

func (s *site) backup(t *testing.T) (backup.Made, error) {
	t.Helper()
	return backup.Make(t.Context(), backup.Options{
		DB: s.db, Keeper: s.k, Blobs: s.blobs, Target: s.target, Keep: func(r keeper.Recovery) error { s.recovery = r; return nil },
	})
}

func credential() root.Credential { return root.Credential{Secret: make([]byte, 32)} }

// book is what somebody reads backups with who has the recovery file and the root's
// credential and nothing else.
func (s *site) book(t *testing.T) (backup.Book, *server.Recovered) {
	t.Helper()
	r, err := server.OpenRecovery(s.recovery, credential())
	must(t, err)
	return backup.Book{Target: s.target, Keys: backup.Keys{Data: r.Data, Name: r.Name}, Log: r.Log, Last: r.Last}, r
}

// content is every row of a database, and every document.
func content(t *testing.T, db store.Copier, blobs store.Blobs) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	must(t, db.Snapshot(t.Context(), func(s store.Snapshot) error {
		tables, err := s.Tables()
		if err != nil {
			return err
		}
		for _, table := range tables {
			if err := s.Rows(table, func(row []store.Value) error {
				out[table.Name] = append(out[table.Name], fmt.Sprint(row))
				return nil
			}); err != nil {
				return err
			}
		}
		return nil
	}))
	names, err := blobs.List(t.Context(), store.BlobName{}, 100)
	must(t, err)
	for _, n := range names {
		b, err := blobs.Open(t.Context(), n)
		must(t, err)
		raw, err := io.ReadAll(io.NewSectionReader(b, 0, b.Size()))
		must(t, err)
		out["documents"] = append(out["documents"], fmt.Sprintf("%s %x", n, raw))
	}
	return out
}

func found(t *testing.T, db database, k *keeperclient.Client) []check.Finding {
	t.Helper()
	keys, err := k.ServiceKeys(t.Context())
	must(t, err)
	var out []check.Finding
	c := check.Check{DB: db, Keeper: k, Log: keys.Log[:], Actor: "test", Found: func(f check.Finding) error { out = append(out, f); return nil }}
	_, err = c.Run(t.Context())
	must(t, err)
	return out
}

// TestDrill wipes an installation and makes it again of its backup, on each engine,
// and from each to the other.
func TestDrill(t *testing.T) {
	for name, engines := range map[string][2]func(*testing.T) database{
		"SQLite": {onSQLite, onSQLite}, "PostgreSQL": {onPostgres, onPostgres},
		"SQLite to PostgreSQL": {onSQLite, onPostgres}, "PostgreSQL to SQLite": {onPostgres, onSQLite},
	} {
		t.Run(name, func(t *testing.T) { drill(t, engines[0](t), engines[1]) })
	}
}

func drill(t *testing.T, db database, engine func(*testing.T) database) {
	s := newSite(t, db)
	s.dose(t, 3, "one")
	first, err := s.backup(t)
	must(t, err)
	put := maps.Clone(s.target.put)
	s.dose(t, 4, "two")
	s.document(t, 9, 70_000)
	second, err := s.backup(t)
	must(t, err)
	if first.N != 1 || second.N != 2 || second.Put >= first.Put || second.Blobs != 6 {
		t.Errorf("first %+v, second %+v", first, second)
	}
	for name, raw := range put {
		if !bytes.Equal(s.target.put[name], raw) {
			t.Error("the second backup changed what the first put")
		}
	}
	want := content(t, s.db, s.blobs)
	s.dose(t, 5, "three") // acknowledged, and in no backup

	book, recovered := s.book(t)
	verified, err := book.Verify(t.Context(), s.k, "test", 100, nil)
	must(t, err)
	if verified.Backups != 2 || verified.Opened != 29 || verified.Changed != 1 || verified.Documents != 6 || verified.Newest.Blobs != 6 {
		t.Errorf("verified %+v", verified)
	}

	// Everything is gone but the target, the recovery file and the credential.
	disk, fresh, blobs := durabletest.New(2), engine(t), memory.NewBlobs()
	got, err := book.Restore(t.Context(), backup.Into{DB: fresh, Blobs: blobs, Keeper: func(c backup.Copy) error {
		return server.Restore(server.Options{Disk: disk, Credential: credential()}, recovered, server.Copied{
			Held: c.Held, Number: c.N, Digest: c.Digest, Journal: c.Journal, Files: c.Files, Wraps: c.Wraps,
		})
	}})
	must(t, err)
	if d := cmp.Diff(want, content(t, fresh, blobs)); d != "" {
		t.Errorf("what was restored is not what was backed up:\n%s", d)
	}
	if got.N != 2 || !got.Held.Equal(second.Held) || !strings.Contains(got.Lost, second.Held.UTC().Format("2006-01-02T15:04:05")) {
		t.Errorf("restored %+v", got)
	}
	k := keepertest.Serve(t, disk)
	if f := found(t, fresh, k); len(f) != 0 {
		t.Errorf("a check of what was restored: %+v", f)
	}
	old, err := s.k.ServiceKeys(t.Context())
	must(t, err)
	keys, err := k.ServiceKeys(t.Context())
	must(t, err)
	if keys.Log != old.Log || keys.Pin != old.Pin || !bytes.Equal(keys.Token[0].Key, old.Token[0].Key) {
		t.Error("the restored keeper has other keys")
	}

	// It goes on: people are written and the chain of backups grows.
	again := &site{k: k, db: fresh, blobs: blobs, niks: s.niks, target: s.target}
	again.flow = &evidence.Flow{DB: fresh, Keeper: k, Rules: s.flow.Rules, Now: time.Now, Actor: "test", Budget: keeper.BudgetImport}
	again.dose(t, 5, "three-again")
	third, err := again.backup(t)
	must(t, err)
	book, _ = again.book(t)
	if v, err := book.Verify(t.Context(), k, "test", 100, nil); err != nil || third.N != 3 || v.Backups != 3 {
		t.Errorf("after the restore: %+v %+v %v", third, v, err)
	}
}

// TestWhatWasAcknowledgedAfterTheBackupIsNamed: the database is lost and the keeper is
// not; whose write is not in the backup is named, and nobody else.
func TestWhatWasAcknowledgedAfterTheBackupIsNamed(t *testing.T) {
	s := newSite(t, onSQLite(t))
	s.dose(t, 3, "one")
	_, err := s.backup(t)
	must(t, err)
	s.dose(t, 3, "two")
	s.dose(t, 7, "three")
	book, _ := s.book(t)
	fresh := onSQLite(t)
	got, err := book.Restore(t.Context(), backup.Into{DB: fresh, Blobs: memory.NewBlobs()})
	must(t, err)
	if !strings.Contains(got.Lost, "is lost") {
		t.Errorf("%+v", got)
	}
	named := map[string]bool{}
	for _, f := range found(t, fresh, s.k) {
		named[f.Row] = true
		if f.What != check.RolledBack && f.What != check.Missing {
			t.Errorf("%+v", f)
		}
	}
	if d := cmp.Diff([]string{"4", "8"}, slices.Sorted(maps.Keys(named))); d != "" {
		t.Errorf("people named:\n%s", d)
	}
}

func TestNothingIsRestoredOverWhatIsThere(t *testing.T) {
	s := newSite(t, onSQLite(t))
	_, err := s.backup(t)
	must(t, err)
	book, r := s.book(t)
	full := memory.NewBlobs()
	must(t, full.Put(t.Context(), store.BlobName{1}, strings.NewReader("x")))
	for name, into := range map[string]backup.Into{
		"a database": {DB: s.db, Blobs: memory.NewBlobs()}, "documents": {DB: onSQLite(t), Blobs: full},
	} {
		if _, err := book.Restore(t.Context(), into); !errors.Is(err, backup.ErrNotEmpty) {
			t.Errorf("over %s: %v", name, err)
		}
	}
	disk := durabletest.New(3)
	must(t, durable.WriteFile(disk, "journal", []byte("x")))
	if err := server.Restore(server.Options{Disk: disk, Credential: credential()}, r, server.Copied{}); !errors.Is(err, server.ErrNotEmpty) {
		t.Errorf("over a keeper's folder: %v", err)
	}
}

// TestAnInterruptedBackupGoesOn lets each put fail in turn: what was put stays, and
// the next backup is whole.
func TestAnInterruptedBackupGoesOn(t *testing.T) {
	s := newSite(t, onSQLite(t))
	for n := 1; ; n += 3 {
		s.target.fail = n
		made, err := s.backup(t)
		if err == nil {
			if n < 10 {
				t.Errorf("a backup of %d puts", n)
			}
			s.target.fail = 0
			book, _ := s.book(t)
			v, err := book.Verify(t.Context(), s.k, "test", 100, nil)
			if err != nil || v.Opened != 30 || uint64(v.Backups) != made.N {
				t.Errorf("%+v %v", v, err)
			}
			return
		}
		if !errors.Is(err, errTarget) {
			t.Fatalf("put %d: %v", n, err)
		}
		s.dose(t, n%30, fmt.Sprint("d", n))
	}
}

// TestAnAlteredBackupIsFound: every piece that was put is cut, altered, removed or
// swapped with another; unaltered, as the control, the backup is whole.
func TestAnAlteredBackupIsFound(t *testing.T) {
	s := newSite(t, onSQLite(t))
	_, err := s.backup(t)
	must(t, err)
	s.dose(t, 2, "x")
	older := s.recovery
	_, err = s.backup(t)
	must(t, err)
	book, _ := s.book(t)
	names := slices.SortedFunc(maps.Keys(s.target.put), func(a, b store.BlobName) int { return bytes.Compare(a[:], b[:]) })
	whole := s.target.put
	if _, err := book.Verify(t.Context(), s.k, "test", 100, nil); err != nil {
		t.Fatalf("the control: %v", err)
	}
	// What only the first backup has is looked at with its own recovery file.
	passed := map[string]int{}
	for i, name := range names {
		for what, change := range map[string]func(m map[store.BlobName][]byte){
			"removed": func(m map[store.BlobName][]byte) { delete(m, name) },
			"cut":     func(m map[store.BlobName][]byte) { m[name] = m[name][:len(m[name])/2] },
			"flipped": func(m map[store.BlobName][]byte) { m[name] = slices.Clone(m[name]); m[name][len(m[name])/2] ^= 1 },
			"swapped": func(m map[store.BlobName][]byte) { m[name] = whole[names[(i+1)%len(names)]] },
		} {
			if len(whole[name]) == 0 {
				continue // an empty document
			}
			m := maps.Clone(whole)
			change(m)
			s.target.put = m
			_, newest := book.Verify(t.Context(), nil, "test", 100, nil)
			s.recovery = older
			first, _ := s.book(t)
			_, oldest := first.Verify(t.Context(), nil, "test", 100, nil)
			if newest == nil && oldest == nil {
				passed[what]++
				t.Errorf("piece %d %s: nothing was found", i, what)
			}
		}
	}
	s.target.put = whole
	t.Logf("%d pieces, each in 4 ways", len(names))
}
