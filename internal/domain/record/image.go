package record

import (
	"strings"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/format/dicom"
)

// Image is what a DICOM instance says of itself that is searched: it is sealed beside
// the document, so that a search within a person opens no document. Texts are UTF-8, as
// the file has them; patient's names and numbers are the file's own and are shown, never
// matched by.
type Image struct {
	Study    string
	Series   string
	Instance string
	Class    string
	Syntax   string // transfer syntax
	Modality string `json:",omitempty"`

	Accession    string `json:",omitempty"`
	StudyID      string `json:",omitempty"`
	StudyText    string `json:",omitempty"`
	StudyDate    string `json:",omitempty"` // YYYYMMDD
	StudyTime    string `json:",omitempty"`
	SeriesText   string `json:",omitempty"`
	SeriesNumber string `json:",omitempty"`
	Number       string `json:",omitempty"` // of the instance in its series
	Institution  string `json:",omitempty"`
	PatientName  string `json:",omitempty"` // family^given^middle^prefix^suffix
	PatientID    string `json:",omitempty"`
	Birth        string `json:",omitempty"` // YYYYMMDD
	Sex          string `json:",omitempty"`
	Rows         int    `json:",omitempty"`
	Columns      int    `json:",omitempty"`
	Frames       int    `json:",omitempty"`
}

// ImageOf takes from a DICOM file what is searched.
func ImageOf(f *dicom.File) Image {
	return Image{
		Study: f.Study, Series: f.Series, Instance: f.Instance, Class: f.Class, Syntax: f.Syntax, Modality: f.Modality,
		Accession: f.Accession, StudyID: f.StudyID, StudyText: f.StudyText, StudyDate: f.StudyDate, StudyTime: f.StudyTime,
		SeriesText: f.SeriesText, SeriesNumber: f.SeriesNumber, Number: f.Number, Institution: f.Institution,
		PatientName: f.Patient.Caret(), PatientID: f.PatientID, Birth: f.Birth, Sex: f.Sex,
		Rows: f.Rows, Columns: f.Columns, Frames: f.Frames,
	}
}

// ErrUIDs: an image that nobody could ask for.
var ErrUIDs = fault.New(fault.Invalid, "an image needs a study, series, instance, class and transfer syntax, each a UID of at most 64 digits and dots")

// Whole returns ErrUIDs unless the image can be asked for.
func (i *Image) Whole() error {
	for _, uid := range []string{i.Study, i.Series, i.Instance, i.Class, i.Syntax} {
		if uid == "" || len(uid) > 64 || strings.Trim(uid, "0123456789.") != "" {
			return ErrUIDs
		}
	}
	return nil
}
