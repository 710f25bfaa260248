package backup_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/backup"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/care/caretest"
	"github.com/amanah-project/amanah/internal/flow/document"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/server"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/disk"
	"github.com/amanah-project/amanah/internal/store/s3"
	"github.com/amanah-project/amanah/internal/store/sqlite"
)

var clinic = care.Caller{
	Actor: "client-rs-99-001", Facility: "rs-99-001", Role: staff.RoleClient, Rights: staff.Enter | staff.Correct | staff.View,
	Ask: keeper.Ask{Proof: "signed"},
}

// house is an installation with records and documents: its database, its keeper and its
// documents lie in three folders.
type house struct {
	*caretest.Site
	dir   string
	db    *sqlite.DB
	flow  *document.Flow
	blobs store.Blobs
	look  store.BlobSource // as a command beside the server has it
}

func newHouse(t *testing.T, dir string, blobs store.Blobs, look store.BlobSource) *house {
	t.Helper()
	must(t, os.MkdirAll(dir, 0o700))
	db, err := sqlite.Open(filepath.Join(dir, "x.db"), sqlite.Options{Limit: time.Minute})
	must(t, err)
	t.Cleanup(func() { db.Close() })
	h := &house{dir: dir, db: db, Site: caretest.Over(t, db, durable.OS(filepath.Join(dir, "keeper"))), blobs: blobs, look: look}
	v := &document.Vault{
		DB: db, Blobs: blobs, Keeper: h.Keeper, Now: time.Now,
		Spool: func() (document.Spooled, error) { return disk.Spool(t.TempDir()), nil },
	}
	h.Care.Documents = v
	h.flow = &document.Flow{Vault: v, Records: h.Care}
	return h
}

// onDisk keeps documents in a folder.
func onDisk(t *testing.T, dir string) *house {
	t.Helper()
	at := durable.OS(filepath.Join(dir, "documents"))
	blobs, err := disk.Open(at)
	must(t, err)
	t.Cleanup(func() { blobs.Close() })
	return newHouse(t, dir, blobs, disk.Look(at)) // the server's lock is held all the while
}

// inBucket keeps documents in a bucket.
func inBucket(t *testing.T, dir string) *house {
	t.Helper()
	blobs, err := s3.Open(t.Context(), bucket(t))
	must(t, err)
	t.Cleanup(func() { blobs.Close() })
	return newHouse(t, dir, blobs, blobs)
}

var buckets atomic.Int64

// bucket makes a bucket on the server that scripts/s3.sh started.
func bucket(t *testing.T) s3.Bucket {
	t.Helper()
	at := os.Getenv("TEST_S3")
	if at == "" && os.Getenv("SKIP_S3") == "1" {
		t.Skip("NOT TESTED ON AN S3 SERVER: SKIP_S3=1")
	}
	if at == "" {
		t.Fatal("TEST_S3 is not set: run scripts/s3.sh go test, or set SKIP_S3=1 to leave S3 untested")
	}
	b := s3.Bucket{
		URL:    fmt.Sprintf("%s/backup-%d-%d", at, os.Getpid(), buckets.Add(1)),
		Region: "us-east-1", Key: os.Getenv("TEST_S3_KEY"), Secret: s3.Secret(os.Getenv("TEST_S3_SECRET")),
	}
	ask(t, b, nil, "")
	return b
}

func ask(t *testing.T, b s3.Bucket, query url.Values, content string) {
	t.Helper()
	if status, body, err := s3.Ask(t.Context(), b, http.MethodPut, query, []byte(content)); status/100 != 2 || err != nil {
		t.Fatalf("a bucket for a test: %d %s %v", status, body, err)
	}
}

// writer is a credential that may put into a bucket and read it, and not delete.
func writer(t *testing.T, b s3.Bucket) s3.Bucket {
	t.Helper()
	name := b.URL[strings.LastIndex(b.URL, "/")+1:]
	w := b
	w.Key, w.Secret = os.Getenv("TEST_S3_USER_KEY"), s3.Secret(os.Getenv("TEST_S3_USER_SECRET"))
	ask(t, b, url.Values{"policy": {""}}, fmt.Sprintf(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":[%q]},"Action":["s3:PutObject","s3:GetObject"],"Resource":["arn:aws:s3:::%[2]s/*"]},
		{"Effect":"Allow","Principal":{"AWS":[%[1]q]},"Action":["s3:ListBucket"],"Resource":["arn:aws:s3:::%[2]s"]}]}`, w.Key, name))
	return w
}

// fill enters records and documents of several lengths, a correction among them.
func (h *house) fill(t *testing.T) []identity.PersonID {
	t.Helper()
	people := []identity.PersonID{
		h.Register("9901015703840001", "Ani Contoh", "1984-03-17"), h.Register("9901011508900001", "Budi Contoh", "1990-08-15"),
	}
	for i, who := range people {
		var items []care.Item
		for n := range 3 {
			items = append(items, care.Item{Resource: h.Read(fmt.Sprintf(
				`{"resourceType":"Immunization","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"208"}]},"patient":{"reference":"Patient/%d"},"occurrenceDateTime":"2021-0%d-01"}`, who, n+1))})
		}
		done, err := h.Care.Enter(t.Context(), clinic, []care.Entry{{Person: who, Items: items}})
		must(t, errors.Join(err, done[0].Err))
		long := strings.Repeat("kenari ", 12_000) // outgrows its row
		done, err = h.Care.Enter(t.Context(), clinic, []care.Entry{{Person: who, Items: []care.Item{{Resource: h.Read(fmt.Sprintf(
			`{"resourceType":"Observation","status":"final","code":{"text":"catatan"},"subject":{"reference":"Patient/%d"},"valueString":%q}`, who, long))}}}})
		must(t, errors.Join(err, done[0].Err))
		for n, size := range []int64{1, 300, 16 << 10, 70_000, 9 << 20} {
			s, err := h.flow.Put(t.Context(), clinic, document.Incoming{
				Person: who, Kind: record.ReferralLetter, ContentType: record.Bytes, Source: fmt.Sprint("letter ", n),
				From: io.LimitReader(rand.NewChaCha8([32]byte{byte(n), byte(i)}), size),
			})
			must(t, err)
			if s.Ref.Person != who {
				t.Fatalf("%+v", s)
			}
		}
		must(t, h.Care.Hold(t.Context(), care.Caller{Actor: "officer-1", Role: staff.RoleOfficer}, who, true, "court-order"))
	}
	return people
}

// all is every record of some people and every document, as who may view them is shown.
func (h *house) all(t *testing.T, people []identity.PersonID) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, who := range people {
		records, err := h.Care.Everything(t.Context(), clinic, who)
		must(t, err)
		for _, r := range records {
			name := fmt.Sprintf("%s version %d", r.Ref, r.Version)
			out[name] = fmt.Sprintf("%v %s %s", r.Kind, r.Entered, r.Body)
			if r.Content.Document == nil || r.Type != "" {
				continue
			}
			c, err := h.flow.Content(t.Context(), r)
			must(t, err)
			raw, err := io.ReadAll(io.NewSectionReader(c, 0, c.Size()))
			must(t, errors.Join(err, c.Close()))
			out[name+" document"] = string(raw)
		}
	}
	return out
}

// TestDrillOfEverything wipes an installation with health records and documents and
// makes it again of its backups, with documents on disk and in a bucket, backups in a
// folder and in a bucket under a credential that cannot delete: the database, the keeper
// and the documents are back, and every record and document reads byte for byte as before.
func TestDrillOfEverything(t *testing.T) {
	for name, c := range map[string]struct {
		house, again func(*testing.T, string) *house
		target       func(*testing.T) (target, owner store.Blobs)
	}{
		"documents and backups on disk": {onDisk, onDisk, func(t *testing.T) (target, owner store.Blobs) {
			b, err := disk.Open(durable.OS(t.TempDir()))
			must(t, err)
			return b, b
		}},
		"documents and backups in buckets": {inBucket, inBucket, putOnly},
		"from a bucket to disk":            {inBucket, onDisk, putOnly},
	} {
		t.Run(name, func(t *testing.T) {
			target, owner := c.target(t)
			drillEverything(t, c.house(t, filepath.Join(t.TempDir(), "one")), c.again, target, owner)
		})
	}
}

// putOnly is a bucket of backups under a credential that cannot delete, and under its owner's.
func putOnly(t *testing.T) (target, owner store.Blobs) {
	t.Helper()
	b := bucket(t)
	s, err := s3.Open(t.Context(), writer(t, b))
	must(t, err)
	o, err := s3.Open(t.Context(), b)
	must(t, err)
	t.Cleanup(func() { o.Close() })
	return s, o
}

// tidied has a stray piece in a place of backups, which whoever backs up cannot remove, where
// the place tells them apart, and its owner can.
func tidied(t *testing.T, book backup.Book, target, owner store.Blobs) {
	t.Helper()
	must(t, target.Put(t.Context(), store.BlobName{1, 2, 3}, strings.NewReader("of a backup that was cut off")))
	found, err := book.Orphans(t.Context(), target, false)
	must(t, err)
	if found.Found != 1 || found.Kept == 0 {
		t.Errorf("one stray piece: %+v", found)
	}
	if target != owner {
		if got, err := book.Orphans(t.Context(), target, true); err == nil || got.Removed != 0 {
			t.Errorf("removed under a backup's own credential: %+v %v", got, err)
		}
	}
	gone, err := book.Orphans(t.Context(), owner, true)
	must(t, err)
	if gone.Removed != 1 || gone.Kept != found.Kept {
		t.Errorf("removed by the owner: %+v of %+v", gone, found)
	}
	if left, err := book.Orphans(t.Context(), target, false); err != nil || left.Found != 0 || left.Kept != found.Kept {
		t.Errorf("afterwards %+v %v", left, err)
	}
}

func drillEverything(t *testing.T, h *house, again func(*testing.T, string) *house, target, owner store.Blobs) {
	t.Cleanup(func() { target.Close() })
	people := h.fill(t)
	var recovery keeper.Recovery
	made := func() backup.Made {
		t.Helper()
		m, err := backup.Make(t.Context(), backup.Options{
			DB: h.db, Keeper: h.Keeper, Blobs: h.look, Target: target, Keep: func(r keeper.Recovery) error { recovery = r; return nil },
		})
		must(t, err)
		return m
	}
	first := made()
	_, err := h.flow.Put(t.Context(), clinic, document.Incoming{Person: people[0], Kind: record.ReferralLetter, From: strings.NewReader("surat baru"), ContentType: record.Bytes})
	must(t, err)
	second := made()
	if first.Blobs != 12 || second.Blobs != 13 || second.Put >= first.Put {
		t.Errorf("first %+v, second %+v", first, second)
	}
	want := h.all(t, people)
	rows := content(t, h.db, h.blobs)
	r, err := server.OpenRecovery(recovery, credential())
	must(t, err)
	book := backup.Book{Target: target, Keys: backup.Keys{Data: r.Data, Name: r.Name}, Log: r.Log, Last: r.Last}
	tidied(t, book, target, owner)
	v, err := book.Verify(t.Context(), h.Keeper, "test", 100, nil)
	must(t, err)
	if v.Documents != 13 || v.Read != 13 || v.Opened != 2 || v.Changed != 0 {
		t.Errorf("verified %+v", v)
	}

	must(t, os.RemoveAll(filepath.Join(h.dir, "documents"))) // the machine is gone
	must(t, os.Remove(filepath.Join(h.dir, "x.db")))
	dir := filepath.Join(t.TempDir(), "two")
	keeperDir := filepath.Join(dir, "keeper")
	fresh := again(t, dir+"-empty") // places to restore into; its keeper is another
	got, err := book.Restore(t.Context(), backup.Into{DB: fresh.db, Blobs: fresh.blobs, Keeper: func(c backup.Copy) error {
		return server.Restore(server.Options{Disk: durable.OS(keeperDir), Credential: credential()}, r, server.Copied{
			Held: c.Held, Number: c.N, Digest: c.Digest, Journal: c.Journal, Files: c.Files, Wraps: c.Wraps,
		})
	}})
	must(t, err)
	if got.N != 2 || got.Blobs != 13 {
		t.Errorf("restored %+v", got)
	}
	if d := cmp.Diff(rows, content(t, fresh.db, fresh.blobs)); d != "" {
		t.Errorf("what was restored is not what was backed up:\n%s", d)
	}
	back := &house{dir: dir, db: fresh.db, blobs: fresh.blobs, look: fresh.look, Site: caretest.Over(t, fresh.db, durable.OS(keeperDir))}
	doc := &document.Vault{DB: fresh.db, Blobs: fresh.blobs, Keeper: back.Keeper, Now: time.Now, Spool: func() (document.Spooled, error) { return disk.Spool(t.TempDir()), nil }}
	back.Care.Documents, back.flow = doc, &document.Flow{Vault: doc, Records: back.Care}
	if d := cmp.Diff(want, back.all(t, people)); d != "" || len(want) < 20 {
		t.Errorf("of %d records and documents some read otherwise:\n%.2000s", len(want), d)
	}
	if f := found(t, fresh.db, back.Keeper); len(f) != 0 {
		t.Errorf("a check of what was restored: %+v", f)
	}
}

// TestABackupsCredentialCannotDelete: what was put under it can be read, put again
// without effect, and neither removed nor written over; the bucket's owner, as the
// control, removes it.
func TestABackupsCredentialCannotDelete(t *testing.T) {
	b := bucket(t)
	w := writer(t, b)
	mine, err := s3.Open(t.Context(), w)
	must(t, err)
	defer mine.Close()
	name := store.BlobName{7, 31: 7}
	must(t, mine.Put(t.Context(), name, strings.NewReader("the first")))
	must(t, mine.Put(t.Context(), name, strings.NewReader("another")))
	if err := mine.Delete(t.Context(), name); !errors.Is(err, store.ErrBlobsUnavailable) {
		t.Errorf("deleted: %v", err)
	}
	got, err := mine.Open(t.Context(), name)
	must(t, err)
	raw, err := io.ReadAll(io.NewSectionReader(got, 0, got.Size()))
	must(t, errors.Join(err, got.Close()))
	if !bytes.Equal(raw, []byte("the first")) {
		t.Errorf("it reads %q", raw)
	}
	big := store.BlobName{8, 31: 8}
	must(t, mine.Put(t.Context(), big, io.LimitReader(rand.NewChaCha8([32]byte{}), 17<<20))) // in parts
	owner, err := s3.Open(t.Context(), b)
	must(t, err)
	defer owner.Close()
	must(t, owner.Delete(t.Context(), name))
}

// TestABackupCutOffAtItsLastWordGoesOn: the keeper journaled a backup and its word for it
// was not put. The next backup puts it, and the chain holds.
func TestABackupCutOffAtItsLastWordGoesOn(t *testing.T) {
	s := newSite(t, onSQLite(t))
	_, err := s.backup(t)
	must(t, err)
	probe := len(s.target.put)
	s.dose(t, 1, "a")
	before := maps.Clone(s.target.put)
	for n := 1; ; n++ { // the last of its puts fails
		s.target.put, s.target.fail = maps.Clone(before), n
		if _, err = s.backup(t); err == nil {
			t.Fatal("no put was the last")
		}
		g, err := s.k.Backup(t.Context(), keeper.BackupAsk{Step: keeper.BackupBegin})
		must(t, err)
		if g.Backup.N == 3 { // journaled, and not put
			break
		}
	}
	s.target.fail = 0
	book, _ := s.book(t)
	g, err := s.k.Backup(t.Context(), keeper.BackupAsk{Step: keeper.BackupBegin})
	must(t, err)
	book.Last = keeper.Backed{N: 2, Digest: g.Backup.Before}
	if _, err := book.Verify(t.Context(), nil, "test", 1, nil); !errors.Is(err, backup.ErrChain) {
		t.Errorf("the control: %v", err)
	}
	third, err := s.backup(t)
	must(t, err)
	book, _ = s.book(t)
	v, err := book.Verify(t.Context(), s.k, "test", 100, nil)
	must(t, err)
	if third.N != 3 || v.Backups != 3 || len(s.target.put) <= probe {
		t.Errorf("%+v %+v", third, v)
	}
}
