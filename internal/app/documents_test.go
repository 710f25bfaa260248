package app

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLongRecords: a record that no row holds is kept as a sealed document, comes back
// as it was sent, and its text lies in no file.
func TestLongRecords(t *testing.T) {
	w := newWard(t)
	w.entered()
	text := strings.Repeat("planted words of a letter; ", 10_000)
	data := base64.StdEncoding.EncodeToString([]byte(text))
	letter := `{"resourceType":"DocumentReference","status":"current","subject":{"reference":"Patient/` + w.person + `"},"content":[{"attachment":{"contentType":"text/plain","data":"` + data + `"}}]}`
	out := w.send(signingOne, "POST", "/fhir/R4/DocumentReference", "application/fhir+json", letter)
	var made struct{ ID string }
	if err := json.Unmarshal(out.Body.Bytes(), &made); err != nil || out.Code != 201 {
		t.Fatalf("%d %.300s", out.Code, out.Body)
	}
	out = w.send(signingOne, "GET", "/fhir/R4/DocumentReference/"+made.ID, "", "")
	if out.Code != 200 || !bytes.Contains(out.Body.Bytes(), []byte(data)) {
		t.Fatalf("%d, %d bytes", out.Code, out.Body.Len())
	}
	blobs := 0
	err := filepath.WalkDir(w.server.cfg.Data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if bytes.Contains(raw, []byte("planted words")) || bytes.Contains(raw, []byte(data[:40])) {
			t.Errorf("%s holds the letter", filepath.Base(path))
		}
		if len(raw) > len(text) && strings.Contains(path, "documents") {
			blobs++
		}
		return err
	})
	if err != nil || blobs != 1 {
		t.Errorf("%d blobs, %v", blobs, err)
	}
	if err := w.server.sweepDocuments(t.Context()); err != nil {
		t.Error(err)
	}
}
