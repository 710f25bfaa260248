package document_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/flow/document"
	"github.com/amanah-project/amanah/internal/format/dicom"
	"github.com/amanah-project/amanah/internal/format/dicom/dicomtest"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/disk"
)

// image is one of a patient who says so.
func image(t *testing.T, instance, nik, name, birth string) []byte {
	t.Helper()
	return dicomtest.Image(map[dicom.Tag]string{
		dicomtest.Instance: instance, dicomtest.PatientID: nik, dicomtest.Name: name, dicomtest.Birth: birth,
	}, 4)
}

// failing is a database of which the n-th Update fails, before or after its commit.
type failing struct {
	store.DB
	n     int
	after bool
}

var errFailing = errors.New("the database failed")

// Update implements store.DB.
func (f *failing) Update(ctx context.Context, fn func(store.Stores) error) error {
	if f.n--; f.n != 0 {
		return f.DB.Update(ctx, fn)
	}
	if !f.after {
		return errFailing
	}
	if err := f.DB.Update(ctx, fn); err != nil {
		return err
	}
	return store.ErrUnknown
}

// held holds every row against the blobs: none may be without its document. It returns
// how many rows have one, and how many blobs there are.
func (r *rig) held() (rows, blobs int, err error) {
	var all []record.Row
	if err := r.DB.View(r.Context(), func(s store.Stores) (err error) {
		all, err = s.Records.Walk(0, 10_000)
		return err
	}); err != nil {
		return 0, 0, err
	}
	for _, row := range all {
		if row.Size == 0 {
			continue
		}
		rows++
		b, err := r.blobs.Open(r.Context(), row.Blob)
		if err != nil {
			return 0, 0, fmt.Errorf("a row is without its document: %w", err)
		}
		if b.Size() != row.Size {
			return 0, 0, fmt.Errorf("a document of %d bytes, of which the row says %d", b.Size(), row.Size)
		}
		_ = b.Close()
	}
	names, err := r.blobs.List(r.Context(), store.BlobName{}, store.MaxBlobPage)
	return rows, len(names), err
}

// TestEveryWriteFails lets each call to the disk of the blobs, with the power, and each
// transaction fail in turn: no row is without its document, and a day later no document
// is without its row.
func TestEveryWriteFails(t *testing.T) {
	r := newRig(t)
	d := durabletest.New(1)
	reopen := func() {
		blobs, err := disk.Open(d)
		if err != nil {
			t.Fatal(err)
		}
		r.blobs, r.flow.Blobs = blobs, blobs
	}
	reopen()
	orphans, failed, trials := 0, 0, 0
	attempt := func(what string) {
		trials++
		if _, err := r.put(document.Incoming{From: bytes.NewReader(bytes.Repeat([]byte{byte(trials)}, 300)), Source: what}); err != nil {
			failed++
		}
		r.flow.DB, r.Care.DB = r.DB, r.DB
		d.Crash()
		d.Fail(durabletest.Failure{})
		reopen()
		rows, blobs, err := r.held()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		orphans += blobs - rows
		r.now = r.now.Add(document.Abandoned + time.Second)
		if _, err := r.flow.Sweep(r.Context()); err != nil {
			t.Fatalf("%s: sweep: %v", what, err)
		}
		if rows, blobs, err = r.held(); err != nil || rows != blobs {
			t.Fatalf("%s, swept: %d rows, %d blobs, %v", what, rows, blobs, err)
		}
	}
	for n := 1; n <= 14; n++ {
		for _, effect := range []bool{false, true} {
			d.Fail(durabletest.Failure{N: n, Effect: effect, Stop: true})
			attempt(fmt.Sprintf("call %d of the disk, effect %t", n, effect))
		}
	}
	for n := 1; n <= 4; n++ {
		for _, after := range []bool{false, true} {
			f := &failing{r.DB, n, after}
			r.flow.DB, r.Care.DB = f, f
			attempt(fmt.Sprintf("transaction %d, after its commit %t", n, after))
		}
	}
	t.Logf("%d trials, %d failed, %d documents without a row were swept", trials, failed, orphans)
	if failed < 10 || orphans < 2 {
		t.Errorf("%d failed and %d orphans only", failed, orphans)
	}
	if _, err := r.put(document.Incoming{From: bytes.NewReader([]byte("then")), Source: "then"}); err != nil {
		t.Error(err)
	}
}

// TestSweepLeavesTheYoung: what is under way is not swept.
func TestSweepLeavesTheYoung(t *testing.T) {
	r := newRig(t)
	if _, err := r.flow.Seal(r.Context(), r.who, record.Other, bytes.NewReader([]byte("x"))); err != nil {
		t.Fatal(err)
	}
	r.now = r.now.Add(document.Abandoned - time.Second)
	for _, want := range []int{0, 1, 0} {
		if n, err := r.flow.Sweep(r.Context()); err != nil || n != want {
			t.Fatalf("%d swept, %v; want %d", n, err, want)
		}
		r.now = r.now.Add(2 * time.Second)
	}
}
