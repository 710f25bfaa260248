package document_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"mime"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/care/caretest"
	"github.com/amanah-project/amanah/internal/flow/document"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/disk"
	"github.com/amanah-project/amanah/internal/store/memory"
)

// data is where documents lie; by default those of the repository.
var data = flag.String("data", "testdata", "folder of documents: dicom, ecg and lab below it")

var hospital = care.Caller{
	Actor: "client-rs-99-001", Facility: "rs-99-001", Role: staff.RoleClient, Rights: staff.Enter | staff.Correct | staff.View,
	Ask: keeper.Ask{Proof: "signed"},
}

// rig is a flow over real parts: a keeper, a database, blobs on disk.
type rig struct {
	*caretest.Site
	flow  *document.Flow
	dir   string // of blobs
	spool string
	blobs store.Blobs
	who   identity.PersonID
	now   time.Time
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{Site: caretest.New(t, memory.New()), dir: filepath.Join(t.TempDir(), "blobs"), spool: t.TempDir(), now: time.Now()}
	blobs, err := disk.Open(durable.OS(r.dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = blobs.Close() })
	r.blobs = blobs
	v := &document.Vault{
		DB: r.DB, Blobs: blobs, Keeper: r.Keeper, Now: func() time.Time { return r.now },
		Spool: func() (document.Spooled, error) { return disk.Spool(r.spool), nil },
	}
	r.Care.Documents = v
	r.flow = &document.Flow{Vault: v, Records: r.Care}
	r.who = r.Register("9901015703840001", "Ani Contoh", "1984-03-17")
	return r
}

func (r *rig) put(in document.Incoming) (document.Stored, error) {
	if in.Person == 0 {
		in.Person = r.who
	}
	return r.flow.Put(r.Context(), hospital, in)
}

// read opens a document and reads it whole.
func (r *rig) read(of record.Ref, version uint64) ([]byte, care.Record, error) {
	c, rec, err := r.flow.OpenDocument(r.Context(), hospital, of, version)
	if err != nil {
		return nil, rec, err
	}
	defer c.Close()
	b, err := io.ReadAll(io.NewSectionReader(c, 0, c.Size()))
	return b, rec, err
}

// files lists documents below folders of data, by path.
func files(t *testing.T, folders ...string) (out []string) {
	t.Helper()
	for _, f := range folders {
		err := filepath.WalkDir(filepath.Join(*data, f), func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				out = append(out, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// typeOf is what a sender says who goes by the file's name.
func typeOf(path string) string {
	switch ext := filepath.Ext(path); ext {
	case ".dcm":
		return record.DICOM
	case ".csv":
		return record.CSV
	case ".xml":
		return "text/xml"
	default:
		return mime.TypeByExtension(ext)
	}
}

// whole is among the malformed ones and is none: see testdata.
const whole = "JPEG2000-embedded-sequence-delimiter.dcm"

// TestDocuments: every document that is whole is kept and comes back byte for byte, of
// the kind that it is.
func TestDocuments(t *testing.T) {
	r := newRig(t)
	kinds := map[record.Kind]int{}
	n := 0
	for _, path := range append(files(t, "dicom/valid", "dicom/charset", "ecg", "lab/pdf", "lab/csv"), filepath.Join(*data, "dicom/malformed", whole)) {
		if strings.Contains(path, "mismatch") {
			continue
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		by := hospital // some files are one image in several encodings, and known from there
		by.Facility = staff.FacilityID(fmt.Sprintf("rs-99-%03d", n))
		s, err := r.flow.Put(t.Context(), by, document.Incoming{Person: r.who, From: bytes.NewReader(raw), ContentType: typeOf(path), Source: path})
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		got, rec, err := r.read(s.Ref, 0)
		if err != nil || !bytes.Equal(got, raw) {
			t.Errorf("%s: %d of %d bytes came back, %v", path, len(got), len(raw), err)
		}
		if strings.Contains(path, "ecg") && !strings.HasSuffix(path, ".csv") && rec.Kind != record.ECG {
			t.Errorf("%s: an ECG is taken for %v", path, rec.Kind)
		}
		kinds[rec.Kind]++
		n++
	}
	t.Logf("%d documents: %v", n, kinds)
	if n < 30 || kinds[record.Scan] < 10 || kinds[record.ECG] < 4 {
		t.Errorf("%d documents only: %v", n, kinds)
	}
}

// TestMalformedDocuments: what is not whole, or would run where it is opened, is
// refused with the place, and nothing of it is kept.
func TestMalformedDocuments(t *testing.T) {
	r := newRig(t)
	n := 0
	for _, path := range append(files(t, "dicom/malformed", "lab/malformed"), filepath.Join(*data, "ecg/dicom/gen-ecg-samples-mismatch.dcm")) {
		if filepath.Base(path) == whole {
			continue
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.put(document.Incoming{From: bytes.NewReader(raw), ContentType: typeOf(path)})
		if text := fault.Text(err); fault.KindOf(err) != fault.Invalid || !strings.Contains(text, "byte ") && !strings.Contains(text, "line ") {
			t.Errorf("%s: %v, want a refusal that names the place", path, err)
		}
		n++
	}
	if n < 12 {
		t.Errorf("%d documents only", n)
	}
	if left := files2(t, r.dir, r.spool); len(left) != 0 {
		t.Errorf("kept of refused documents: %q", left)
	}
}

// files2 lists blobs and spooled files: whatever is longer than the store's lock.
func files2(t *testing.T, dirs ...string) (out []string) {
	t.Helper()
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && d.Name() != "0" {
				out = append(out, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestVersions: a corrected document is a new version, and the old one stays.
func TestVersions(t *testing.T) {
	r := newRig(t)
	first, err := r.put(document.Incoming{From: strings.NewReader("a letter"), Kind: record.ReferralLetter, Source: "letter-1"})
	if err != nil {
		t.Fatal(err)
	}
	again, err := r.put(document.Incoming{From: strings.NewReader("a letter"), Source: "letter-1"})
	if err != nil || !again.Known || again.Ref != first.Ref {
		t.Fatalf("entered again: %+v %v", again, err)
	}
	d, err := r.flow.Seal(r.Context(), r.who, record.ReferralLetter, strings.NewReader("a better letter"))
	if err != nil {
		t.Fatal(err)
	}
	meta := record.Meta{Kind: record.ReferralLetter, ContentType: record.Bytes, Document: &d}
	done, err := r.Care.Enter(r.Context(), hospital, []care.Entry{{Person: r.who, Items: []care.Item{{Meta: meta, Of: first.Ref, IfMatch: first.Version}}}})
	if err := errors.Join(err, done[0].Err); err != nil {
		t.Fatal(err)
	}
	for version, want := range map[uint64]string{0: "a better letter", first.Version: "a letter"} {
		if got, rec, err := r.read(first.Ref, version); string(got) != want || rec.Kind != record.ReferralLetter || err != nil {
			t.Errorf("version %d: %q %v %v", version, got, rec.Kind, err)
		}
	}
}

// TestWhose: a document that says of its patient what is not so waits, one that does
// not say whose it is is refused.
func TestWhose(t *testing.T) {
	r := newRig(t)
	for name, c := range map[string]struct {
		nik, patient, birth string
		reason              record.Reason
		err                 error
	}{
		"all agrees":         {"9901015703840001", "Contoh^Ani", "19840317", "", nil},
		"another name":       {"9901015703840001", "Lain^Sekali", "19840317", record.ReasonName, nil},
		"another birth date": {"9901015703840001", "Contoh^Ani", "19840318", record.ReasonBirth, nil},
		"both":               {"9901015703840001", "Lain^Sekali", "19900101", record.ReasonBoth, nil},
		"nobody's NIK":       {"9901011508900001", "Contoh^Ani", "19900815", "", record.ErrNobody},
		"no NIK":             {"MRN-17", "Contoh^Ani", "19840317", "", record.ErrNoNIK},
		"no birth date":      {"9901015703840001", "Contoh^Ani", "", "", record.ErrClaim},
	} {
		raw := image(t, "1.2.3."+fmt.Sprint(len(name)), c.nik, c.patient, c.birth)
		s, err := r.flow.Put(r.Context(), hospital, document.Incoming{From: bytes.NewReader(raw), Only: record.DICOM})
		if !errors.Is(err, c.err) || s.Reason != c.reason || (s.Waits != 0) != (c.reason != "") || err == nil && (s.Ref.Person == r.who) != (c.reason == "") {
			t.Errorf("%s: %+v %v", name, s, err)
		}
	}
	if _, err := r.flow.Put(r.Context(), hospital, document.Incoming{From: strings.NewReader("a text")}); !errors.Is(err, document.ErrWhose) {
		t.Errorf("a text of nobody's: %v", err)
	}
}

// TestAltered: of a document whose blob was cut, extended, altered, exchanged for
// another's or deleted, no altered byte is given.
func TestAltered(t *testing.T) {
	r := newRig(t)
	raw := make([]byte, 100_000)
	rand.NewChaCha8([32]byte{1}).Read(raw)
	var refs []record.Ref
	for i := range 2 {
		s, err := r.put(document.Incoming{From: bytes.NewReader(raw), Source: fmt.Sprint(i)})
		if err != nil {
			t.Fatal(err)
		}
		refs = append(refs, s.Ref)
	}
	blobs := files2(t, r.dir)
	if len(blobs) != 2 {
		t.Fatalf("%d blobs", len(blobs))
	}
	kept := map[string][]byte{}
	for _, b := range blobs {
		kept[b], _ = os.ReadFile(b)
	}
	chunk := func(b []byte, n int) []byte { return b[56+n*16400 : 56+(n+1)*16400] }
	for name, alter := range map[string]func(b, other []byte) []byte{
		"cut":       func(b, _ []byte) []byte { return b[:len(b)-1] },
		"cut short": func(b, _ []byte) []byte { return b[:56+16400] },
		"extended":  func(b, _ []byte) []byte { return append(b, b[:16400]...) },
		"altered":   func(b, _ []byte) []byte { b[50_000] ^= 1; return b },
		"reordered": func(b, _ []byte) []byte {
			one := bytes.Clone(chunk(b, 1))
			copy(chunk(b, 1), chunk(b, 2))
			copy(chunk(b, 2), one)
			return b
		},
		"exchanged": func(_, other []byte) []byte { return other },
		"deleted":   nil,
	} {
		for i, b := range blobs {
			raw := []byte(nil)
			if alter == nil {
				if err := os.Remove(b); err != nil {
					t.Fatal(err)
				}
				continue
			}
			raw = alter(bytes.Clone(kept[b]), kept[blobs[1-i]])
			if err := os.WriteFile(b, raw, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, ref := range refs {
			if got, _, err := r.read(ref, 0); !errors.Is(err, document.ErrLost) || fault.KindOf(err) != fault.Unavailable || !bytes.HasPrefix(raw, got) {
				t.Errorf("%s: %d bytes, %v", name, len(got), err)
			}
		}
		for _, b := range blobs {
			if err := os.WriteFile(b, kept[b], 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got, _, err := r.read(refs[0], 0); err != nil || !bytes.Equal(got, raw) {
		t.Errorf("unaltered: %v", err)
	}
}

// TestRefusedKeeper: without the keeper's word nothing opens.
func TestRefusedKeeper(t *testing.T) {
	r := newRig(t)
	s, err := r.put(document.Incoming{From: strings.NewReader("x")})
	if err != nil {
		t.Fatal(err)
	}
	by := hospital
	by.Ask = keeper.Ask{}
	if _, _, err := r.flow.OpenDocument(r.Context(), by, s.Ref, 0); !errors.Is(err, care.ErrOpenless) {
		t.Errorf("%v, want ErrOpenless", err)
	}
	if _, err := r.flow.Images(r.Context(), by, r.who); !errors.Is(err, care.ErrOpenless) {
		t.Errorf("%v, want ErrOpenless", err)
	}
	by = hospital
	by.Rights = staff.Enter
	if _, _, err := r.flow.OpenDocument(r.Context(), by, s.Ref, 0); fault.KindOf(err) != fault.Denied {
		t.Errorf("%v, want a denial", err)
	}
}

// long is a document of 200 MB, and with SOAK of 5 GB.
func long() int64 {
	if os.Getenv("SOAK") != "" {
		return 5 << 30
	}
	return 200 << 20
}

// TestLong: a document of any length passes in constant memory, and a range of it opens
// alone.
func TestLong(t *testing.T) {
	r := newRig(t)
	size := long()
	from := func() io.Reader { return io.LimitReader(rand.NewChaCha8([32]byte{7}), size) }
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s, err := r.put(document.Incoming{From: from()})
	if err != nil || s.Size != size {
		t.Fatal(s.Size, err)
	}
	c, _, err := r.flow.OpenDocument(r.Context(), hospital, s.Ref, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := sameBytes(from(), io.NewSectionReader(c, 0, c.Size())); err != nil {
		t.Error(err)
	}
	p, want, off := make([]byte, 1000), make([]byte, 1000), size-size/3
	alone := from()
	if _, err := io.CopyN(io.Discard, alone, off); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(alone, want); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ReadAt(p, off); err != nil || !bytes.Equal(p, want) {
		t.Errorf("a range of it is not what was sent: %v", err)
	}
	runtime.ReadMemStats(&after)
	grown := int64(after.HeapSys) - int64(before.HeapSys)
	t.Logf("%d MB sealed, opened and compared; the heap grew by %d MB", size>>20, grown>>20)
	if grown > 32<<20 {
		t.Errorf("the heap grew by %d MB", grown>>20)
	}
}

// sameBytes compares two streams.
func sameBytes(a, b io.Reader) error {
	p, q := make([]byte, 256<<10), make([]byte, 256<<10)
	for {
		n, err1 := io.ReadFull(a, p)
		m, err2 := io.ReadFull(b, q)
		if n != m || !bytes.Equal(p[:n], q[:n]) || !errors.Is(err2, err1) {
			return fmt.Errorf("they differ: %d and %d bytes, %v, %v", n, m, err1, err2)
		}
		if err1 != nil {
			return nil
		}
	}
}

// TestGivenUp: what is given up leaves nothing.
func TestGivenUp(t *testing.T) {
	r := newRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	_, err := r.flow.Put(ctx, hospital, document.Incoming{Person: r.who, From: readerFunc(func(p []byte) (int, error) {
		if n++; n == 100 {
			cancel()
		}
		return len(p), nil
	})})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want Canceled", err)
	}
	if left := files2(t, r.dir, r.spool); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
