package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/format/dicom"
	"github.com/amanah-project/amanah/internal/format/dicom/dicomtest"
	"github.com/amanah-project/amanah/internal/web/dicomweb"
)

// sharedImages are the valid DICOM files of the collection beside the project, or our own
// copies of them where it is not at hand, and an ECG.
func sharedImages(t *testing.T) (names []string) {
	t.Helper()
	for _, folder := range []string{"valid", "charset"} {
		some, _ := filepath.Glob(filepath.Join("../../../shared/data/dicom", folder, "*.dcm"))
		if len(some) == 0 {
			some, _ = filepath.Glob(filepath.Join("../flow/document/testdata/dicom", folder, "*.dcm"))
		}
		names = append(names, some...)
	}
	if len(names) < 18 {
		t.Fatalf("%d files", len(names))
	}
	return append(names, "../flow/document/testdata/ecg/dicom/gen-ecg-12lead-500hz.dcm")
}

// stow sends a file as a hospital does.
func (w *ward) stow(raw []byte) *httptest.ResponseRecorder {
	body := "--part\r\nContent-Type: application/dicom\r\n\r\n" + string(raw) + "\r\n--part--\r\n"
	return w.send(signingOne, "POST", dicomweb.Base+"/studies", `multipart/related; type="application/dicom"; boundary=part`, body)
}

// TestSharedImagesOverHTTP: every valid DICOM file that we have, once it says whose it is as
// STOW-RS asks (a NIK, a name and a birth date that agree with who is registered), is taken
// in at the door of released code, and WADO-RS gives it back byte for byte. The control is
// the same file as it was published, of a patient without a NIK: refused, and told why.
func TestSharedImagesOverHTTP(t *testing.T) {
	w := newWard(t)
	names := sharedImages(t)
	until := time.Now().AddDate(0, 0, 1).Format(time.DateOnly)
	for i, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if out := w.stow(raw); out.Code != 409 || !strings.Contains(out.Body.String(), "NIK") {
			t.Errorf("%s as published: %d %s", name, out.Code, out.Body)
		}
		nik := fmt.Sprintf("990101150890%04d", 5000+i) // each a person of its own: some files are one image, encoded otherwise
		w.register(nik, "Orang Citra", "1990-08-15")
		sent, err := dicomtest.With(raw, map[dicom.Tag]string{dicomtest.PatientID: nik, dicomtest.Name: "Citra^Orang", dicomtest.Birth: "19900815"})
		if err != nil {
			t.Fatal(name, err)
		}
		out := w.stow(sent)
		var kept map[string]struct{ Value []json.RawMessage }
		if err := json.Unmarshal(out.Body.Bytes(), &kept); err != nil || out.Code != 200 || len(kept["00081199"].Value) != 1 {
			t.Errorf("%s: %d %s", name, out.Code, out.Body)
			continue
		}
		var item map[string]struct{ Value []string }
		if err := json.Unmarshal(kept["00081199"].Value[0], &item); err != nil {
			t.Fatal(err)
		}
		at := strings.TrimPrefix(item["00081190"].Value[0], "https://localhost")
		patient, _, _ := strings.Cut(strings.TrimPrefix(at, dicomweb.Base+"/patients/"), "/")
		if out := w.send(signingOne, "POST", "/fhir/R4/Patient/"+patient+"/relation/"+until, "", ""); out.Code >= 300 {
			t.Fatalf("a relation to %s: %d %s", patient, out.Code, out.Body)
		}
		if out := w.send(signingOne, "GET", at, "", "", "Accept", "application/dicom"); out.Code != 200 || !bytes.Equal(out.Body.Bytes(), sent) {
			t.Errorf("%s: %d, %d bytes of %d", name, out.Code, out.Body.Len(), len(sent))
		}
		out = w.send(signingOne, "GET", at+"/metadata", "", "")
		if out.Code != 200 || !strings.Contains(out.Body.String(), nik) {
			t.Errorf("%s: metadata: %d %.200s", name, out.Code, out.Body)
		}
	}
	t.Logf("%d files", len(names))
}
