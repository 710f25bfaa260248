package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/journal"
	"github.com/amanah-project/amanah/internal/keeper/root"
	"github.com/amanah-project/amanah/internal/keeper/seal"
)

var (
	phrase    = root.Credential{Passphrase: []byte("kenari terbang tinggi")}
	otherFile = root.Credential{Secret: bytes.Repeat([]byte{1}, 32)}
)

// closed is a disk on which a keeper ran and ended well.
func closed(t testing.TB, c *clock) *durabletest.Disk {
	t.Helper()
	d := durabletest.New(1)
	k := start(t, d, c)
	register(t, k, 1)
	visited(t, k)
	if _, err := k.ServiceKeys(); err != nil {
		t.Fatal(err)
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestOnlyItsCredentialOpensTheRootKey(t *testing.T) {
	c := newClock()
	d := closed(t, c)
	for name, tc := range map[string]struct {
		with root.Credential
		want error
	}{
		"another file":  {otherFile, root.ErrCredential},
		"a passphrase":  {phrase, root.ErrCredential},
		"the right one": {options(d, c).Credential, nil},
	} {
		opt := options(d, c)
		opt.Credential = tc.with
		k, err := Open(opt)
		wants(t, name, err, tc.want)
		if err == nil {
			k.Close()
		}
	}
	for name, bad := range map[string]root.Credential{
		"nothing": {}, "a short file": {Secret: make([]byte, 31)}, "a short passphrase": {Passphrase: make([]byte, 11)},
		"both": {Secret: make([]byte, 32), Passphrase: make([]byte, 12)},
	} {
		opt := options(durabletest.New(1), c)
		opt.Credential = bad
		if k, err := Open(opt); err == nil {
			k.Close()
			t.Errorf("%s made a root key", name)
		}
	}
}

func TestPassphrasesOpenTheRootKey(t *testing.T) {
	c, d := newClock(), durabletest.New(1)
	opt := options(d, c)
	opt.Credential = phrase
	k, err := Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	k.Close()
	opt.Credential = root.Credential{Passphrase: []byte("kenari terbang rendah")}
	_, err = Open(opt)
	wants(t, "another passphrase", err, root.ErrCredential)
	opt.Credential = phrase
	if k, err = Open(opt); err != nil {
		t.Fatalf("the same passphrase: %v", err)
	}
	k.Close()
}

func TestADamagedKeyFileIsSaidToBe(t *testing.T) {
	c := newClock()
	base := closed(t, c)
	for _, tc := range []struct {
		file string
		at   int // byte altered; -1 cuts one off
		want error
	}{
		{"root", -1, root.ErrFile}, {"root", 0, root.ErrFile},
		{"root", 40, root.ErrCredential}, // no telling whether file or credential is wrong
		{"root", 90, root.ErrCredential},
		{"fixed", -1, root.ErrFile}, {"fixed", 50, root.ErrFile},
		{"mark", -1, root.ErrFile}, {"mark", 20, root.ErrFile},
		{"service", -1, root.ErrFile}, {"service", 100, root.ErrFile},
		{"days", -1, journal.ErrBroken}, {"days", 20, journal.ErrBroken},
		{"wrapkey", -1, root.ErrFile}, {"wrapkey", 50, root.ErrFile},
	} {
		d := base.Clone()
		d.Corrupt(tc.file, func(b []byte) []byte {
			if tc.at < 0 {
				return b[:len(b)-1]
			}
			b[tc.at] ^= 1
			return b
		})
		_, err := Open(options(d, c))
		wants(t, fmt.Sprint(tc.file, " byte ", tc.at), err, tc.want)
	}
}

// TestAShortKeyIsNoKey: a file that opens may hold a key cut short, which AES takes for one of
// a weaker kind, and seals everybody under. A folder in which nobody is registered yet has
// nothing else that would not fit.
func TestAShortKeyIsNoKey(t *testing.T) {
	c := newClock()
	base := durabletest.New(1)
	if err := start(t, base, c).Close(); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		long int
		want error
	}{{0, seal.ErrKey}, {16, seal.ErrKey}, {24, seal.ErrKey}, {31, seal.ErrKey}, {33, seal.ErrKey}, {32, nil}} {
		d := base.Clone()
		raw, err := durable.ReadFile(d, "root")
		if err != nil {
			t.Fatal(err)
		}
		file := root.FileOf(rootOf(t, raw, options(d, c).Credential), d, "wrapkey")
		var w wrapKey
		if err := file.Load(&w); err != nil {
			t.Fatal(err)
		}
		w.Key = append(w.Key, 0)[:tc.long]
		if err := file.Store(w); err != nil {
			t.Fatal(err)
		}
		k, err := Open(options(d, c))
		wants(t, fmt.Sprint("a wrap key of ", tc.long, " bytes"), err, tc.want)
		if err == nil {
			k.Close()
		}
	}
}

// TestALostKeyIsNotMadeAgain: a keeper with a new root or new fixed keys would run,
// and what is in the database would never open again.
func TestALostKeyIsNotMadeAgain(t *testing.T) {
	c := newClock()
	base := closed(t, c)
	for _, lost := range []string{"root", "fixed", "root fixed", "root fixed mark", "root fixed mark journal", "root fixed mark service days"} {
		d := base.Clone()
		for _, name := range strings.Fields(lost) {
			if err := errors.Join(d.Remove(name), d.SyncDir("")); err != nil {
				t.Fatal(err)
			}
		}
		before, _ := d.List("")
		for range 2 { // a supervisor tries again
			_, err := Open(options(d, c))
			wants(t, "without "+lost, err, root.ErrFile)
		}
		if names, _ := d.List(""); !slices.Equal(names, before) {
			t.Errorf("without %s: files %v became %v", lost, before, names)
		}
	}
}

func TestOneKeeperOnAFolder(t *testing.T) {
	c := newClock()
	disk := durable.OS(filepath.Join(t.TempDir(), "keeper"))
	k := start(t, disk, c)
	_, err := Open(options(disk, c))
	wants(t, "a second keeper", err, ErrLocked)
	if _, err := k.people.Register(1); err != nil {
		t.Errorf("the first one after that: %v", err)
	}
	k = restart(t, k, c)
	if err := k.Close(); err != nil {
		t.Error(err)
	}
}

func TestCredentialFilesAreTheirOwnersAlone(t *testing.T) {
	name := filepath.Join(t.TempDir(), "credential")
	want := bytes.Repeat([]byte{7}, 40)
	if err := os.WriteFile(name, want, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := root.ReadCredential(name)
	if err != nil || !bytes.Equal(c.Secret, want) {
		t.Errorf("%v", err)
	}
	if err := os.Chmod(name, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := root.ReadCredential(name); err == nil {
		t.Error("a file that others may read was read")
	}
	if _, err := root.ReadCredential(name + "x"); err == nil {
		t.Error("no file was read")
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	k, _ := fresh(t, 0)
	people := register(t, k, 1)
	s := people[0].Key
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "key", s)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "key", s, "registered", people)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%q", "%d", "%20s"} {
		fmt.Fprintf(&out, verb+"\n", s)
		fmt.Fprintf(&out, verb+"\n", people)
	}
	raw, err := json.Marshal(people)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(raw)
	text := strings.ToLower(out.String())
	for _, form := range []string{string(s), fmt.Sprintf("%x", []byte(s)), fmt.Sprintf("%x", []byte(s[:4])), fmt.Sprint([]byte(s[:4]))[1:8], string(mustJSON(t, []byte(s)))} {
		if strings.Contains(text, strings.ToLower(strings.Trim(form, `"`))) {
			t.Errorf("the key is printed as %q", form)
		}
	}
	if !strings.Contains(text, "[redacted]") || keeper.Secret(s).String() != "[redacted]" {
		t.Error("nothing says that something is hidden")
	}
}

func mustJSON(t *testing.T, v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestServiceKeysAreStoredBeforeTheyAreUsed: whatever was signed or sealed with a
// key that only memory held could not be verified or opened after a restart.
func TestServiceKeysAreStoredBeforeTheyAreUsed(t *testing.T) {
	for n := 1; n <= 7; n++ {
		c, d := newClock(), durabletest.New(1)
		k := start(t, d, c)
		d.Fail(durabletest.Failure{N: n})
		first, err := k.ServiceKeys()
		if err != nil {
			first, err = k.ServiceKeys() // as the server does
		}
		d.Fail(durabletest.Failure{N: 1, Stop: true})
		cut(d, k)
		k = start(t, d, c)
		again, err2 := k.ServiceKeys()
		if err2 != nil {
			t.Fatal(err2)
		}
		if err == nil && (!bytes.Equal(first.Token[0].Key, again.Token[0].Key) || !bytes.Equal(first.Ticket[0].Seed, again.Ticket[0].Seed)) {
			t.Errorf("call %d failed: keys were handed out that a restart does not know", n)
		}
		k.Close()
	}
}

// TestServerBehind: a server whose clock is behind the keeper's can seal and sign
// with the first keys there are.
func TestServerBehind(t *testing.T) {
	c := newClock()
	k := start(t, durabletest.New(1), c)
	defer k.Close()
	keys, err := k.ServiceKeys()
	if err != nil {
		t.Fatal(err)
	}
	at := k.now().Add(-4 * time.Minute)
	from := map[string]time.Time{
		"token": keys.Token[0].NotBefore, "ticket": keys.Ticket[0].NotBefore, "venue": keys.Venue[0].NotBefore, "card": keys.Card[0].NotBefore,
	}
	for name, begins := range from {
		if at.Before(begins) {
			t.Errorf("the %s key begins %s after the server's clock", name, begins.Sub(at))
		}
	}
}
