package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// vaultSite is an installation with a hospital that enters records with a secret.
type vaultSite struct {
	*site
	t      *testing.T
	source string // files of the hospital's own, which nobody searches
	token  string
}

func newVaultSite(t *testing.T, bin string, database ...string) *vaultSite {
	t.Helper()
	s := &vaultSite{site: newSite(t, bin, database...), t: t, source: t.TempDir()}
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
// it said. It waits as long as it is told to.
func (s *vaultSite) send(method, path, media string, body io.Reader) (int, []byte) {
	s.t.Helper()
	for {
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
		if again, ok := body.(io.Seeker); ok && res.StatusCode == http.StatusTooManyRequests {
			if _, err := again.Seek(0, io.SeekStart); err != nil {
				s.t.Fatal(err)
			}
			time.Sleep(200 * time.Millisecond)
			continue
		}
		return res.StatusCode, raw
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
