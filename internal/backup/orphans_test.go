package backup_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/amanah-project/amanah/internal/backup"
	"github.com/amanah-project/amanah/internal/store"
)

// owner is the target under credentials of the place's owner.
type owner struct{ *target }

func (o owner) List(_ context.Context, after store.BlobName, n int) ([]store.BlobName, error) {
	var out []store.BlobName
	for _, name := range slices.SortedFunc(maps.Keys(o.put), func(a, b store.BlobName) int { return bytes.Compare(a[:], b[:]) }) {
		if bytes.Compare(name[:], after[:]) > 0 && len(out) < min(n, 3) {
			out = append(out, name)
		}
	}
	return out, nil
}

func (o owner) Delete(_ context.Context, name store.BlobName) error {
	delete(o.put, name)
	return nil
}

// TestOrphansOfBackups: what backups put that were cut off at every tenth of their puts, and
// that changed before the next, is found and nothing else; without it the chain verifies.
func TestOrphansOfBackups(t *testing.T) {
	s := newSite(t, onSQLite(t))
	_, err := s.backup(t)
	must(t, err)
	cut := 0
	for n := 1; n <= 12; n++ {
		s.dose(t, n, fmt.Sprint("dose-", n))
		s.document(t, 20+n, 5000)
		s.target.fail = n
		if _, err := s.backup(t); err != nil {
			cut++
		}
		s.target.fail = 0
	}
	_, err = s.backup(t)
	must(t, err)
	book, _ := s.book(t)
	found, err := book.Orphans(t.Context(), owner{s.target}, false)
	must(t, err)
	all := len(s.target.put)
	if cut < 3 || found.Found == 0 || found.Bytes == 0 || found.Removed != 0 || found.Found+found.Kept != all {
		t.Fatalf("%d cut off, %+v of %d", cut, found, all)
	}
	gone, err := book.Orphans(t.Context(), owner{s.target}, true)
	must(t, err)
	if gone.Removed != found.Found || len(s.target.put) != found.Kept {
		t.Errorf("%+v, then %+v", found, gone)
	}
	if _, err := book.Verify(t.Context(), s.k, "test", 100, nil); err != nil {
		t.Errorf("after it: %v", err)
	}
	if again, err := book.Orphans(t.Context(), owner{s.target}, true); err != nil || again.Found != 0 || again.Kept != found.Kept {
		t.Errorf("again: %+v %v", again, err)
	}
	whole := s.target.put
	refused := 0
	for name := range whole { // with any one missing nothing that is needed is taken for an orphan
		s.target.put = maps.Clone(whole)
		delete(s.target.put, name)
		now, err := book.Orphans(t.Context(), owner{s.target}, false)
		switch {
		case errors.Is(err, backup.ErrChain) || errors.Is(err, backup.ErrPiece):
			refused++
		case err != nil || now.Found != 0:
			t.Errorf("with one missing: %+v %v", now, err)
		}
	}
	if refused < 4 {
		t.Errorf("only %d of %d missing are noticed: manifests, words and lists are", refused, len(whole))
	}
}
