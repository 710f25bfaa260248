package check_test

import (
	"bytes"
	"encoding/binary"
	"path/filepath"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/flow/check"
	"github.com/amanah-project/amanah/internal/flow/document"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/keepertest"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/disk"
	"github.com/amanah-project/amanah/internal/store/sqlite"
)

// TestNothingIsLeftOfTheErased: somebody with records, documents, links and everything
// else is erased and forgotten. No row holds their number but a dispute's, the sweep
// removes their documents, and a check accepts all of it.
func TestNothingIsLeftOfTheErased(t *testing.T) {
	s := newTown(t)
	path := filepath.Join(s.dir, "x.db")
	s.copyTo(t, s.template(), path)
	db, err := sqlite.Open(path, sqlite.Options{Limit: time.Minute})
	must(t, err)
	defer db.Close()
	must(t, check.KeepLedger(t.Context(), db, s.k, s.keys.Ledger))
	blobs, err := disk.Open(durable.OS(s.documents()))
	must(t, err)
	defer blobs.Close()
	before, err := blobs.List(t.Context(), store.BlobName{}, 100)
	must(t, err)
	const who = identity.PersonID(2)
	_, err = s.k.Erase(t.Context(), keepertest.Erasure(keepertest.Desk, s.passkeys["officer-1"], s.passkeys["officer-2"], who))
	must(t, err)
	look := func() (out []check.Finding) {
		c := check.Check{
			DB: db, Keeper: s.k, Blobs: blobs, Log: s.keys.Log[:], LedgerKey: []byte(s.keys.Ledger), Mark: s.mark, Site: deskSite, Actor: "test",
			Found: func(f check.Finding) error { out = append(out, f); return nil },
		}
		_, err := c.Run(t.Context())
		must(t, err)
		return out
	}
	left := false
	for _, f := range look() {
		left = left || f.What == check.LeftOver && f.Table == "record_version"
	}
	if !left {
		t.Error("the control: their health records are not named as left over")
	}
	subject, err := s.k.Index(t.Context(), keeper.KindSubject, [][]byte{binary.BigEndian.AppendUint64(nil, uint64(who))})
	must(t, err)
	must(t, db.Forget(t.Context(), who, subject[0]))
	if found := look(); len(found) > 0 {
		t.Errorf("after it was forgotten:\n%s", noted(found))
	}
	v := &document.Vault{DB: db, Blobs: blobs, Keeper: s.k, Now: time.Now}
	if n, err := v.Sweep(t.Context()); err != nil || n != 1 {
		t.Errorf("%d documents removed: %v", n, err)
	}
	after, err := blobs.List(t.Context(), store.BlobName{}, 100)
	must(t, err)
	if len(after) != len(before)-1 {
		t.Errorf("%d documents before, %d after", len(before), len(after))
	}
	if found := look(); len(found) > 0 {
		t.Errorf("after the sweep:\n%s", noted(found))
	}
	must(t, db.Snapshot(t.Context(), func(snap store.Snapshot) error {
		tables, err := snap.Tables()
		if err != nil {
			return err
		}
		for _, table := range tables {
			if err := snap.Rows(table, func(row []store.Value) error {
				for i, c := range table.Columns {
					person := c.Name == "person_id" || c.Name == "guardian_id" || c.Name == "child_id"
					if person && row[i].Int == int64(who) && table.Name != "dispute_dispute" || bytes.Equal(row[i].Bytes, subject[0][:]) {
						t.Errorf("%s still names them", table.Name)
					}
				}
				return nil
			}); err != nil {
				return err
			}
		}
		return nil
	}))
}
