// Package dicomtest makes small DICOM files for tests, of synthetic people.
package dicomtest

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"

	"github.com/amanah-project/amanah/internal/format/dicom"
)

// Tags that tests set.
const (
	Instance  dicom.Tag = 0x00080018
	StudyDate dicom.Tag = 0x00080020
	Modality  dicom.Tag = 0x00080060
	Name      dicom.Tag = 0x00100010
	PatientID dicom.Tag = 0x00100020
	Birth     dicom.Tag = 0x00100030
	Study     dicom.Tag = 0x0020000d
	Series    dicom.Tag = 0x0020000e
)

var vrs = map[dicom.Tag]string{
	0x00080005: "CS", 0x00080016: "UI", Instance: "UI", StudyDate: "DA", Modality: "CS", Name: "PN", PatientID: "LO", Birth: "DA", Study: "UI", Series: "UI",
}

// CT is the SOP class of the images, Explicit their transfer syntax.
const (
	CT       = "1.2.840.10008.5.1.4.1.1.2"
	Explicit = "1.2.840.10008.1.2.1"
)

// Image makes a CT image of so many rows of 512 pixels. Its identity is what values
// say; an empty value leaves the element empty.
func Image(values map[dicom.Tag]string, rows int) []byte {
	all := map[dicom.Tag]string{
		0x00080005: "ISO_IR 192", 0x00080016: CT, Instance: "1.2.3.4", Modality: "CT", Study: "1.2.3", Series: "1.2.3.1", StudyDate: "20260102",
	}
	maps.Copy(all, values)
	var meta, body bytes.Buffer
	text(&meta, 0x00020002, "UI", CT)
	text(&meta, 0x00020003, "UI", all[Instance])
	text(&meta, 0x00020010, "UI", Explicit)
	for _, t := range slices.Sorted(maps.Keys(all)) {
		text(&body, t, vrs[t], all[t])
	}
	for t, n := range map[dicom.Tag]int{0x00280002: 1, 0x00280010: rows, 0x00280011: 512, 0x00280100: 16} {
		all[t] = string(binary.LittleEndian.AppendUint16(nil, uint16(n)))
	}
	for _, t := range []dicom.Tag{0x00280002, 0x00280010, 0x00280011, 0x00280100} {
		text(&body, t, "US", all[t])
	}
	head(&body, 0x7fe00010, "OW")
	body.Write([]byte{0, 0})
	body.Write(binary.LittleEndian.AppendUint32(nil, uint32(rows*512*2)))
	body.Write(make([]byte, rows*512*2))
	out := append(make([]byte, 128), "DICM"...)
	return slices.Concat(out, meta.Bytes(), body.Bytes())
}

func head(b *bytes.Buffer, t dicom.Tag, vr string) {
	b.Write(binary.LittleEndian.AppendUint16(nil, uint16(t>>16)))
	b.Write(binary.LittleEndian.AppendUint16(nil, uint16(t)))
	b.WriteString(vr)
}

func text(b *bytes.Buffer, t dicom.Tag, vr, value string) {
	if len(value)%2 == 1 {
		value += map[bool]string{true: "\x00", false: " "}[vr == "UI"]
	}
	head(b, t, vr)
	b.Write(binary.LittleEndian.AppendUint16(nil, uint16(len(value))))
	b.WriteString(value)
}
