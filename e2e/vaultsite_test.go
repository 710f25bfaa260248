package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// vaultSite is an installation with a hospital that enters records with a secret.
type vaultSite struct {
	*site
	t        *testing.T
	source   string // files of the hospital's own, which nobody searches
	token    string
	patience time.Duration
}

// patience is for how long a system asks again when it is told that it asked too soon.
const patience = time.Minute

func newVaultSite(t *testing.T, bin string, database ...string) *vaultSite {
	t.Helper()
	s := &vaultSite{site: newSite(t, bin, database...), t: t, source: t.TempDir(), patience: patience}
	s.startKeeper()
	s.operate("", "staff", "facility", "rs-99-001", "Rumah Sakit Uji")
	s.operate("", "facility", "client", "add", "client-rs-99-001", "--facility", "rs-99-001", "--secret-out", filepath.Join(s.source, "secret"))
	return s
}

// signIn gets a token for the hospital's system.
func (s *vaultSite) signIn() {
	s.t.Helper()
	form := url.Values{"client_id": {"client-rs-99-001"}, "client_secret": {strings.TrimSpace(read(s.t, filepath.Join(s.source, "secret")))}}
	res, err := http.PostForm("http://"+s.listen+"/oauth2/v1/accesstoken?grant_type=client_credentials", form)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if s.token, _ = decode(s.t, string(raw))["access_token"].(string); s.token == "" {
		s.t.Fatalf("no token: %s", raw)
	}
}

// send asks the server and returns the status, or zero when it did not answer, and what
// it said. It waits while it is told to, for as long as it is patient.
func (s *vaultSite) send(method, path, media string, body io.Reader) (int, []byte) {
	s.t.Helper()
	for end := time.Now().Add(s.patience); ; {
		req, err := http.NewRequestWithContext(s.t.Context(), method, "http://"+s.listen+path, body)
		if err != nil {
			s.t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+s.token)
		req.Header.Set("Content-Type", media)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0, nil
		}
		raw, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			return 0, nil
		}
		if again, ok := body.(io.Seeker); ok && res.StatusCode == http.StatusTooManyRequests && time.Now().Before(end) {
			if _, err := again.Seek(0, io.SeekStart); err != nil {
				s.t.Fatal(err)
			}
			time.Sleep(200 * time.Millisecond)
			continue
		}
		return res.StatusCode, raw
	}
}

// sendScan sends an image, of which the answer may say that it came too soon for a budget.
func (s *vaultSite) sendScan(scan []byte) (status int, raw []byte) {
	s.t.Helper()
	for end := time.Now().Add(s.patience); ; time.Sleep(200 * time.Millisecond) {
		status, raw = s.send("POST", "/dicomweb/studies", `multipart/related; type="application/dicom"; boundary=part`, bytes.NewReader(parts(scan)))
		if status != http.StatusConflict || !bytes.Contains(raw, []byte("budget")) || time.Now().After(end) {
			return status, raw
		}
	}
}

// TestPatience: a system that is told for ever that it asked too soon gives up, and one that
// is told so for a while does not.
func TestPatience(t *testing.T) {
	for told, status := range map[string]int{"slow down": http.StatusTooManyRequests, "the budget is used up": http.StatusConflict} {
		for _, times := range []int64{3, 1 << 40} {
			var asked atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if asked.Add(1) <= times {
					w.WriteHeader(status)
					io.WriteString(w, told)
				}
			}))
			t.Cleanup(server.Close)
			s := &vaultSite{site: &site{listen: server.Listener.Addr().String()}, t: t, patience: patience}
			want, said := http.StatusOK, ""
			if times > 3 {
				want, said, s.patience = status, told, time.Second
			}
			if got, raw := s.sendScan([]byte("scan")); got != want || string(raw) != said {
				t.Errorf("told %d times %q: %d %s", times, told, got, raw)
			}
		}
	}
}

// importing starts an import of the hospital's files.
func (s *vaultSite) importing(dir string) *process {
	return s.start(append([]string{"record", "import", dir, "--facility", "rs-99-001", "--register", "--errors", s.mkdir("refused"), "--json"}, s.flags()...)...)
}

// parts is a STOW-RS body of instances.
func parts(instances ...[]byte) []byte {
	var b bytes.Buffer
	for _, one := range instances {
		fmt.Fprintf(&b, "--part\r\nContent-Type: application/dicom\r\n\r\n%s\r\n", one)
	}
	b.WriteString("--part--\r\n")
	return b.Bytes()
}

// over reports whether the process ended.
func (p *process) over() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}
