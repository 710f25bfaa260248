package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/png"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/format/dicom"
	"github.com/amanah-project/amanah/internal/format/dicom/dicomtest"
)

// victim is a patient who can be recognised in whatever is written of them.
type victim struct{ nik, name, birth, phone, code, pixel string }

func (v *victim) values() []string { return []string{v.nik, v.name, v.phone, v.code, v.pixel} }

func newVictim(i int) victim {
	sum := sha256.Sum256(fmt.Appendf(nil, "victim %d", i))
	digits := hex.EncodeToString(sum[:])
	letters := func(s string) string {
		return strings.Map(func(r rune) rune { return 'a' + (r-'0')%49%26 }, s)
	}
	born := time.Date(1940, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i%22_000)
	return victim{
		nik:   fmt.Sprintf("990101%s%04d", born.Format("020106"), 1+i/22_000),
		name:  "Puspa" + letters(digits[:7]) + " Wiraga" + letters(digits[7:14]),
		birth: born.Format(time.DateOnly),
		phone: fmt.Sprintf("6289900%07d", i),
		code:  "B97.29-" + digits[14:26],
		pixel: "pixels of " + digits[26:58],
	}
}

// image is a PNG whose rows are the pattern, and whose compression is none: what is
// planted in it can be searched in each form.
func (v *victim) image(t testing.TB, rows int) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, len(v.pixel), rows))
	for y := range rows {
		copy(img.Pix[y*img.Stride:], v.pixel)
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.NoCompression}).Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// letter is a PDF of one page that names the patient, longer than a row holds.
func (v *victim) letter() []byte {
	text := strings.Repeat(fmt.Sprintf("BT (%s, %s, %s, %s) Tj ET\n", v.name, v.nik, v.phone, v.code), 700)
	return fmt.Appendf(nil, "%%PDF-1.4\n1 0 obj\n<< /Length %d >>\nstream\n%s\nendstream\nendobj\nstartxref\n9\n%%%%EOF\n", len(text), text)
}

// scan is a CT image with the pattern as its pixels.
func (v *victim) scan(i int) []byte {
	const rows = 4
	raw := dicomtest.Image(map[dicom.Tag]string{
		dicomtest.PatientID: v.nik, dicomtest.Name: strings.ReplaceAll(v.name, " ", "^"), dicomtest.Birth: strings.ReplaceAll(v.birth, "-", ""),
		dicomtest.Study: fmt.Sprintf("1.2.3.%d", i), dicomtest.Series: fmt.Sprintf("1.2.3.%d.1", i), dicomtest.Instance: fmt.Sprintf("1.2.3.%d.1.1", i),
	}, rows)
	pixels := raw[len(raw)-rows*512*2:]
	for at := 0; at+len(v.pixel) <= len(pixels); at += len(v.pixel) {
		copy(pixels[at:], v.pixel)
	}
	return raw
}
