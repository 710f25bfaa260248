package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/backups"
	"github.com/amanah-project/amanah/internal/keeper/journal"
	"github.com/amanah-project/amanah/internal/keeper/root"
)

func step(t testing.TB, k *Keeper, a keeper.BackupAsk) keeper.BackupGiven {
	t.Helper()
	g, err := k.Backup(keeper.RoleAdmin, a)
	if err != nil {
		t.Fatalf("step %d: %v", a.Step, err)
	}
	return g
}

// copied takes a backup of a keeper alone.
func copied(t testing.TB, k *Keeper) (Copied, keeper.Recovery) {
	t.Helper()
	begun := step(t, k, keeper.BackupAsk{Step: keeper.BackupBegin})
	held := step(t, k, keeper.BackupAsk{Step: keeper.BackupHold}).Held
	step(t, k, keeper.BackupAsk{Step: keeper.BackupRelease})
	raw := step(t, k, keeper.BackupAsk{Step: keeper.BackupJournal}).Raw
	c := Copied{
		Held: held, Number: begun.Backup.N, Digest: [32]byte{1}, Journal: bytes.NewReader(raw[:held.Journal]),
		Files: step(t, k, keeper.BackupAsk{Step: keeper.BackupFiles}).Files,
		Wraps: func(chunk uint64) ([]byte, error) { return held.Tail[chunk], nil },
	}
	end := step(t, k, keeper.BackupAsk{Step: keeper.BackupEnd, N: c.Number, Digest: c.Digest, Held: held.At})
	if !end.Backed.Holds(logPublic(k)) {
		t.Error("the keeper's word for the backup does not hold")
	}
	return c, end.Recovery
}

func restored(t testing.TB, c *clock, copy Copied, r keeper.Recovery) (*durabletest.Disk, error) {
	t.Helper()
	d := durabletest.New(9)
	got, err := OpenRecovery(r, options(d, c).Credential)
	if err != nil {
		return d, err
	}
	return d, Restore(options(d, c), got, copy)
}

func TestARestoredKeeperIsTheSame(t *testing.T) {
	c, d := newClock(), durabletest.New(1)
	k := start(t, d, c)
	defer func() { k.Close() }()
	people := register(t, k, slotChunk+3)
	erase(t, k, 2)
	event := visited(t, k)
	row := colour(t, k, 3, 5)
	copy, r := copied(t, k)
	w, err := write(k, 1, keeper.RecordEvidence, person1()) // after the backup
	if err != nil {
		t.Fatal(err)
	}
	d2, err := restored(t, c, copy, r)
	if err != nil {
		t.Fatal(err)
	}
	k2 := start(t, d2, c)
	defer k2.Close()
	for _, p := range people {
		if p.ID == 2 {
			continue
		}
		if got, err := read(k2, p.ID, person1()); err != nil || got.Err != nil || !bytes.Equal(got.Keys[0], p.Key) {
			t.Fatalf("person %d: %v %v", p.ID, err, got.Err)
		}
	}
	err = k2.people.Known(2)
	wants(t, "the erased", err, keeper.ErrErased)
	if ask(t, k2, openGate(t, k2), row).Outcome != keeper.GateOpened {
		t.Error("a colour does not open")
	}
	if _, err := k2.OpenEvents(importerOf(keeper.BudgetSelf), c.today(), []keeper.SealedEvent{event}); err != nil {
		t.Errorf("an event: %v", err)
	}
	old, err := read(k2, 1, after(person1(), keeper.RecordEvidence, w.Version))
	if err != nil || !errors.Is(old.Err, keeper.ErrHead) {
		t.Errorf("what was written after the backup: %v %v", err, old.Err)
	}
	if g := step(t, k2, keeper.BackupAsk{Step: keeper.BackupBegin}); g.Backup.N != copy.Number+1 || g.Backup.Before != copy.Digest {
		t.Errorf("the next backup is %d", g.Backup.N)
	}
}

// TestARestoredFolderHasTheFilesThatTheBackupTook: byte for byte, and no other beside days.
func TestARestoredFolderHasTheFilesThatTheBackupTook(t *testing.T) {
	c := newClock()
	base := closed(t, c)
	k := start(t, base, c)
	defer k.Close()
	copy, r := copied(t, k)
	d, err := restored(t, c, copy, r)
	if err != nil {
		t.Fatal(err)
	}
	if len(copy.Files) != len(backups.AsTheyAre())+1 || copy.Files["days"] == nil {
		t.Errorf("the backup took %d files", len(copy.Files))
	}
	for _, name := range backups.AsTheyAre() {
		was, err1 := durable.ReadFile(base, name)
		is, err2 := durable.ReadFile(d, name)
		if err := errors.Join(err1, err2); err != nil || len(was) == 0 || !bytes.Equal(was, is) || !bytes.Equal(was, copy.Files[name]) {
			t.Errorf("%s: of %d bytes %d are restored, %v", name, len(was), len(is), err)
		}
	}
}

// TestBackupsOfTheErasedAreUnreadableOnTheDayThatTheCertificateNames: somebody keeps
// every backup and takes the keeper's whole folder and its credential later.
func TestBackupsOfTheErasedAreUnreadableOnTheDayThatTheCertificateNames(t *testing.T) {
	c, d := newClock(), durabletest.New(1)
	k := start(t, d, c)
	defer func() { k.Close() }()
	register(t, k, 2)
	key := keyNow(t, k, 1)
	copy, _ := copied(t, k)
	cert := erase(t, k, 1)
	piece, _ := copy.Wraps(0)
	opens := func() bool {
		var last keeper.Backed
		raw, err := json.Marshal(map[string]any{"Keys": loaded(t, k, backups.File), "Last": last, "Log": logPublic(k)})
		if err != nil {
			t.Fatal(err)
		}
		stolen, err := backups.Recover(raw)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := stolen.Chunk(0, piece)
		return err == nil && bytes.Contains(plain, key)
	}
	for c.now().Before(cert.Unreadable.Add(-49 * time.Hour)) {
		c.pass(24 * time.Hour)
		if err := k.Tend(); err != nil {
			t.Fatal(err)
		}
	}
	if !opens() {
		t.Error("the control: two days before the date the backup opens still")
	}
	if got := thief(t, files(t, d, ""), files(t, d, ""), options(d, c).Credential, 1, key); len(got) != 0 {
		t.Errorf("the folder holds the key: %v", got)
	}
	c.at.Store(cert.Unreadable.UnixNano())
	if err := k.Tend(); err != nil {
		t.Fatal(err)
	}
	if opens() {
		t.Error("on the date that the certificate names the backup opens")
	}
	if got := records(k, journal.KindWeekGone); len(got) != 1 {
		t.Errorf("%d destructions are journaled", len(got))
	}
}

// loaded is what a file holds that the root wraps.
func loaded(t testing.TB, k *Keeper, name string) (out map[string]any) {
	t.Helper()
	if err := k.file(name).Load(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestABackupOfAWeekPastIsSaidToBe(t *testing.T) {
	c, d := newClock(), durabletest.New(1)
	k := start(t, d, c)
	defer func() { k.Close() }()
	register(t, k, 1)
	copy, _ := copied(t, k)
	c.pass(keeper.BackupWeek + keeper.BackupLife)
	if err := k.Tend(); err != nil {
		t.Fatal(err)
	}
	_, fresh := copied(t, k)
	_, err := restored(t, c, copy, fresh)
	wants(t, "an old backup with the newest recovery file", err, backups.ErrWeek)
}

func TestWhoeverHoldsTheKeeperStillMustLetGo(t *testing.T) {
	c, d := newClock(), durabletest.New(1)
	s := listen(t, d, c, t.TempDir(), true)
	ctx := t.Context()
	_, err := s.serve.Backup(ctx, keeper.BackupAsk{Step: keeper.BackupBegin})
	wants(t, "the server", err, keeper.ErrRole)
	if _, err := s.admin.Backup(ctx, keeper.BackupAsk{Step: keeper.BackupBegin}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.admin.Backup(ctx, keeper.BackupAsk{Step: keeper.BackupHold}); err != nil {
		t.Fatal(err)
	}
	_, err = s.admin.Backup(ctx, keeper.BackupAsk{Step: keeper.BackupHold})
	wants(t, "another one", err, keeper.ErrHeld)
	done := make(chan error, 1)
	go func() {
		_, err := s.admin.Register(ctx, 1)
		done <- err
	}()
	select {
	case err := <-done:
		t.Errorf("somebody registered meanwhile: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	if _, err := s.admin.Backup(ctx, keeper.BackupAsk{Step: keeper.BackupRelease}); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	_, err = s.admin.Backup(ctx, keeper.BackupAsk{Step: keeper.BackupRelease})
	wants(t, "letting go twice", err, keeper.ErrHeld)
}

func TestADamagedCopyOfAKeeperIsFound(t *testing.T) {
	c, d := newClock(), durabletest.New(1)
	k := start(t, d, c)
	defer func() { k.Close() }()
	register(t, k, 3)
	visited(t, k)
	for what, tc := range map[string]struct {
		damage func(*Copied, *keeper.Recovery)
		want   error
	}{
		"nothing": {func(*Copied, *keeper.Recovery) {}, nil},
		"a piece of wraps": {func(c *Copied, _ *keeper.Recovery) {
			c.Held.Tail[0] = slices.Clone(c.Held.Tail[0])
			c.Held.Tail[0][40] ^= 1
			tail := c.Held.Tail
			c.Wraps = func(n uint64) ([]byte, error) { return tail[n], nil }
		}, backups.ErrWeek},
		"the days":       {func(c *Copied, _ *keeper.Recovery) { c.Files["days"] = c.Files["days"][1:] }, backups.ErrWeek},
		"the fixed keys": {func(c *Copied, _ *keeper.Recovery) { c.Files["fixed"] = c.Files["fixed"][1:] }, root.ErrFile},
		"a journal cut": {func(c *Copied, _ *keeper.Recovery) {
			c.Held.Journal--
			c.Journal = bytes.NewReader(make([]byte, c.Held.Journal))
		}, journal.ErrBroken},
		"another end":         {func(c *Copied, _ *keeper.Recovery) { c.Held.Chain[0] ^= 1 }, journal.ErrBroken},
		"the recovery file":   {func(_ *Copied, r *keeper.Recovery) { r.Keys = r.Keys[1:] }, backups.ErrRecovery},
		"the root's own file": {func(_ *Copied, r *keeper.Recovery) { r.Root = r.Root[1:] }, root.ErrFile},
	} {
		copy, r := copied(t, k)
		tc.damage(&copy, &r)
		_, err := restored(t, c, copy, r)
		wants(t, what, err, tc.want)
	}
}

func FuzzRecovery(f *testing.F) {
	c, d := newClock(), durabletest.New(1)
	k := start(f, d, c)
	defer k.Close()
	_, r := copied(f, k)
	f.Add(r.Root, r.Keys)
	f.Fuzz(func(t *testing.T, root, keys []byte) {
		got, err := OpenRecovery(keeper.Recovery{Root: root, Keys: keys}, options(d, c).Credential)
		if err == nil && len(got.Log) != 32 {
			t.Error("a recovery file without a key")
		}
	})
}
