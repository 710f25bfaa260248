// Package dicom reads what a DICOM file says of itself (DICOM PS3.10): whose it is,
// from where and when, what kind, and whether it is whole.
//
// It walks every element of the file, holds only the few it names, and decodes no
// pixel. What it accepts can be walked to its end by any reader: every length lies
// inside what encloses it, and pixel data and waveforms are as long as the file says
// they are. It knows no domain. It reads hostile files in bounded memory: limits of
// elements, depth, held bytes and inflation are Options, and no error holds a value.
package dicom

import (
	"fmt"
	"io"

	"github.com/amanah-project/amanah/internal/fault"
)

// Options bound the work on one file; zero values are the defaults.
type Options struct {
	Elements int   // most elements, of all depths; default 1,000,000
	Depth    int   // deepest nesting of sequences; default 32
	Inflated int64 // most bytes that a deflated data set may become; default 1 GiB
	// Pixels, if not nil, is given the pixel data as it lies in the file, fragments one behind
	// the other without what parts them. Read fails when it does.
	Pixels io.Writer
}

func (o Options) withDefaults() Options {
	if o.Elements <= 0 {
		o.Elements = 1_000_000
	}
	if o.Depth <= 0 {
		o.Depth = 32
	}
	if o.Inflated <= 0 {
		o.Inflated = 1 << 30
	}
	return o
}

// Tag names an element: its group and its number within.
type Tag uint32

// String writes a tag as the standard does, (gggg,eeee).
func (t Tag) String() string { return fmt.Sprintf("(%04X,%04X)", uint32(t)>>16, uint32(t)&0xffff) }

// File is what a DICOM file says of itself. Texts are UTF-8, without padding.
type File struct {
	Syntax   string // transfer syntax UID
	Class    string // SOP class UID
	Instance string // SOP instance UID
	Study    string // study instance UID
	Series   string // series instance UID
	Modality string // CT, MR, CR, US, ECG …

	Accession    string // number of the order
	StudyID      string
	StudyText    string // its description
	SeriesText   string
	SeriesNumber string // decimal, as it stands
	Number       string // of the instance in its series, likewise
	StudyDate    string // YYYYMMDD
	StudyTime    string

	Patient     Name
	PatientID   string
	Issuer      string // of PatientID
	Birth       string // YYYYMMDD
	Sex         string // M, F, O
	Institution string
	Date        string // of acquisition, content, series or study: the first there is; YYYYMMDD
	Time        string // HHMMSS.FFFFFF, of the same
	Lossy       bool   // a text was in a character set that is not known here, or not true to its own

	Rows, Columns, Frames int
	Pixels                bool         // pixel data is there
	Compressed            bool         // encapsulated
	Waveforms             []Waveform   // one for each multiplex group
	Charset               []string     // specific character sets
	frames                string       // (0028,0008) as it stands
	bits, samples         int          // of a pixel
	dates                 [4][2]string // acquisition, content, series, study
}

// Name is a person's name in its alphabetic form, or the first form there is (PS3.5
// §6.2.1.1).
type Name struct{ Family, Given, Middle, Prefix, Suffix string }

// Waveform is one multiplex group of a waveform (PS3.3 C.10.9).
type Waveform struct {
	Channels int
	Samples  int    // of each channel
	Rate     string // samples per second, decimal
	bits     int
}

// ecg are the SOP classes of electrocardiograms: 12-lead, general, ambulatory,
// general 32-bit.
var ecg = map[string]bool{
	"1.2.840.10008.5.1.4.1.1.9.1.1": true, "1.2.840.10008.5.1.4.1.1.9.1.2": true,
	"1.2.840.10008.5.1.4.1.1.9.1.3": true, "1.2.840.10008.5.1.4.1.1.9.1.4": true,
}

// ECG reports whether the file is an electrocardiogram's waveform.
func (f *File) ECG() bool { return ecg[f.Class] && len(f.Waveforms) > 0 }

// Error says where a file cannot be read and why. It holds no value of the file.
type Error struct {
	Offset int64 // in the data set as it is encoded; of a deflated one, as inflated
	Tag    Tag   // zero outside elements
	Why    string
}

// Error implements error.
func (e *Error) Error() string {
	if e.Tag == 0 {
		return fmt.Sprintf("DICOM, byte %d: %s", e.Offset, e.Why)
	}
	return fmt.Sprintf("DICOM, byte %d, element %v: %s", e.Offset, e.Tag, e.Why)
}

// Unwrap gives outsiders the same text: what stands in a file is the sender's to mend.
func (e *Error) Unwrap() error { return fault.New(fault.Invalid, e.Error()) }
