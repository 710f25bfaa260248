package certify

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// outcome is how one start of the client's command ended.
type outcome struct {
	stage   *stage
	colour  string // shown; empty for none
	status  int
	stopped bool // it had not ended of itself when its time was over
	ended   time.Time
	kept    string // a file in which an answer was found
	logged  bool   // an answer was found on standard error
}

// waited is how long the client went on after its first message came; 0 if none did.
// How long a program takes to start, which is the machine's matter, is not in it.
func (o *outcome) waited() time.Duration {
	o.stage.mu.Lock()
	defer o.stage.mu.Unlock()
	if len(o.stage.messages) == 0 {
		return 0
	}
	return o.ended.Sub(o.stage.messages[0].at)
}

// Bounds of what is taken from a client.
const (
	maxOutput = 1 << 20
	maxKept   = 64 << 20
)

// checkIn starts the client to check in with a code.
func (f *front) checkIn(ctx context.Context, s *stage, code string) (*outcome, error) {
	return f.launch(ctx, s, "checkin", f.opt.Patience, "--code", code)
}

// launch starts the client's command in a folder of its own and waits for its end.
func (f *front) launch(ctx context.Context, s *stage, verb string, patience time.Duration, args ...string) (*outcome, error) {
	credential, err := s.credential()
	if err != nil {
		return nil, err
	}
	link, home := filepath.Join(f.folder, s.name+".json"), filepath.Join(f.folder, s.name)
	if err := errors.Join(os.WriteFile(link, credential, 0o600), os.Mkdir(home, 0o700)); err != nil {
		return nil, err
	}
	defer func() { _ = errors.Join(os.Remove(link), os.RemoveAll(home)) }()
	command := append(f.opt.Client[:len(f.opt.Client):len(f.opt.Client)], verb, "--link", link, "--timeout", patience.String())
	limit, cancel := context.WithTimeout(ctx, patience+f.opt.Grace)
	defer cancel()
	cmd := exec.CommandContext(limit, command[0], append(command[1:], args...)...)
	out, errOut := &bounded{}, &bounded{}
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = home, out, errOut, time.Second
	cmd.Env = append(cmd.Environ(), f.environment(home)...)
	together(cmd)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrClient, err)
	}
	_ = cmd.Wait() // its status is looked at below
	o := &outcome{stage: s, status: cmd.ProcessState.ExitCode(), stopped: limit.Err() != nil, ended: time.Now()}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var shown struct {
		Colour string `json:"colour"`
	}
	if json.NewDecoder(bytes.NewReader(out.kept.Bytes())).Decode(&shown) == nil {
		o.colour = shown.Colour
	}
	o.logged = s.planted(errOut.kept.Bytes())
	o.kept, err = s.search(home)
	f.outcomes = append(f.outcomes, o) // cases run one after another
	return o, err
}

// environment keeps what a client writes within its folder, and has whatever opens a
// URL by way of a proxy call at the trap.
func (f *front) environment(home string) []string {
	env := []string{"AMANAH_CERTIFY=1", "NO_PROXY=127.0.0.1,localhost,::1", "no_proxy=127.0.0.1,localhost,::1"}
	for _, name := range []string{"HOME", "TMPDIR", "TMP", "TEMP", "USERPROFILE", "APPDATA", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"} {
		env = append(env, name+"="+home)
	}
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		env = append(env, name+"=http://"+f.trap.Addr().String())
	}
	return env
}

// planted reports whether b holds something of an answer, as it is, in hexadecimal
// or in base64.
func (s *stage) planted(b []byte) bool {
	for _, secret := range s.secrets {
		if bytes.Contains(b, []byte(secret)) || bytes.Contains(b, []byte(hex.EncodeToString([]byte(secret)))) {
			return true
		}
		for skip := range 3 { // at whatever place the secret began
			part := base64.RawStdEncoding.EncodeToString([]byte(secret[skip : len(secret)-(len(secret)-skip)%3]))
			if bytes.Contains(b, []byte(part)) {
				return true
			}
		}
	}
	return false
}

// search looks for something of an answer in what a client left behind.
func (s *stage) search(folder string) (string, error) {
	found, left := "", int64(maxKept)
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || found != "" || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if left -= info.Size(); left < 0 {
			found = "more than can be searched"
			return nil
		}
		b, err := os.ReadFile(path)
		if err == nil && s.planted(b) {
			found = "a file of " + fmt.Sprint(len(b)) + " bytes"
		}
		return err
	})
	return found, err
}

// bounded keeps the first bytes of what is written to it.
type bounded struct{ kept bytes.Buffer }

// Write takes everything and keeps what there is room for.
func (b *bounded) Write(p []byte) (int, error) {
	if room := maxOutput - b.kept.Len(); room > 0 {
		b.kept.Write(p[:min(len(p), room)])
	}
	return len(p), nil
}
