package storetest

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/store"
)

const (
	kills       = 8
	killWriters = 8
	killWhere   = "STORETEST_KILL_WHERE" // the child's database
	killFrom    = "STORETEST_KILL_FROM"  // what each of its writers starts with
)

// Kill kills processes that write, with SIGKILL, and proves that whatever they
// acknowledged is there exactly once, that nothing is there by half, and that
// retrying under the same ids what had no answer counts it once. The test that
// calls it is the child's program too, so it must come before all else in there.
func Kill(t *testing.T, where func() string, open func(where string) (store.DB, error)) {
	if at := os.Getenv(killWhere); at != "" {
		killChild(t, at, open)
		return
	}
	at := where()
	db, err := open(at)
	if err != nil {
		t.Fatal(err)
	}
	putPlaces(t, db, 1)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	var acked [killWriters]int
	for range kills {
		killOnce(t, at, &acked)
		db, err := open(at)
		if err != nil {
			t.Fatal(err)
		}
		killCheck(t, db, acked)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	sum := 0
	for _, n := range acked {
		sum += n
	}
	if sum < kills*killWriters {
		t.Errorf("control: only %d updates acknowledged", sum)
	}
	t.Logf("%d processes killed, %d updates acknowledged, each there once", kills, sum)
}

// killOnce lets a child write for a while, kills it and takes up what it
// acknowledged, which the pipe keeps.
func killOnce(t *testing.T, at string, acked *[killWriters]int) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.ExtraFiles = []*os.File{write}
	cmd.Env = append(os.Environ(), killWhere+"="+at, killFrom+"="+strings.Trim(fmt.Sprint(*acked), "[]"))
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	in, enough := bufio.NewReader(read), make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		once := sync.OnceFunc(func() { close(enough) })
		defer once()
		var ack [2]byte
		for n := 1; ; n++ {
			if _, err := io.ReadFull(in, ack[:]); err != nil {
				return
			}
			if acked[ack[0]]++; n == killWriters {
				once() // by count: a slow machine has as much to lose as a fast one
			}
		}
	})
	select {
	case <-enough:
	case <-time.After(30 * time.Second):
	}
	time.Sleep(20*time.Millisecond + rand.N(250*time.Millisecond))
	_ = cmd.Process.Kill()
	err = cmd.Wait()
	done.Wait()
	if err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the child ended by itself: %v\n%s", err, out.String())
	}
}

// killChild writes until it is killed.
func killChild(t *testing.T, at string, open func(where string) (store.DB, error)) {
	db, err := open(at)
	if err != nil {
		t.Fatal(err)
	}
	acks := os.NewFile(3, "acks")
	var done sync.WaitGroup
	for g, s := range strings.Fields(os.Getenv(killFrom)) {
		from, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		done.Go(func() {
			for n := from + 1; ; n++ {
				if err := CheckInOnce(db, killVisit(g, n)); err != nil {
					t.Errorf("check in: %v", err)
					return
				}
				if _, err := acks.Write([]byte{byte(g), '\n'}); err != nil {
					t.Errorf("acknowledge: %v", err)
					return
				}
			}
		})
	}
	done.Wait()
}

// CheckInOnce enters a visit and counts it, unless its id is there: safe to repeat
// after any error. It repeats by itself while the database is busy.
func CheckInOnce(db store.DB, v venue.Visit) error {
	return checkIn(db, v, func() {})
}

// checkIn calls ran whenever its closure runs.
func checkIn(db store.DB, v venue.Visit, ran func()) error {
	for {
		err := db.Update(context.Background(), func(s store.Stores) error {
			ran()
			found, err := s.Visits.Get([]venue.VisitID{v.ID})
			if err != nil || found[0].ID == v.ID {
				return err
			}
			if err := s.Visits.Put([]venue.Visit{v}); err != nil {
				return err
			}
			return s.Venues.Add([]venue.Delta{{Venue: v.Venue, By: v.Party}})
		})
		if fault.KindOf(err) != fault.Busy {
			return err
		}
	}
}

// OneVisit is the n-th visit of a venue that has many, for one guest.
func OneVisit(id venue.ID, n int) venue.Visit {
	v := visit(n)
	v.Venue, v.Party, v.Who = id, 1, spread(n)
	return v
}

func killVisit(g, n int) venue.Visit {
	v := OneVisit(1, g<<20+n)
	binary.BigEndian.PutUint16(v.ID[14:], uint16(g))
	return v
}

// killCheck: every acknowledged visit is there, at most one more of each writer,
// and the venue's count is the number of visits.
func killCheck(t *testing.T, db store.DB, acked [killWriters]int) {
	t.Helper()
	view(t, db, func(s store.Stores) error {
		total := 0
		for g, n := range acked {
			var ids []venue.VisitID
			for i := 1; i <= n+2; i++ {
				ids = append(ids, killVisit(g, i).ID)
			}
			got, err := s.Visits.Get(ids)
			if err != nil {
				return err
			}
			for i, v := range got {
				there := v.ID == ids[i]
				if there {
					total++
				}
				if i < n && !there || i > n && there {
					t.Errorf("writer %d: visit %d of %d acknowledged: there %t", g, i+1, n, there)
				}
			}
		}
		inside, err := s.Venues.Inside([]venue.ID{1})
		if err != nil {
			return err
		}
		if inside[0] != total {
			t.Errorf("the venue counts %d, %d visits are there", inside[0], total)
		}
		return nil
	})
}
