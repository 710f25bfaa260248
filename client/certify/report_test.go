package certify_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/client/certify"
)

// written is a report of a run that passed, as Run would close it.
func written(t testing.TB, spoil func(*certify.Report)) []byte {
	t.Helper()
	r := certify.Report{
		Version: 1, List: certify.ListVersion, Partner: 7, Credential: certify.ByProof, Relay: b64(make([]byte, 32)),
		At: time.Date(2022, 8, 1, 5, 0, 0, 0, time.UTC), Passed: true,
	}
	for _, c := range certify.List() {
		r.Cases = append(r.Cases, certify.Result{ID: c.ID, Verdict: certify.Passed, Evidence: "seen <1> & \"2\""})
	}
	spoil(&r)
	sum := sha256.Sum256(bytes.TrimSuffix(r.Marshal(), []byte("\n")))
	r.Digest = hex.EncodeToString(sum[:])
	return r.Marshal()
}

func TestReportRoundTrip(t *testing.T) {
	raw := written(t, func(*certify.Report) {})
	r, err := certify.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(r.Marshal(), raw) || !r.Passed || len(r.Cases) != len(certify.List()) {
		t.Error("a report changes when it is read and written")
	}
	if !bytes.Contains(raw, []byte(`seen <1> & \"2\"`)) {
		t.Error("a character is escaped that need not be")
	}
}

func TestReportsRefused(t *testing.T) {
	good := written(t, func(*certify.Report) {})
	for name, raw := range map[string][]byte{
		"nothing":         nil,
		"not JSON":        []byte("passed"),
		"a digit changed": bytes.Replace(good, []byte(`"partner":7`), []byte(`"partner":8`), 1),
		"not canonical":   bytes.Replace(good, []byte(`,"list"`), []byte(`, "list"`), 1),
		"a member more":   bytes.Replace(good, []byte(`{"version"`), []byte(`{"x":1,"version"`), 1),
		"something after": append(slices.Clone(good), "{}"...),
		"too long":        append(bytes.Repeat([]byte(" "), 1<<20), good...),
		"another list":    written(t, func(r *certify.Report) { r.List++ }),
		"a case missing":  written(t, func(r *certify.Report) { r.Cases = r.Cases[1:] }),
		"a case renamed":  written(t, func(r *certify.Report) { r.Cases[0].ID = "relay/x" }),
		"passed, it says": written(t, func(r *certify.Report) { r.Cases[0].Verdict = certify.Failed }),
		"half of it run":  written(t, func(r *certify.Report) { r.Cases[0].Verdict = certify.NotRun }),
		"no such verdict": written(t, func(r *certify.Report) { r.Cases[0].Verdict = "fine" }),
	} {
		if _, err := certify.Parse(raw); !errors.Is(err, certify.ErrReport) {
			t.Errorf("%s: %v", name, err)
		}
	}
	failed := written(t, func(r *certify.Report) { r.Cases[0].Verdict, r.Passed = certify.Failed, false })
	if r, err := certify.Parse(failed); err != nil || r.Passed {
		t.Errorf("a report of a failed run: %v", err)
	}
}

func TestMarkdownInBothLanguages(t *testing.T) {
	r, err := certify.Parse(written(t, func(r *certify.Report) {
		r.Cases[0].Verdict, r.Passed, r.Cases[0].Evidence = certify.Failed, false, "a | b\n| <b> [x](y) |"
	}))
	if err != nil {
		t.Fatal(err)
	}
	for language, words := range map[certify.Language][]string{
		certify.Indonesian: {"Tidak lulus", "Meneruskan isi pesan", "gagal", r.Digest},
		certify.English:    {"Not passed", "Forwards the body", "failed", r.Digest},
	} {
		text := r.Markdown(language)
		for _, w := range words {
			if !strings.Contains(text, w) {
				t.Errorf("%s: no %q", language, w)
			}
		}
		if rows := strings.Count(text, "\n| "); rows != len(r.Cases)+1 {
			t.Errorf("%s: %d rows", language, rows)
		}
		if strings.Contains(text, "<b>") || strings.Contains(text, " [x]") {
			t.Errorf("%s: evidence is markup", language)
		}
	}
}

// TestPublishedList: what is published is what is run. UPDATE_GOLDEN=1 writes it.
func TestPublishedList(t *testing.T) {
	const path, mark = "../../docs/certification.md", "<!-- the list: written by client/certify TestPublishedList -->\n"
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, list, ok := strings.Cut(string(raw), mark)
	if !ok {
		t.Fatal("docs/certification.md has no place for the list")
	}
	want := "\n" + certify.Published()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(head+mark+want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if list != want {
		t.Error("docs/certification.md differs from the list that is run: UPDATE_GOLDEN=1 go test ./client/certify -run TestPublishedList, and raise ListVersion when a case was judged otherwise")
	}
}

func TestListIsSound(t *testing.T) {
	ids := map[string]bool{}
	for _, c := range certify.List() {
		if ids[c.ID] || !strings.HasPrefix(c.ID, string(c.Subject)+"/") || c.Title.English == "" || c.Title.Indonesian == "" || c.How == "" {
			t.Errorf("%q is told apart by nothing, or says nothing", c.ID)
		}
		ids[c.ID] = true
	}
}

func TestSetup(t *testing.T) {
	key := bytes.Repeat([]byte{7}, 32)
	s, err := certify.NewSetup(3, "https://127.0.0.1:9443", key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := s.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, err := certify.ParseSetup(raw)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := again.Marshal(); err != nil || !bytes.Equal(raw, second) {
		t.Errorf("a setup changes when it is read and written: %v", err)
	}
	if c := again.Credential(); !bytes.Equal(c.Key, key) || c.Platform != "https://127.0.0.1:9443" || c.Partner != 3 || c.Token == "" {
		t.Error("the relay's credential is not of the setup")
	}
	if text := fmt.Sprintf("%v %+v %#v %s", s, s, s, s); strings.Contains(text, s.Token) || !strings.Contains(text, "[redacted]") {
		t.Errorf("a setup prints as %s", text)
	}
	for _, url := range []string{"", "http://127.0.0.1:1", "https://", "https://u@h", "https://h/ohttp", "https://h?x=1", "://"} {
		if _, err := certify.NewSetupFor(3, url, [32]byte{}); !errors.Is(err, certify.ErrSetup) {
			t.Errorf("%q: %v", url, err)
		}
	}
	if _, err := certify.NewSetup(3, "https://h", []byte("short")); !errors.Is(err, certify.ErrSetup) {
		t.Errorf("a short key: %v", err)
	}
	if own, err := certify.NewSetupFor(3, "https://h", s.Thumbprint); err != nil || len(own.Credential().Key) != 0 || own.Thumbprint != s.Thumbprint {
		t.Errorf("a relay that keeps its key: %v", err)
	}
	for name, bad := range map[string][]byte{
		"another key": bytes.Replace(raw, []byte(`"relay_key": "Bwc`), []byte(`"relay_key": "BBB`), 1),
		"nothing":     nil, "a relay's credential": []byte(`{"kind":"amanah-relay/1"}`), "cut": raw[:len(raw)/2],
		"a key cut":       bytes.Replace(raw, []byte(`"pin": "`), []byte(`"pin": "AAAA`), 1),
		"a certificate's": bytes.Replace(raw, []byte(`"authority": "`), []byte(`"authority": "AAAA`), 1),
	} {
		if _, err := certify.ParseSetup(bad); !errors.Is(err, certify.ErrSetup) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
