package response_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/flow/response"
	"github.com/amanah-project/amanah/internal/store"
)

// evidence writes files into a folder, and says what a request of it names.
func (s *stand) evidence(files ...string) (dir string, body staff.Trace) {
	s.T.Helper()
	dir = s.T.TempDir()
	sum := sha256.New()
	for i, content := range files {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%02d.csv", i)), []byte(content), 0o600); err != nil {
			s.T.Fatal(err)
		}
		one := sha256.Sum256([]byte(content))
		fmt.Fprintf(sum, "%s %d\n", hex.EncodeToString(one[:]), len(content))
		body.Files++
		body.Size += int64(len(content))
	}
	body.Evidence = [32]byte(sum.Sum(nil))
	return dir, body
}

// approved asks for a trace and has it approved.
func (s *stand) approved(body staff.Trace) staff.RequestID {
	s.T.Helper()
	now := time.Now().Truncate(time.Second)
	s.asked++
	r := staff.Request{Kind: staff.AskTrace, Purpose: fmt.Sprint("case ", s.asked), Asked: now, Until: now.Add(time.Hour), Body: body.Body()}
	if err := s.DB.Update(s.T.Context(), func(st store.Stores) error { return st.Requests.Put(r) }); err != nil {
		s.T.Fatal(err)
	}
	s.Approve(r.ID())
	return r.ID()
}

// cutFS is a disk whose power fails at the n-th file that is replaced, counted from one;
// before or behind, as the last bit of n says.
type cutFS struct {
	*durabletest.Disk
	n    int
	stop context.CancelFunc
}

// Rename implements durable.FS.
func (d *cutFS) Rename(from, to string) error {
	if d.n--; d.n == 0 {
		d.stop()
		return context.Canceled
	}
	return d.Disk.Rename(from, to)
}

// TestKilledWhileItReads: killed again and again at each place where a state is kept, with the
// power gone, a trace goes on in the middle of a file and comes to the same bytes as one that
// never stopped; it reads no byte of a file that is behind, and what it keeps names nobody.
func TestKilledWhileItReads(t *testing.T) {
	s := open(t, 8)
	_, text := s.copy(staff.FormCSV)
	lines := strings.SplitAfter(text, "\n")
	long := lines[0] + strings.Repeat(strings.Join(lines[1:], ""), 400)
	dir, body := s.evidence(text, long, strings.Join(lines[1:], ""))
	id := s.approved(body)
	run := func(ctx context.Context, to durable.FS, now staff.Trace, read func(int64)) (*response.Case, error) {
		f := response.Flow{DB: s.DB, Keeper: s.Keeper, Index: s.index, Case: to, Workers: 2, Version: "test", Pace: -1, Progress: read}
		return f.Run(ctx, id, []string{dir}, now)
	}
	result := func(d durable.FS) []byte {
		t.Helper()
		raw, err := durable.ReadFile(d, "result.json")
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	whole := durabletest.New(1)
	if _, err := run(t.Context(), whole, body, func(int64) {}); err != nil {
		t.Fatal(err)
	}
	want := result(whole)

	disk, kills, behind := durabletest.New(2), 0, int64(0)
	for {
		ctx, cancel := context.WithCancel(t.Context())
		var first int64 = -1
		now := body
		if begun, err := response.Begun(disk); err != nil {
			t.Fatal(err)
		} else if begun {
			now = staff.Trace{}
		}
		_, err := run(ctx, &cutFS{disk, 2 + kills/9*4, cancel}, now, func(n int64) {
			if first < 0 {
				first = n
			}
		})
		cancel()
		if err == nil {
			break
		}
		if kills++; kills > 100 {
			t.Fatal("it never ends")
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		disk.Crash()
		for _, who := range []string{"Warga", "WARGA", "99010104039", "Kenanga", "00.csv"} {
			if disk.Contains(who) {
				t.Fatalf("what is kept has %q in clear", who)
			}
		}
		if begun, err := response.Begun(disk); err != nil || !begun {
			continue // before the first state, or all was read
		}
		behind = max(behind, first)
	}
	if got := result(disk); !bytes.Equal(got, want) {
		t.Errorf("killed %d times it came to something else:\n%s\n%s", kills, got, want)
	}
	if kills < 5 || behind < int64(len(text)) {
		t.Errorf("killed %d times; it went on behind %d bytes", kills, behind)
	}
	if names, err := disk.List(""); err != nil || strings.Contains(strings.Join(names, " "), "reading") {
		t.Errorf("%v is left: %v", names, err)
	}
}

// TestOtherFilesWhileStopped: a run that goes on is held against the request by what it read,
// when it read it.
func TestOtherFilesWhileStopped(t *testing.T) {
	s := open(t, 4)
	_, text := s.copy(staff.FormCSV)
	dir, body := s.evidence(text, text)
	id := s.approved(body)
	disk := durabletest.New(3)
	f := response.Flow{DB: s.DB, Keeper: s.Keeper, Index: s.index, Workers: 1, Version: "test", Pace: -1}
	stop := func() {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		f.Case = &cutFS{disk, 2, cancel}
		if _, err := f.Run(ctx, id, []string{dir}, staff.Trace{}); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	stop()
	if err := os.WriteFile(filepath.Join(dir, "01.csv"), []byte(strings.ToUpper(text)), 0o600); err != nil {
		t.Fatal(err)
	}
	f.Case = disk
	if _, err := f.Run(t.Context(), id, []string{dir}, staff.Trace{}); !errors.Is(err, response.ErrOther) {
		t.Errorf("a file that was to be read was changed: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "01.csv"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	stop()
	f.Version = "another" // reads again from the beginning
	if _, err := f.Run(t.Context(), id, []string{dir}, staff.Trace{}); err != nil {
		t.Error(err)
	}
}
