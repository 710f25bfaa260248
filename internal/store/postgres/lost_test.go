package postgres_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/postgres"
	"github.com/amanah-project/amanah/internal/store/storetest"
)

// execAt runs a statement beside the database under test.
func execAt(t testing.TB, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(context.Background(), sql); err != nil {
		t.Fatal(err)
	}
}

// terminate ends every other connection of the database, as an administrator does.
const terminate = `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
	WHERE datname = current_database() AND pid <> pg_backend_pid()`

func putVenue(t testing.TB, db store.DB) {
	t.Helper()
	err := db.Update(context.Background(), func(s store.Stores) error {
		return s.Venues.Put(venue.Venue{ID: 1, Category: venue.Mall})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// wantInside fails unless the venue counts n guests.
func wantInside(t testing.TB, db store.DB, why string, n int) {
	t.Helper()
	err := db.View(context.Background(), func(s store.Stores) error {
		got, err := s.Venues.Inside([]venue.ID{1})
		if err == nil && got[0] != n {
			t.Errorf("%s: %d inside, want %d", why, got[0], n)
		}
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", why, err)
	}
}

func wantUnavailable(t testing.TB, why string, err error) {
	t.Helper()
	if fault.KindOf(err) != fault.Unavailable {
		t.Errorf("%s: got %v, want an Unavailable fault", why, err)
	}
}

// TestBackendsTerminated: connections that were cut while nobody used them cost
// nothing; one cut within a transaction costs that transaction.
func TestBackendsTerminated(t *testing.T) {
	url := database(t)
	db := openAt(t, url, postgres.Options{})
	putVenue(t, db)
	for n := 1; n <= 3; n++ {
		execAt(t, url, terminate)
		if err := storetest.CheckInOnce(db, storetest.OneVisit(1, n)); err != nil {
			t.Errorf("after idle connections were cut: %v", err)
		}
	}
	for name, run := range map[string]func(context.Context, func(store.Stores) error) error{
		"update": db.Update, "bulk": db.Bulk, "view": db.View,
	} {
		runs := 0
		err := run(t.Context(), func(s store.Stores) error {
			runs++
			if name != "view" {
				if err := s.Visits.Put([]venue.Visit{storetest.OneVisit(1, 9)}); err != nil {
					return err
				}
			}
			execAt(t, url, terminate)
			_, err := s.Venues.Inside([]venue.ID{1})
			return err
		})
		wantUnavailable(t, name+" cut within", err)
		if errors.Is(err, store.ErrUnknown) || runs != 1 {
			t.Errorf("%s: nothing was written, and that is known; got %v after %d runs", name, err, runs)
		}
	}
	if err := storetest.CheckInOnce(db, storetest.OneVisit(1, 9)); err != nil {
		t.Error(err)
	}
	wantInside(t, db, "afterwards", 4)
}

// TestGoneAndBack: while the database is away calls fail as unavailable, soon, and
// when it is back they succeed.
func TestGoneAndBack(t *testing.T) {
	p, url := newProxy(t, database(t))
	db := openAt(t, url, postgres.Options{})
	putVenue(t, db)
	for n := 1; n <= 2; n++ {
		p.close(true)
		began := time.Now()
		wantUnavailable(t, "update", storetest.CheckInOnce(db, storetest.OneVisit(1, n)))
		wantUnavailable(t, "bulk", db.Bulk(t.Context(), func(store.Stores) error { return nil }))
		wantUnavailable(t, "view", db.View(t.Context(), func(store.Stores) error { return nil }))
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("said so after %v", took)
		}
		p.close(false)
		if err := storetest.CheckInOnce(db, storetest.OneVisit(1, n)); err != nil {
			t.Errorf("back: %v", err)
		}
		wantInside(t, db, "back", n)
	}
}

// TestSilent: a server that takes bytes and says nothing is given up for lost.
func TestSilent(t *testing.T) {
	p, url := newProxy(t, database(t))
	db := openAt(t, url, postgres.Options{Statement: 100 * time.Millisecond})
	putVenue(t, db)
	began := time.Now()
	err := db.Update(t.Context(), func(s store.Stores) error {
		p.set(swallow)
		return s.Venues.Add([]venue.Delta{{Venue: 1, By: 1}})
	})
	wantUnavailable(t, "within", err)
	p.set(pass)
	wantInside(t, db, "within", 0)
	err = db.Update(t.Context(), func(s store.Stores) error {
		if err := s.Venues.Add([]venue.Delta{{Venue: 1, By: 1}}); err != nil {
			return err
		}
		p.set(swallow)
		return nil
	})
	if !errors.Is(err, store.ErrUnknown) {
		t.Errorf("at commit: %v", err)
	}
	p.set(pass)
	wantInside(t, db, "at commit", 0)
	p.close(false) // the driver would wait 15 s to part in order
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("given up after %v", took)
	}
}

// TestLostWhileCommitting: whether the server committed or not, the client says
// that it cannot know, and asking again by the same ids counts once.
func TestLostWhileCommitting(t *testing.T) {
	for _, c := range []struct {
		name string
		cut  int
		want []int // how many may be inside before the retry
	}{
		{"before the server has it", cutBefore, []int{0}},
		{"after the server answered", cutAfter, []int{1}},
		{"as the server has it", cutBlindly, []int{0, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			direct := database(t)
			p, url := newProxy(t, direct)
			db, beside := openAt(t, url, postgres.Options{}), openAt(t, direct, postgres.Options{})
			putVenue(t, db)
			p.set(c.cut)
			v := storetest.OneVisit(1, 1)
			err := storetest.CheckInOnce(db, v)
			if !errors.Is(err, store.ErrUnknown) || fault.KindOf(err) != fault.Unavailable {
				t.Fatalf("got %v, want ErrUnknown", err)
			}
			p.set(pass)
			if len(c.want) == 1 {
				wantInside(t, beside, "before the retry", c.want[0])
			}
			for range 2 {
				if err := storetest.CheckInOnce(db, v); err != nil {
					t.Fatalf("retry: %v", err)
				}
			}
			wantInside(t, beside, "after retries", 1)
		})
	}
}

// skew runs two Updates that each rest on what the other writes, at once, and
// returns how often their closures ran.
func skew(db store.DB) (runs int, errs [2]error) {
	var mu sync.Mutex
	var done, both sync.WaitGroup
	both.Add(2)
	today := day.Of(time.Unix(0, 0))
	for g := range 2 {
		first := true
		v := storetest.OneVisit(1, 1+g)
		v.Day, v.Who = today, venue.Pseudonym{7}
		done.Go(func() {
			errs[g] = db.Update(context.Background(), func(s store.Stores) error {
				mu.Lock()
				runs++
				mu.Unlock()
				of, err := s.Visits.Of([]venue.Trail{{Day: today, Who: v.Who}})
				if first {
					first = false
					both.Done()
					both.Wait()
				}
				if err != nil || len(of[0]) > 0 {
					return err
				}
				return s.Visits.Put([]venue.Visit{v})
			})
		})
	}
	done.Wait()
	return runs, errs
}

// TestSerializationRetried: of two transactions that met, one runs again and both
// succeed. Without tries left, it is told to try again.
func TestSerializationRetried(t *testing.T) {
	db := openAt(t, database(t), postgres.Options{})
	if runs, errs := skew(db); errors.Join(errs[:]...) != nil || runs < 3 {
		t.Errorf("%d runs, %v: want at least 3 and no error", runs, errs)
	}
	once := openAt(t, database(t), postgres.Options{Tries: 1})
	runs, errs := skew(once)
	failed := errors.Join(errs[:]...)
	if runs != 2 || !errors.Is(failed, store.ErrBatch) || fault.KindOf(failed) != fault.Busy {
		t.Errorf("control, one try: %d runs, %v: want 2 and ErrBatch", runs, errs)
	}
	if errs[0] != nil && errs[1] != nil {
		t.Errorf("both failed: %v", errs)
	}
}

// TestLimits: a closure that idles and a statement that waits are ended, and tell
// nobody anything wrong.
func TestLimits(t *testing.T) {
	at := database(t)
	putVenue(t, openAt(t, at, postgres.Options{})) // migrations idle longer on a busy machine
	db := openAt(t, at, postgres.Options{Idle: 100 * time.Millisecond, Lock: 100 * time.Millisecond})
	err := db.Update(t.Context(), func(s store.Stores) error {
		if err := s.Venues.Add([]venue.Delta{{Venue: 1, By: 1}}); err != nil {
			return err
		}
		time.Sleep(500 * time.Millisecond)
		return s.Venues.Add([]venue.Delta{{Venue: 1, By: 1}})
	})
	if k := fault.KindOf(err); k != fault.Busy && k != fault.Unavailable {
		t.Errorf("idle: %v", err)
	}
	wantInside(t, db, "idle", 0)
	held, free, done := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		done <- db.Bulk(context.Background(), func(s store.Stores) error {
			err := s.Venues.Add([]venue.Delta{{Venue: 1, By: 1}})
			close(held)
			<-free
			return err
		})
	}()
	<-held
	err = db.Update(t.Context(), func(s store.Stores) error { return s.Venues.Add([]venue.Delta{{Venue: 1, By: 1}}) })
	if !errors.Is(err, store.ErrSlow) {
		t.Errorf("waiting for a row: %v", err)
	}
	close(free)
	if err := <-done; err != nil {
		t.Errorf("bulk has no limit: %v", err)
	}
	wantInside(t, db, "bulk", 1)
}

func TestKill(t *testing.T) {
	storetest.Kill(t,
		func() string { return database(t) },
		func(url string) (store.DB, error) {
			return postgres.Open(context.Background(), url, postgres.Options{})
		})
}

func TestFromTheFuture(t *testing.T) {
	url := database(t)
	if err := openAt(t, url, postgres.Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ sql, want string }{
		{`INSERT INTO schema_migration (number, name, sum, applied) SELECT max(number) + 1, 'later', 'x', 1 FROM schema_migration`, "newer than this program"},
		{`UPDATE schema_migration SET sum = 'other' WHERE number = 1`, "another text"},
		{`DELETE FROM schema_migration WHERE number = 1`, "lacks migration 0001"},
	} {
		execAt(t, url, c.sql)
		db, err := postgres.Open(t.Context(), url, postgres.Options{})
		if err == nil {
			db.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

// TestForgetful: a server that acknowledges before it has written is refused.
func TestForgetful(t *testing.T) {
	url := database(t)
	if _, err := postgres.Open(t.Context(), url+"&synchronous_commit=off", postgres.Options{}); err == nil {
		t.Error("took a server with synchronous_commit=off")
	}
}

// TestSecretURL: no error tells the password.
func TestSecretURL(t *testing.T) {
	for _, url := range []string{
		"postgres://amanah:hush-hush@127.0.0.1:1/x?sslmode=disable&connect_timeout=1",
		"postgres://amanah:hush-hush@127.0.0.1:port/x", "postgres://amanah:hush-hush@%zz/", "hush-hush",
	} {
		_, err := postgres.Open(t.Context(), url, postgres.Options{})
		if err == nil || strings.Contains(err.Error(), "hush-hush") {
			t.Errorf("got %v", err)
		}
	}
}

func BenchmarkOneVenue(b *testing.B) {
	storetest.OneVenue(b, openAt(b, database(b), postgres.Options{}), nil)
}
