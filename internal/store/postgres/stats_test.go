package postgres_test

import (
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/store/postgres"
)

// TestStats: what 200 commits wrote into the log shows in the counts. Others write into
// the same cluster, so that it may be more.
func TestStats(t *testing.T) {
	db := openAt(t, database(t), postgres.Options{})
	before, err := db.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 200 {
		putVenue(t, db)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		after, err := db.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		bytes, writes := after.LogBytes-before.LogBytes, after.LogWrites-before.LogWrites
		if bytes >= 200*50 && writes >= 200 && after.LogSyncs >= before.LogSyncs {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("200 commits: %+v after %+v", after, before)
		}
	}
}
