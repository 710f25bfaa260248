// Package cardtest reads printed cards again, for tests.
package cardtest

import (
	"errors"
	"image"
	"image/color"
	"regexp"
	"strconv"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// Sizes of a scan.
const (
	Scale         = 12.0 // pixels of a millimetre
	width, height = 85.6, 54.0
	point         = 72 / 25.4 // points of a millimetre
)

// ErrEmpty is returned for a page without a code.
var ErrEmpty = errors.New("no code is drawn on the page")

// Pixels is a length on a scan.
func Pixels(mm float64) int { return int(mm*Scale + 0.5) }

// Scan paints a card's black rectangles as a printer does.
func Scan(pdf []byte) (*image.Gray, error) {
	img := image.NewGray(image.Rect(0, 0, Pixels(width), Pixels(height)))
	for i := range img.Pix {
		img.Pix[i] = 0xff
	}
	n := 0
	for _, m := range regexp.MustCompile(`(?m)^([\d.]+) ([\d.]+) ([\d.]+) (-?[\d.]+) re f$`).FindAllSubmatch(pdf, -1) {
		var v [4]float64
		for i := range v {
			var err error
			if v[i], err = strconv.ParseFloat(string(m[i+1]), 64); err != nil {
				return nil, err
			}
			v[i] /= point
		}
		n++
		top, bottom := height-v[1], height-v[1]-v[3]
		for y := Pixels(min(top, bottom)); y < Pixels(max(top, bottom)); y++ {
			for x := Pixels(v[0]); x < Pixels(v[0]+v[2]); x++ {
				img.SetGray(x, y, color.Gray{})
			}
		}
	}
	if n < 200 {
		return nil, ErrEmpty
	}
	return img, nil
}

// Decode reads the code on a scan.
func Decode(img image.Image) (string, error) {
	bits, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		return "", err
	}
	r, err := qrcode.NewQRCodeReader().Decode(bits, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		return "", err
	}
	return r.GetText(), nil
}

// Read returns the text of a card's code.
func Read(pdf []byte) (string, error) {
	img, err := Scan(pdf)
	if err != nil {
		return "", err
	}
	return Decode(img)
}
