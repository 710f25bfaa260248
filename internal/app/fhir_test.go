package app

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// npm installs what a folder of e2e pins, and returns where.
func npm(t *testing.T, folder string, files ...string) string {
	t.Helper()
	if os.Getenv("SKIP_NODE") == "1" {
		t.Log("WARNING: SKIP_NODE=1: NO INDEPENDENT FHIR CLIENT IS TRIED")
		t.SkipNow()
	}
	for _, name := range []string{"node", "npm"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Fatalf("%s is needed, for the independent FHIR client: install Node.js 20, or set SKIP_NODE=1 to go without", name)
		}
	}
	dir := t.TempDir()
	for _, name := range append(files, "package.json", "package-lock.json", ".npmrc") {
		raw, err := os.ReadFile(filepath.Join("..", "..", "e2e", folder, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund", "--prefer-offline")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v; set SKIP_NODE=1 to go without\n%s", err, out)
	}
	return dir
}

// bundle is a transaction of the ward's person.
func (w *ward) bundle() map[string]any {
	w.t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "format", "fhir", "testdata", "valid", "id-dev-01.json"))
	if err != nil {
		w.t.Fatal(err)
	}
	text := strings.NewReplacer("9901015703840001", w.nik, "Ani Contoh", "Orang Uji", `"Ani"`, `"Orang"`, `"Contoh"`, `"Uji"`, "1984-03-17", "1990-01-01").Replace(string(raw))
	var b map[string]any
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		w.t.Fatal(err)
	}
	return b
}

// TestIndependentFHIRClient: fhir-kit-client and jose, as published, get tokens, find a
// person, enter, open, correct and search their records; and without a key enter alone.
func TestIndependentFHIRClient(t *testing.T) {
	dir := npm(t, "fhir", "client.mjs")
	w := newWard(t)
	web := httptest.NewServer(w.public)
	t.Cleanup(web.Close)
	b64 := base64.RawURLEncoding.EncodeToString
	input, err := json.Marshal(map[string]any{
		"issuer": "https://localhost", "connect": web.URL, "client_id": "client-rs-99-001", "client_key": map[string]any{"kty": "OKP", "crv": "Ed25519", "x": b64(w.key.Public().(ed25519.PublicKey)), "d": b64(w.key.Seed())},
		"client_secret": w.secret.Reveal(), "nik": w.nik, "bundle": w.bundle(),
	})
	if err != nil {
		t.Fatal(err)
	}
	script := exec.CommandContext(t.Context(), "node", "client.mjs")
	script.Dir, script.Stdin = dir, bytes.NewReader(input)
	var stderr bytes.Buffer
	script.Stderr = &stderr
	raw, err := script.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	var got, want map[string]any
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	if err := json.Unmarshal([]byte(`{
		"bound": "DPoP", "bearer": "BearerToken", "statement": "CapabilityStatement 4.0.1", "found": true, "same": true,
		"created": true, "read": true, "corrected": true, "stale": {"status": 412, "code": "conflict"}, "vread": true, "history": 2,
		"transaction": "201 201 201 201 201 201", "observations": 1, "pages": [1, 1, true], "everything": true,
		"invalid": {"status": 400, "code": "code-invalid", "at": "Immunization.status"}, "across": {"status": 400, "code": "not-supported"},
		"entered": "Immunization", "opened": {"status": 403, "code": "forbidden"}
	}`), &want); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
