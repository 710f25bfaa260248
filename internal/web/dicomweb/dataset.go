package dicomweb

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/fault"
)

const jsonType = "application/dicom+json"

// attribute is one of a data set (PS3.18 annex F.2).
type attribute struct {
	VR    string `json:"vr"`
	Value []any  `json:"Value,omitempty"`
}

// dataset is a DICOM JSON model object.
type dataset map[string]attribute

// put adds an attribute. Empty values, texts or none, make it empty.
func (d dataset) put(tag, vr string, values ...any) {
	a := attribute{VR: vr}
	for _, v := range values {
		if v != "" {
			a.Value = append(a.Value, v)
		}
	}
	d[tag] = a
}

// name adds a person's name.
func (d dataset) name(tag, text string) {
	if text == "" {
		d.put(tag, "PN")
		return
	}
	d.put(tag, "PN", map[string]string{"Alphabetic": text})
}

// decimal adds a number that stands as text in a file, where it is one.
func (d dataset) decimal(tag, text string) {
	if n, err := strconv.ParseInt(text, 10, 32); err == nil {
		d.put(tag, "IS", n)
		return
	}
	d.put(tag, "IS")
}

// count adds a number where there is one.
func (d dataset) count(tag, vr string, n int) {
	if n > 0 {
		d.put(tag, vr, n)
	}
}

func (d dataset) ofStudy(i *record.Image, url string) {
	d.put("00080005", "CS", "ISO_IR 192")
	d.put("00080020", "DA", i.StudyDate)
	d.put("00080030", "TM", i.StudyTime)
	d.put("00080050", "SH", i.Accession)
	d.put("00080056", "CS", "ONLINE")
	d.put("00081030", "LO", i.StudyText)
	d.name("00100010", i.PatientName)
	d.put("00100020", "LO", i.PatientID)
	d.put("00100030", "DA", i.Birth)
	d.put("00100040", "CS", i.Sex)
	d.put("0020000D", "UI", i.Study)
	d.put("00200010", "SH", i.StudyID)
	d.put("00081190", "UR", url)
}

func (d dataset) ofSeries(i *record.Image) {
	d.put("00080060", "CS", i.Modality)
	d.put("0008103E", "LO", i.SeriesText)
	d.put("0020000E", "UI", i.Series)
	d.decimal("00200011", i.SeriesNumber)
}

func (d dataset) ofInstance(i *record.Image) {
	d.put("00080016", "UI", i.Class)
	d.put("00080018", "UI", i.Instance)
	d.decimal("00200013", i.Number)
	d.count("00280010", "US", i.Rows)
	d.count("00280011", "US", i.Columns)
	if i.Frames > 1 {
		d.put("00280008", "IS", i.Frames)
	}
	d.put("00083002", "UI", i.Syntax) // Available Transfer Syntax UID
}

// write answers with data sets.
func write(w http.ResponseWriter, status int, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", jsonType)
	w.WriteHeader(status)
	_, _ = w.Write(raw) // a caller who hung up is nobody's error
	return nil
}

// Codes of why an instance was not kept (PS3.4 table B.2-1, PS3.7 annex C).
const (
	reasonResources = 0xa700 // out of resources: the same may pass later
	reasonDiffers   = 0xa900 // the data set is not what it was sent as
	reasonForm      = 0xc000 // it cannot be understood
	reasonWaits     = 0xc100 // ours: kept in quarantine, the patient does not agree
	reasonNobody    = 0xc101 // ours: nobody is registered who it says it is of
	reasonDenied    = 0x0124 // not authorized
	reasonFailed    = 0x0110 // processing failure
)

// reasonOf is an error's code.
func reasonOf(err error) int {
	switch fault.KindOf(err) {
	case fault.Invalid:
		return reasonForm
	case fault.NotFound:
		return reasonNobody
	case fault.Conflict, fault.Busy, fault.Unavailable:
		return reasonResources
	case fault.Denied:
		return reasonDenied
	}
	return reasonFailed
}
