package export_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/document"
	"github.com/amanah-project/amanah/internal/flow/export"
	"github.com/amanah-project/amanah/internal/format/dicom"
	"github.com/amanah-project/amanah/internal/format/pdf"
	"github.com/amanah-project/amanah/internal/format/table"
	"github.com/amanah-project/amanah/verify"
)

// keep enters a document of one of the stand's people.
func (s *stand) keep(nik identity.NIK, raw []byte, change func(*record.Meta)) {
	s.T.Helper()
	who, err := s.Care.Find(s.T.Context(), nik)
	if err != nil {
		s.T.Fatal(err)
	}
	said, err := record.Look(bytes.NewReader(raw), "")
	if err != nil {
		s.T.Fatal(err)
	}
	if change != nil {
		change(&said.Meta)
	}
	by := care.Caller{Actor: "client-1", Facility: "rs-99-001", Role: staff.RoleClient, Rights: staff.Enter | staff.Correct | staff.View}
	entry := care.Entry{Person: who.Person, Items: []care.Item{{Meta: said.Meta}}}
	if done, err := s.Care.EnterDocument(s.T.Context(), by, entry, bytes.NewReader(raw)); err != nil || done.Err != nil {
		s.T.Fatal(err, done.Err)
	}
}

// withDocuments runs an export with its documents and returns the rows and the files.
func (s *stand) withDocuments(done *export.Done) (rows string, files map[string][]byte, list []export.Paper) {
	s.T.Helper()
	s.asked++
	people, err := s.flow.People(s.T.Context(), s.niks)
	if err != nil {
		s.T.Fatal(err)
	}
	r, err := s.flow.Ask(s.T.Context(), fmt.Sprint("research ", s.asked), staff.Export{Recipient: s.to.Recipient().String(), Documents: true}, people)
	if err != nil {
		s.T.Fatal(err)
	}
	s.Approve(r.ID())
	disk := durabletest.New(1)
	if *done, err = s.flow.Run(s.T.Context(), r.ID(), people, disk); err != nil {
		s.T.Fatal(err)
	}
	read := func(name string) []byte {
		raw, err := durable.ReadFile(disk, name)
		if err != nil {
			s.T.Fatal(err)
		}
		plain, err := age.Decrypt(bytes.NewReader(raw), s.to)
		if err != nil {
			s.T.Fatal(err)
		}
		b, err := io.ReadAll(plain)
		if err != nil {
			s.T.Fatal(err)
		}
		return b
	}
	files = map[string][]byte{}
	in := tar.NewReader(bytes.NewReader(read("part-0001.documents.tar.age")))
	for {
		h, err := in.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			s.T.Fatal(err)
		}
		if files[h.Name], err = io.ReadAll(in); err != nil {
			s.T.Fatal(err)
		}
	}
	for line := range strings.Lines(string(files["documents.ndjson"])) {
		var p export.Paper
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			s.T.Fatal(err)
		}
		if p.File != "" && int64(len(files[p.File])) != p.Size {
			s.T.Errorf("%s has %d bytes, listed with %d", p.File, len(files[p.File]), p.Size)
		}
		list = append(list, p)
	}
	return string(read("part-0001.ndjson.age")), files, list
}

func letter(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := table.New("pdf", &out, table.About{ID: [16]byte{1, 2, 3}, Title: "Surat rujukan", Made: time.Unix(1_700_000_000, 0), Columns: []string{"teks"}})
	if err == nil {
		err = errors.Join(w.Row([]string{"dirujuk karena batuk"}), w.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func picture(t *testing.T) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 32, 32))
	for i := range m.Pix {
		m.Pix[i] = byte(i * i)
	}
	m.SetGray(1, 1, color.Gray{9})
	var out bytes.Buffer
	if err := png.Encode(&out, m); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// said is all that a DICOM file says before its pixels, without its UIDs.
func said(t *testing.T, raw []byte) any {
	t.Helper()
	var out bytes.Buffer
	if err := dicom.WriteJSON(&out, bytes.NewReader(raw), dicom.Options{}); err != nil {
		t.Fatal(err)
	}
	var m any
	if err := json.Unmarshal(out.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	var drop func(any)
	drop = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if v["vr"] == "UI" {
				delete(v, "Value")
			}
			for _, e := range v {
				drop(e)
			}
		case []any:
			for _, e := range v {
				drop(e)
			}
		}
	}
	drop(m)
	return m
}

// TestDocumentsOfCopies: documents leave with a copy where that was approved. Images have the
// copy's numbers, the same that its resources name them by, and the same content to the
// pixel; a PDF file has the copy's identifier and shows the same; what is signed, sent for
// care, or has no place for a name is the same file. One that is gone is said to be.
func TestDocumentsOfCopies(t *testing.T) {
	s := open(t, 1)
	s.flow.Documents = s.Site.Documents
	var ct []byte
	var names []string
	for _, name := range []string{"CT_small.dcm", "MR_small_RLE.dcm", "MR_small_implicit.dcm", "ExplVR_BigEnd.dcm", "image_dfl.dcm", "test-SR.dcm", "gen-ecg-12lead-500hz.dcm"} {
		raw, err := os.ReadFile(filepath.Join("../../format/dicom/testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		s.keep(s.niks[0], raw, nil)
		names = append(names, name)
		if ct == nil {
			ct = raw
		}
	}
	f, err := dicom.Read(bytes.NewReader(ct), dicom.Options{})
	if err != nil {
		t.Fatal(err)
	}
	study := fmt.Sprintf(`{"resourceType":"ImagingStudy","status":"available","subject":{"reference":"Patient/1"},"identifier":[{"system":"urn:dicom:uid","value":"urn:oid:%s"}],"series":[{"uid":%q,"modality":{"system":"http://dicom.nema.org/resources/ontology/DCM","code":"CT"},"instance":[{"uid":%q,"sopClass":{"system":"urn:ietf:rfc:3986","code":"urn:oid:%s"}}]}]}`,
		f.Study, f.Series, f.Instance, f.Class)
	s.give(s.niks[0], care.Item{Resource: s.Site.Read(study)})
	plain, seen := letter(t), picture(t)
	signed := bytes.Replace(bytes.Clone(plain), []byte("trailer"), []byte("% /ByteRange [0 1 2 3]\ntrailer"), 1)
	s.keep(s.niks[0], plain, nil)
	s.keep(s.niks[0], signed, nil)
	s.keep(s.niks[0], seen, nil)
	s.keep(s.niks[0], append(bytes.Clone(plain), '\n'), func(m *record.Meta) {
		m.Transfer = &verify.Transfer{From: "rs-99-001", To: "rs-99-002", By: "client-1", Size: 1, Sent: time.Unix(1_700_000_000, 0), Until: time.Unix(1_700_100_000, 0)}
	})

	var done export.Done
	rows, files, list := s.withDocuments(&done)
	if done.Files != len(names)+4 || done.Missing != 0 || len(list) != len(names)+4 || len(files) != len(list)+1 {
		t.Fatalf("%+v, %d files, %d listed", done, len(files), len(list))
	}
	marks := map[string]int{}
	for _, p := range list {
		marks[p.Mark]++
		got := files[p.File]
		if p.Token == "" || !strings.Contains(p.File, p.Token) || p.PersonToken == list[0].Token || p.PersonToken != list[0].PersonToken {
			t.Errorf("tokens of %+v", p)
		}
		switch p.Mark {
		case "uids":
			s.sameImage(names[marks[p.Mark]-1], got)
		case "id":
			was, is := pdf.Read(plain, pdf.Limits{Inflated: 1 << 20, Texts: 1000}), pdf.Read(got, pdf.Limits{Inflated: 1 << 20, Texts: 1000})
			if d := cmp.Diff(was.Lines, is.Lines); d != "" || len(got) != len(plain) || bytes.Equal(got, plain) || was.IDs[0] != is.IDs[0] || was.IDs[1] == is.IDs[1] {
				t.Errorf("PDF: %v %v %s", was.IDs, is.IDs, d)
			}
		case "none":
			if !bytes.Equal(got, seen) && !bytes.Equal(got, signed) {
				t.Errorf("%s is not the file as it was entered", p.File)
			}
		case "signed":
			if !bytes.Equal(got[:len(plain)], plain) {
				t.Error("a document sent for care is not the file as it was signed")
			}
		}
	}
	if d := cmp.Diff(map[string]int{"uids": len(names), "id": 1, "none": 2, "signed": 1}, marks); d != "" {
		t.Error(d)
	}
	copied, err := dicom.Read(bytes.NewReader(files[list[0].File]), dicom.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for what, uid := range map[string]string{"study": "urn:oid:" + copied.Study, "series": copied.Series, "image": copied.Instance, "class": f.Class} {
		if !strings.Contains(rows, uid) {
			t.Errorf("the rows do not name the %s by %s", what, uid)
		}
	}
	_, other, _ := s.withDocuments(&done)
	for name, raw := range files {
		for theirs, theirRaw := range other {
			if name != "documents.ndjson" && name == theirs || bytes.Equal(raw, theirRaw) && strings.HasSuffix(name, ".dcm") {
				t.Errorf("%s is in another copy, too", name)
			}
		}
	}

	s.flow.Documents = &noDocuments{}
	_, _, list = s.withDocuments(&done)
	if done.Missing != len(list) || done.Files != 0 || list[0].Missing == "" || list[0].File != "" {
		t.Errorf("gone: %+v %+v", done, list[0])
	}
}

// sameImage: the pixels to the byte, and all that the file says but for its numbers.
func (s *stand) sameImage(name string, got []byte) {
	s.T.Helper()
	raw, err := os.ReadFile(filepath.Join("../../format/dicom/testdata", name))
	if err != nil {
		s.T.Fatal(err)
	}
	var was, is bytes.Buffer
	before, err := dicom.Read(bytes.NewReader(raw), dicom.Options{Pixels: &was})
	if err != nil {
		s.T.Fatal(err)
	}
	after, err := dicom.Read(bytes.NewReader(got), dicom.Options{Pixels: &is})
	if err != nil {
		s.T.Fatal(name, err)
	}
	if !bytes.Equal(was.Bytes(), is.Bytes()) || before.Class != after.Class || before.Syntax != after.Syntax {
		s.T.Errorf("%s: the pixels or their kind changed", name)
	}
	if d := cmp.Diff(said(s.T, raw), said(s.T, got)); d != "" {
		s.T.Errorf("%s says something else: %s", name, d)
	}
	for _, uid := range []string{before.Instance, before.Study, before.Series} {
		if uid != "" && (bytes.Contains(got, []byte(uid+"\x00")) || bytes.Contains(got, []byte(uid+" "))) {
			s.T.Errorf("%s: %s is still there", name, uid)
		}
	}
	if !strings.HasPrefix(after.Instance, "2.25.") {
		s.T.Errorf("%s: %s", name, after.Instance)
	}
}

// noDocuments is a store that has lost all.
type noDocuments struct{ export.Documents }

func (noDocuments) Open(context.Context, identity.PersonID, record.Kind, record.Document) (care.Opened, error) {
	return nil, document.ErrLost
}

// TestNoDocumentsUnasked: what was not approved does not leave.
func TestNoDocumentsUnasked(t *testing.T) {
	s := open(t, 1)
	s.flow.Documents = s.Site.Documents
	s.keep(s.niks[0], picture(t), nil)
	if text := s.exported(staff.FormFHIR, s.niks); strings.Contains(text, "PNG") || strings.Contains(text, "documents.ndjson") {
		t.Error("a document left with it")
	}
	s.flow.Documents = nil
	s.asked++
	people, err := s.flow.People(t.Context(), s.niks)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.flow.Ask(t.Context(), "research", staff.Export{Recipient: s.to.Recipient().String(), Documents: true}, people)
	if err != nil {
		t.Fatal(err)
	}
	s.Approve(r.ID())
	if _, err := s.flow.Run(t.Context(), r.ID(), people, durabletest.New(5)); !errors.Is(err, export.ErrNoDocuments) {
		t.Errorf("no store: %v", err)
	}
}
