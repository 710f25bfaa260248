package card

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/format/card/cardtest"
)

var update = flag.Bool("update", false, "write the golden file")

func printed() Card {
	wib := time.FixedZone("WIB", 7*3600)
	return Card{
		Code:   "AMANAHCARD1:AavKn9IBAAAAAAAAAAAAAAAAAAAJAcieTAHJRwwJWa_l-whDez5YGGCowLjlAaa-LRhXbshccb0WHV3TJ_3QiFX74h_r59ciXikvUs5zV7pwKN156L7ISX2OrWsF",
		Name:   "Siti Nur'aini",
		Issued: time.Date(2026, 11, 25, 9, 0, 0, 0, wib),
		Last:   time.Date(2027, 11, 24, 9, 0, 0, 0, wib),
	}
}

func printCard(t *testing.T, c Card) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, c); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGolden(t *testing.T) {
	got := printCard(t, printed())
	if again := printCard(t, printed()); !bytes.Equal(got, again) {
		t.Error("the same card makes other bytes")
	}
	file := filepath.Join("testdata", "card.pdf")
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("the card is not the golden one: look at it, then run with -update")
	}
	if !bytes.Contains(got, []byte("(Siti Nur'aini)")) || !bytes.Contains(got, []byte("(2027-11-24)")) {
		t.Error("people cannot read the card")
	}
}

func scan(t *testing.T, pdf []byte) *image.Gray {
	t.Helper()
	img, err := cardtest.Scan(pdf)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// TestReadable: what is printed reads back as the code, whole and with a stain; the
// control is a code of which too much is gone.
func TestReadable(t *testing.T) {
	img := scan(t, printCard(t, printed()))
	if got, err := cardtest.Decode(img); err != nil || got != printed().Code {
		t.Fatalf("%q, %v", got, err)
	}
	stain := func(mm float64) {
		side := cardtest.Pixels(mm)
		x0, y0 := cardtest.Pixels(width-margin-codeSide/2), cardtest.Pixels(margin/2+codeSide/2)
		for y := range side {
			for x := range side {
				img.SetGray(x0+x, y0+y, color.Gray{Y: 0xff})
			}
		}
	}
	stain(5)
	if got, err := cardtest.Decode(img); err != nil || got != printed().Code {
		t.Errorf("with a stain: %q, %v", got, err)
	}
	stain(15)
	if got, err := cardtest.Decode(img); err == nil && got == printed().Code {
		t.Error("control: a code that is mostly gone still reads")
	}
}

// TestReadableByAnother: zbarimg reads it too, where it is installed.
func TestReadableByAnother(t *testing.T) {
	zbar, err := exec.LookPath("zbarimg")
	if err != nil {
		t.Skip("zbarimg is not installed")
	}
	file := filepath.Join(t.TempDir(), "card.png")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(f, scan(t, printCard(t, printed()))); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(zbar, "--quiet", "--raw", file).Output()
	if err != nil || strings.TrimSpace(string(out)) != printed().Code {
		t.Errorf("%q, %v", out, err)
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]struct {
		text string
		pen  bool
	}{
		"José Ürün":                     {"(Jos\xe9 \xdcr\xfcn)", false},
		"ᮞᮤᮒᮤ":                          {"", true},
		"محمد":                          {"", true},
		strings.Repeat("Maharani ", 22): {"(Maharani Maharani", false},
		strings.Repeat("M", 200):        {"(MMMM", false},
		"D(a)ng\\":                      {`(D\(a\)ng\\)`, false},
	} {
		c := printed()
		c.Name = name
		got := printCard(t, c)
		if !bytes.Contains(got, []byte(want.text)) {
			t.Errorf("%s is not on the card", name)
		}
		if pen := bytes.Contains(got, []byte(" l S")); pen != want.pen {
			t.Errorf("%s: a line to write on: %v", name, pen)
		}
	}
}

func TestCodeRefused(t *testing.T) {
	for name, code := range map[string]string{"none": "", "long": strings.Repeat("a", 300), "endless": strings.Repeat("a", 5000)} {
		c := printed()
		c.Code = code
		if err := Write(&bytes.Buffer{}, c); err != ErrCode {
			t.Errorf("%s: %v", name, err)
		}
	}
}
