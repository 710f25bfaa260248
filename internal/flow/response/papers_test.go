package response_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/export"
	"github.com/amanah-project/amanah/internal/flow/indexing"
	"github.com/amanah-project/amanah/internal/format/dicom"
	"github.com/amanah-project/amanah/internal/format/table"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/trace"
)

// keep enters a document of the i-th person.
func (s *stand) keep(i int, raw []byte) {
	s.T.Helper()
	who, err := s.Care.Find(s.T.Context(), s.niks[i])
	if err != nil {
		s.T.Fatal(err)
	}
	said, err := record.Look(bytes.NewReader(raw), "")
	if err != nil {
		s.T.Fatal(err)
	}
	by := care.Caller{Actor: "client-1", Facility: "rs-99-001", Role: staff.RoleClient, Rights: staff.Enter | staff.Correct | staff.View}
	if done, err := s.Care.EnterDocument(s.T.Context(), by, care.Entry{Person: who.Person, Items: []care.Item{{Meta: said.Meta}}}, bytes.NewReader(raw)); err != nil || done.Err != nil {
		s.T.Fatal(err, done.Err)
	}
}

// form is what all letters have in common; written into it is what is a person's own.
func form(own ...string) string {
	lines := append([]string{"SURAT RUJUKAN FASILITAS KESEHATAN", "Kepada yang terhormat dokter spesialis di tempat", "Dengan hormat mohon pemeriksaan dan penanganan lebih lanjut atas penderita berikut"}, own...)
	return strings.Join(append(lines, "Demikian surat ini dibuat dengan sebenarnya", "Atas perhatian dan bantuan yang diberikan diucapkan terima kasih"), "\n")
}

// own is what stands in the i-th person's letter.
func own(i int) []string {
	return []string{
		fmt.Sprintf("Nama Warga %c lahir 4 Maret 1990 nomor rujukan 2026 11 0%d73", 'A'+i, i),
		fmt.Sprintf("Tekanan darah 13%d per 8%d suhu 38 koma %d saturasi 9%d persen", i, i, i, i),
		fmt.Sprintf("Keluhan batuk sejak %d hari dan sesak sejak %d hari diagnosis J18 koma %d", i+5, i+2, i),
	}
}

func letterPDF(t *testing.T, id byte, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := table.New("pdf", &out, table.About{ID: [16]byte{id}, Title: "Surat rujukan", Made: time.Unix(1_700_000_000, 0), Columns: []string{"teks"}})
	for line := range strings.Lines(text) {
		err = errors.Join(err, w.Row([]string{strings.TrimSpace(line)}))
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// picture is the n-th X-ray, packed so; 0 is blank.
func picture(t *testing.T, n uint64, level png.CompressionLevel) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 64, 64))
	rng := rand.New(rand.NewPCG(n, n))
	for i := range m.Pix {
		if n > 0 {
			m.Pix[i] = byte(rng.Uint32())
		}
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: level}).Encode(&out, m); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func dicomFile(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile("../../format/dicom/testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// retagged is a DICOM file that somebody gave other numbers.
func retagged(t *testing.T, raw []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if _, err := dicom.Rewrite(&out, bytes.NewReader(raw), dicom.Options{}, func(uid string) string { return "2.25.123456" }); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

type entry struct {
	name string
	raw  []byte
}

func tarOf(t *testing.T, all ...entry) string {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range all {
		err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: e.name, Size: int64(len(e.raw)), Mode: 0o600})
		if err == nil {
			_, err = w.Write(e.raw)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func zipOf(t *testing.T, name, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	w, err := z.Create(name)
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// withDocuments makes a copy with its documents, and returns those that end so.
func (s *stand) withDocuments(ending string) (leak.Copy, [][]byte) {
	s.T.Helper()
	people, err := s.export.People(s.T.Context(), s.niks)
	if err != nil {
		s.T.Fatal(err)
	}
	s.asked++
	r, err := s.export.Ask(s.T.Context(), fmt.Sprint("audit ", s.asked), staff.Export{Recipient: s.to.Recipient().String(), Documents: true}, people)
	if err != nil {
		s.T.Fatal(err)
	}
	s.Approve(r.ID())
	disk := durabletest.New(3)
	if _, err := s.export.Run(s.T.Context(), r.ID(), people, disk); err != nil {
		s.T.Fatal(err)
	}
	raw, err := durable.ReadFile(disk, "part-0001.documents.tar.age")
	if err != nil {
		s.T.Fatal(err)
	}
	plain, err := age.Decrypt(bytes.NewReader(raw), s.to)
	if err != nil {
		s.T.Fatal(err)
	}
	var out [][]byte
	for in := tar.NewReader(plain); ; {
		h, err := in.Next()
		if err == io.EOF {
			return export.CopyOf(r.ID()), out
		}
		if err != nil {
			s.T.Fatal(err)
		}
		one, err := io.ReadAll(in)
		if err != nil {
			s.T.Fatal(err)
		}
		if strings.HasSuffix(h.Name, ending) {
			out = append(out, one)
		}
	}
}

// TestLeakedDocuments: an image with other numbers, a picture packed anew, a letter as it was
// and one that was copied out as text, within archives, are known again, each as its person's
// alone; the form, a blank page, others' letters and images are not. One image of a copy, or
// one letter, names the copy; without the copy's numbers it names nobody.
func TestLeakedDocuments(t *testing.T) {
	s := open(t, 4)
	s.export.Documents = s.Site.Documents
	ct, mr := dicomFile(t, "CT_small.dcm"), dicomFile(t, "MR_small_implicit.dcm")
	s.keep(0, ct)
	s.keep(1, picture(t, 1, png.BestSpeed))
	letters := [][]byte{letterPDF(t, 2, form(own(2)...)), []byte(form(own(3)...))}
	s.keep(2, letters[0])
	s.keep(3, letters[1])
	blank := letterPDF(t, 9, form())
	for i := range s.niks {
		s.keep(i, blank)
		s.keep(i, picture(t, 0, png.BestSpeed))
	}
	feed := indexing.Flow{DB: s.DB, Keeper: s.Keeper, Index: s.index, State: s.fed, Actor: "test", Budget: keeper.BudgetImport, Page: 100}
	if _, err := feed.Drain(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	n, size := uint64(0), int64(0)
	if err := s.index.Merge(); err != nil {
		t.Fatal(err)
	}
	if n, size = s.index.Documents(); n != 12 || size > 12*(69+4*leak.MostWords) {
		t.Errorf("%d documents in the index, of %d bytes", n, size)
	}

	posted := []entry{
		{"a.dcm", retagged(t, ct)}, {"b.png", picture(t, 1, png.BestCompression)}, {"c.pdf", letters[0]},
		{"d.zip", zipOf(t, "d.txt", strings.ReplaceAll(string(letters[1]), "\n", "\r\n"))},
		{"form.pdf", blank}, {"blank.png", picture(t, 0, png.BestCompression)}, {"other.dcm", mr}, {"other.png", picture(t, 2, png.BestSpeed)},
		{"other.pdf", letterPDF(t, 3, form(own(7)...))}, {"form.txt", []byte(form())}, {"other.txt", []byte(form(own(8)...))},
	}
	c := s.trace("posted.tar", tarOf(t, posted...))
	by := map[trace.By]int{}
	records := map[string]bool{}
	for _, p := range c.Papers {
		by[p.By]++
		records[p.Record] = true
		if p.Shared {
			t.Errorf("%+v", p)
		}
	}
	if d := cmp.Diff(map[trace.By]int{trace.ByPixels: 2, trace.ByFile: 1, trace.ByText: 1}, by); d != "" || len(records) != 4 {
		t.Errorf("%d records: %s\n%s", len(records), d, c.Table())
	}
	if c.Patients != 4 || c.Records != 4 || c.Counts.DocumentDecoysFound != 0 || !strings.Contains(c.Table(), "8 documents, 4 of ours") {
		t.Errorf("%d people, %d records\n%s", c.Patients, c.Records, c.Table())
	}
	s.established("documents without marks", c)

	var images, files [][]byte
	copies := make([]leak.Copy, 3)
	for i := range copies {
		copies[i], images = s.withDocuments(".dcm")
		if i == 1 {
			files = images
		}
	}
	s.established("one image", s.trace("one.dcm", string(files[0])), copies[1])
	s.established("one image that is cut", s.trace("cut.tar", tarOf(t, entry{"x", files[0]})[:len(files[0])-100+512]))
	s.established("the same image under other numbers", s.trace("other.dcm", string(retagged(t, files[0]))))
	last, pdfs := s.withDocuments(".pdf")
	for _, raw := range pdfs {
		s.established("one letter", s.trace("one.pdf", string(raw)), last)
	}
}
