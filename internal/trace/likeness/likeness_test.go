package likeness_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/format/dicom"
	"github.com/amanah-project/amanah/internal/trace/likeness"
)

func of(t testing.TB, raw []byte) leak.Likeness {
	t.Helper()
	l, err := likeness.Of(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func encode(t testing.TB, m image.Image, level png.CompressionLevel) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: level}).Encode(&out, m); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestPictures: a picture that was packed anew, or stored in another colour model, is the
// same; one that differs in a pixel is not; a blank one is nobody's.
func TestPictures(t *testing.T) {
	grey, rgb := image.NewGray(image.Rect(0, 0, 50, 40)), image.NewNRGBA(image.Rect(0, 0, 50, 40))
	for i := range grey.Pix {
		grey.Pix[i] = byte(i * 7)
		v := grey.Pix[i]
		rgb.SetNRGBA(i%50, i/50, color.NRGBA{v, v, v, 255})
	}
	one := of(t, encode(t, grey, png.BestCompression))
	if one.Pixels == [32]byte{} || one.Pixels != of(t, encode(t, grey, png.NoCompression)).Pixels || one.Pixels != of(t, encode(t, rgb, png.DefaultCompression)).Pixels {
		t.Error("the same picture in another file is another")
	}
	grey.Pix[77] ^= 1
	if one.Pixels == of(t, encode(t, grey, png.BestSpeed)).Pixels {
		t.Error("another picture is the same")
	}
	blank := image.NewGray(image.Rect(0, 0, 50, 40))
	if of(t, encode(t, blank, png.BestSpeed)).Pixels != [32]byte{} {
		t.Error("a blank page is known again")
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, grey, nil); err != nil {
		t.Fatal(err)
	}
	if of(t, out.Bytes()).Pixels == [32]byte{} || of(t, append(out.Bytes(), "behind its end"...)).Pixels != of(t, out.Bytes()).Pixels {
		t.Error("a JPEG file with something behind it is another")
	}
	if got := of(t, append([]byte("\x89PNG\r\n\x1a\n"), 1, 2, 3)); got.Pixels != [32]byte{} || got.Words != nil {
		t.Error("what is no picture has one")
	}
}

// TestImages: a DICOM file with other numbers shows the same.
func TestImages(t *testing.T) {
	for _, name := range []string{"CT_small.dcm", "MR_small_RLE.dcm", "ExplVR_BigEnd.dcm", "image_dfl.dcm"} {
		raw, err := os.ReadFile("../../format/dicom/testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if _, err := dicom.Rewrite(&out, bytes.NewReader(raw), dicom.Options{}, func(uid string) string { return "2.25.1" }); err != nil {
			t.Fatal(err)
		}
		was, is := of(t, raw), of(t, out.Bytes())
		if was.Pixels == [32]byte{} || was.Pixels != is.Pixels || was.UIDs == is.UIDs || is.UIDs[0] != "2.25.1" {
			t.Errorf("%s: %v %v", name, was.UIDs, is.UIDs)
		}
		blank := bytes.Clone(raw)
		if at := bytes.Index(blank, []byte{0xe0, 0x7f, 0x10, 0, 'O', 'W'}); name == "CT_small.dcm" && at > 0 {
			clear(blank[at+12 : at+12+2*128*128])
			if of(t, blank).Pixels != [32]byte{} {
				t.Error("a blank image is known again")
			}
		}
	}
}

const letter = `SURAT RUJUKAN. Yth. dokter spesialis di tempat. Dengan hormat, mohon pemeriksaan dan penanganan lebih lanjut atas penderita:
Nama: Siti Rahma, NIK 9901014503900001, lahir 5 Maret 1990, nomor rujukan 2026/11/00042, tekanan darah 130/85, suhu 38,2, saturasi 94 persen.
Keluhan: batuk sejak 9 hari dan sesak sejak 3 hari. Diagnosis sementara: J18.9. Demikian atas perhatian dan bantuan diucapkan terima kasih.`

// TestWords: the same text has the same runs however its lines, capitals and punctuation
// are; a text that is too short has none; half of what is kept has digits.
func TestWords(t *testing.T) {
	one := of(t, []byte(letter))
	if len(one.Words) != leak.MostWords {
		t.Fatalf("%d runs", len(one.Words))
	}
	again := of(t, []byte(strings.ToUpper(strings.NewReplacer(" ", "\r\n", ".", "", ",", " ; ").Replace(strings.ReplaceAll(letter, "18.9", "18 9")))))
	if d := cmp.Diff(one.Words, of(t, []byte(strings.ReplaceAll(letter, " ", "\n\t"))).Words); d != "" {
		t.Error(d)
	}
	if len(again.Words) == 0 {
		t.Error("no runs in capitals")
	}
	if of(t, []byte("batuk sejak 9 hari")).Words != nil || of(t, nil).Words != nil {
		t.Error("a short text has runs")
	}
	if of(t, []byte{0, 1, 2, 3, 'a', ' ', 'b', ' ', 'c'}).Words != nil {
		t.Error("bytes that are no text have runs")
	}
	digits := map[uint64]bool{}
	var r likeness.Runs
	r.Add([]byte(letter), func(run uint64, digit bool) { digits[run] = digit })
	n := 0
	for _, w := range one.Words {
		if digits[w] {
			n++
		}
	}
	if n != leak.MostWords/2 {
		t.Errorf("%d of %d runs have digits", n, len(one.Words))
	}
}

func TestReadersFail(t *testing.T) {
	broken := errors.New("broken")
	if _, err := likeness.Of(iotest.ErrReader(broken), 5); !errors.Is(err, broken) {
		t.Error(err)
	}
}

// FuzzOf: nothing breaks it, and it says the same twice.
func FuzzOf(f *testing.F) {
	f.Add([]byte(letter))
	f.Add([]byte("%PDF-1.4\n1 0 obj << >> stream\nBT (batuk) Tj ET\nendstream endobj"))
	f.Add([]byte("\xff\xd8\xff\xe0"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		l, err := likeness.Of(bytes.NewReader(raw), int64(len(raw)))
		again, _ := likeness.Of(bytes.NewReader(raw), int64(len(raw)))
		if err != nil || fmt.Sprint(l) != fmt.Sprint(again) || len(l.Words) > leak.MostWords {
			t.Error(err)
		}
	})
}

// TestLarge: an image of more pixels than its form may have is known by its file alone, and
// costs nothing: only its head is true here.
func TestLarge(t *testing.T) {
	small := image.NewGray(image.Rect(0, 0, 16, 16))
	var out bytes.Buffer
	if err := jpeg.Encode(&out, small, nil); err != nil {
		t.Fatal(err)
	}
	sized := func(w, h uint16) []byte {
		raw := bytes.Clone(out.Bytes())
		at := bytes.Index(raw, []byte{0xff, 0xc0}) + 5 // SOF0 (ITU-T T.81 B.2.2): height, then width
		raw[at], raw[at+1], raw[at+2], raw[at+3] = byte(h>>8), byte(h), byte(w>>8), byte(w)
		return raw
	}
	for _, tc := range []struct {
		w, h uint16
		err  error
	}{{16, 16, nil}, {3508, 2480, nil}, {4096, 2176, nil}, {4096, 2177, likeness.ErrLarge}, {3508, 2800, likeness.ErrLarge}, {0xffff, 0xffff, likeness.ErrLarge}} {
		for _, most := range []int{likeness.MaxJPEG, likeness.MaxPixels, 32 << 20} { // a trace asks for more than either
			_, size, err := likeness.Decode(sized(tc.w, tc.h), most)
			if errors.Is(err, likeness.ErrLarge) != (tc.err != nil) || size != image.Pt(int(tc.w), int(tc.h)) {
				t.Errorf("%d by %d of at most %d: %v, %v", tc.w, tc.h, most, size, err)
			}
		}
	}
	if _, _, err := likeness.Decode(sized(16, 16), 255); !errors.Is(err, likeness.ErrLarge) {
		t.Errorf("more than was asked for: %v", err)
	}
	if l := of(t, sized(3508, 2800)); l.Pixels != [32]byte{} {
		t.Error("a large image was decoded")
	}
}

// entered is a document that says when it is read past its beginning, and waits there.
type entered struct {
	*bytes.Reader
	held *atomic.Int32
	on   chan struct{}
	n    int
}

func (e *entered) Read(p []byte) (int, error) {
	if e.n++; e.n == 2 {
		e.held.Add(1)
		<-e.on
	}
	return e.Reader.Read(p[:min(len(p), 4096)])
}

// TestLane: of documents that must be held whole, those of one lane wait for each other, and each
// has its turn; images of which only a part is held do not wait. Without a lane all are held at
// once: the control. It is looked at when nobody can go on.
func TestLane(t *testing.T) {
	text := bytes.Repeat([]byte("dirujuk karena batuk "), 4000)
	scan, err := os.ReadFile("../../format/dicom/testdata/CT_small.dcm")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		lane *likeness.Lane
		held []int32 // as one after the other is let go
	}{{"one lane", &likeness.Lane{}, []int32{1, 2, 3}}, {"no lane", nil, []int32{3, 3, 3}}} {
		synctest.Test(t, func(t *testing.T) {
			var held, done atomic.Int32
			on := make(chan struct{})
			for range 3 {
				go func() {
					if _, err := tc.lane.Of(&entered{bytes.NewReader(text), &held, on, 0}, int64(len(text))); err != nil {
						t.Error(err)
					}
					done.Add(1)
				}()
			}
			for i, want := range tc.held {
				synctest.Wait()
				if n := held.Load(); n != want || done.Load() != int32(i) {
					t.Errorf("%s: %d are held and %d done, want %d and %d", tc.name, n, done.Load(), want, i)
				}
				if l, err := tc.lane.Of(bytes.NewReader(scan), int64(len(scan))); err != nil || l.Pixels == [32]byte{} {
					t.Error(err)
				}
				on <- struct{}{}
			}
			if synctest.Wait(); done.Load() != 3 {
				t.Errorf("%s: %d are done", tc.name, done.Load())
			}
		})
	}
}
