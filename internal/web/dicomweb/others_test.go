package dicomweb_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/mark"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/document"
	"github.com/amanah-project/amanah/internal/format/dicom"
)

// others returns DCMTK's dcmdump and an Orthanc, which scripts/dicom.sh started.
func others(t *testing.T) (dcmdump, orthanc string) {
	t.Helper()
	dcmdump, orthanc = os.Getenv("TEST_DCMDUMP"), os.Getenv("TEST_ORTHANC")
	switch {
	case dcmdump != "" && orthanc != "":
	case os.Getenv("SKIP_DICOM") == "1":
		t.Skip("SKIP_DICOM=1: NOTHING IS READ BACK BY DCMTK AND ORTHANC")
	default:
		t.Fatal("TEST_DCMDUMP and TEST_ORTHANC are not set: run scripts/dicom.sh go test ./... or set SKIP_DICOM=1 to leave them unasked")
	}
	return dcmdump, orthanc
}

// TestOthersReadIt: what was kept and is served is read by DCMTK and by Orthanc, and
// says to them what it says here.
func TestOthersReadIt(t *testing.T) {
	dcmdump, orthanc := others(t)
	r := newRig(t)
	all, err := filepath.Glob("../../flow/document/testdata/dicom/*/*.dcm")
	if err != nil {
		t.Fatal(err)
	}
	all = append(all, "../../flow/document/testdata/ecg/dicom/gen-ecg-12lead-500hz.dcm")
	n := 0
	for i, path := range all {
		if strings.Contains(path, "malformed") {
			continue
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		by := care.Caller{Actor: "client-1", Facility: staff.FacilityID(fmt.Sprintf("rs-99-%03d", i)), Role: staff.RoleClient, Rights: staff.Enter}
		s, err := r.flow.Put(r.Context(), by, document.Incoming{From: bytes.NewReader(raw), Person: r.who})
		if err != nil {
			t.Fatal(path, err)
		}
		image := s.Said.Meta.Image
		if image.Whole() != nil { // nobody can ask for it by its numbers
			t.Logf("%s has no study or series", filepath.Base(path))
			continue
		}
		at := r.at("/studies/" + image.Study + "/series/" + image.Series + "/instances/" + image.Instance)
		resp, got := r.ask("GET", at, nil, "Accept", "application/dicom")
		if resp.StatusCode != 200 || !bytes.Equal(got, raw) {
			t.Errorf("%s: %s, %d bytes", path, resp.Status, len(got))
			continue
		}
		_, said := r.ask("GET", at+"/metadata", nil)
		r.heldAgainstDCMTK(dcmdump, filepath.Base(path), got, said)
		r.heldAgainstOrthanc(orthanc, filepath.Base(path), got, image.Study, image.Instance)
		r.copied(dcmdump, orthanc, filepath.Base(path), raw)
		n++
	}
	t.Logf("%d files", n)
	if n < 14 {
		t.Errorf("%d files only", n)
	}
}

// copied has both read the file as a secondary-use copy holds it: under its own numbers.
func (r *rig) copied(dcmdump, orthanc, name string, raw []byte) {
	r.Helper()
	pen := mark.New(&leak.Base{1}, &leak.Seed{2})
	var out, said bytes.Buffer
	if _, err := dicom.Rewrite(&out, bytes.NewReader(raw), dicom.Options{}, pen.UID); err != nil {
		r.Errorf("%s: %v", name, err)
		return
	}
	said.WriteByte('[')
	f, err := dicom.Read(bytes.NewReader(out.Bytes()), dicom.Options{})
	if err == nil {
		err = dicom.WriteJSON(&said, bytes.NewReader(out.Bytes()), dicom.Options{})
	}
	if err != nil {
		r.Fatal(name, err)
	}
	said.WriteByte(']')
	r.heldAgainstDCMTK(dcmdump, "copy-"+name, out.Bytes(), said.Bytes())
	r.heldAgainstOrthanc(orthanc, "copy of "+name, out.Bytes(), f.Study, f.Instance)
}

// same elements as DCMTK's own JSON has, of those that both write: texts and numbers.
func (r *rig) heldAgainstDCMTK(dcmdump, name string, raw, said []byte) {
	r.Helper()
	file := filepath.Join(r.TempDir(), name)
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		r.Fatal(err)
	}
	if out, err := exec.Command(dcmdump, "+E", file).CombinedOutput(); err != nil || !bytes.Contains(out, []byte("(0008,0018)")) {
		r.Errorf("%s: dcmdump: %v %s", name, err, out)
	}
	theirs, err := exec.Command(filepath.Join(filepath.Dir(dcmdump), "dcm2json"), file).Output()
	if err != nil {
		r.Logf("%s: dcm2json does not read it: %v", name, err)
		return
	}
	var want map[string]any
	var got []map[string]any
	if err := json.Unmarshal(theirs, &want); err != nil {
		r.Logf("%s: dcm2json writes no JSON: %v", name, err)
		return
	}
	if err := json.Unmarshal(said, &got); err != nil || len(got) == 0 {
		r.Fatal(name, err)
	}
	compared := 0
	for tag, v := range got[len(got)-1] {
		ours, other := v.(map[string]any), want[tag]
		if other == nil || tag == "00080005" || ours["vr"] == "SQ" || ours["InlineBinary"] != nil || ours["vr"] == "UN" || ours["vr"] == "FL" { // DCMTK writes FL to nine digits
			continue
		}
		compared++
		if d := cmp.Diff(fmt.Sprint(other.(map[string]any)["Value"]), fmt.Sprint(ours["Value"])); d != "" {
			r.Errorf("%s %s (-DCMTK +ours):\n%s", name, tag, d)
		}
	}
	if compared < 8 {
		r.Errorf("%s: %d elements compared only", name, compared)
	}
}

func (r *rig) heldAgainstOrthanc(orthanc, name string, raw []byte, study, instance string) {
	r.Helper()
	resp, err := http.Post(orthanc+"/instances", "application/dicom", bytes.NewReader(raw))
	if err != nil {
		r.Fatal(err)
	}
	defer resp.Body.Close()
	out, _ := io.ReadAll(resp.Body)
	var kept struct{ ID string }
	if err := json.Unmarshal(out, &kept); err != nil || resp.StatusCode != 200 {
		r.Errorf("%s: Orthanc: %s %s", name, resp.Status, out)
		return
	}
	tags, err := http.Get(orthanc + "/instances/" + kept.ID + "/simplified-tags")
	if err != nil {
		r.Fatal(err)
	}
	defer tags.Body.Close()
	var said struct{ StudyInstanceUID, SOPInstanceUID string }
	if err := json.NewDecoder(tags.Body).Decode(&said); err != nil || said.StudyInstanceUID != study || said.SOPInstanceUID != instance {
		r.Errorf("%s: Orthanc read %+v, %v", name, said, err)
	}
}
