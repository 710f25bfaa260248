package record

import (
	"strings"

	"github.com/amanah-project/amanah/internal/format/dicom"
	"github.com/amanah-project/amanah/internal/format/fhir"
)

// Code systems, as FHIR names them.
const (
	KindSystem = "urn:amanah:document-kind" // the codes of Kind
	loinc      = "http://loinc.org"
	snomed     = "http://snomed.info/sct"
	cvx        = "http://hl7.org/fhir/sid/cvx"
	sections   = "http://terminology.hl7.org/CodeSystem/v2-0074" // diagnostic service sections
	observed   = "http://terminology.hl7.org/CodeSystem/observation-category"
	dicomCodes = "http://dicom.nema.org/resources/ontology/DCM"
)

// documentCodes say by themselves what a document is.
var documentCodes = map[fhir.Coding]Kind{
	{System: loinc, Code: "11502-2"}:    LaboratoryResult, // Laboratory report
	{System: loinc, Code: "26436-6"}:    LaboratoryResult, // Laboratory studies (set)
	{System: loinc, Code: "94531-1"}:    CovidTest,        // SARS-CoV-2 RNA panel, respiratory
	{System: loinc, Code: "94306-8"}:    CovidTest,        // SARS-CoV-2 RNA panel
	{System: loinc, Code: "11524-6"}:    ECG,              // EKG study
	{System: loinc, Code: "34534-8"}:    ECG,              // 12 lead EKG panel
	{System: loinc, Code: "18748-4"}:    RadiologyReport,  // Diagnostic imaging study
	{System: loinc, Code: "18726-0"}:    RadiologyReport,  // Radiology studies (set)
	{System: loinc, Code: "68604-8"}:    RadiologyReport,  // Radiology diagnostic study note
	{System: loinc, Code: "57133-1"}:    ReferralLetter,   // Referral note
	{System: loinc, Code: "18761-7"}:    TransferForm,     // Transfer summary note
	{System: loinc, Code: "28651-8"}:    TransferForm,     // Nurse transfer note
	{System: loinc, Code: "34117-2"}:    ExaminationForm,  // History and physical note
	{System: loinc, Code: "29545-1"}:    ExaminationForm,  // Physical findings
	{System: loinc, Code: "72170-4"}:    Photo,            // Photographic image
	{System: loinc, Code: "11526-1"}:    ResultReport,     // Pathology study
	{System: snomed, Code: "40174006"}:  IsolationConsent, // Isolation procedure
	{System: snomed, Code: "185349003"}: CheckUpReport,    // Encounter for check up
	{System: snomed, Code: "162673000"}: CheckUpReport,    // General examination of patient
	{System: snomed, Code: "410620009"}: CheckUpReport,    // Well child visit
}

// laboratory and radiology are sections of a diagnostic service (HL7 v2 table 0074).
var (
	laboratory = words("LAB CH HM MB BG SR SP CP IMM VR TX")
	radiology  = words("RAD CT CUS NMR NMS NRS RUS RX OUS VUS MCD XRC IMG")
)

func words(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

// kindOf says what a resource is, by what its meta tells. A code of KindSystem goes
// before all, a code of a document before a category, and a test for the virus before
// the laboratory that made it. Resources that are no document of a named kind, such as
// a Condition, are Other.
func kindOf(m *Meta) Kind {
	all := append(append([]fhir.Coding(nil), m.Codes...), m.Category...)
	for _, c := range all {
		if c.System != KindSystem {
			continue
		}
		if k, err := ParseKind(c.Code); err == nil {
			return k
		}
	}
	for _, c := range all {
		if t, ok := testOf(c); ok {
			if t.antigen {
				return AntigenResult
			}
			return CovidTest
		}
	}
	for _, c := range all {
		if k, ok := documentCodes[c]; ok && (k != IsolationConsent || m.Type == "Consent" || m.Type == "DocumentReference") {
			return k
		}
	}
	for _, c := range m.Category {
		switch {
		case c.System == sections && laboratory[c.Code], c.System == observed && c.Code == "laboratory":
			return LaboratoryResult
		case c.System == sections && radiology[c.Code], c.System == observed && c.Code == "imaging":
			return RadiologyReport
		case c.System == sections && c.Code == "EC":
			return ECG
		}
	}
	switch m.Type {
	case "ImagingStudy":
		return modalities(m.Codes)
	case "DiagnosticReport":
		return ResultReport
	case "Media":
		return Photo
	}
	return Other
}

// modalities is the kind of a study of these modalities.
func modalities(codes []fhir.Coding) Kind {
	for _, c := range codes {
		if c.System == dicomCodes {
			return ofModality(c.Code)
		}
	}
	return Scan
}

// ofModality is the kind of an object of a modality (DICOM PS3.3 C.7.3.1.1.1).
func ofModality(code string) Kind {
	switch code {
	case "ECG", "HD", "EPS":
		return ECG
	case "XC":
		return Photo
	case "SR", "KO":
		return RadiologyReport
	case "DOC", "OT", "PR", "AU", "REG", "":
		return Other
	}
	return Scan
}

// DICOMKind says what a DICOM file is: a waveform of an electrocardiogram whatever
// its modality says, an image of a modality that is not known here a scan.
func DICOMKind(f *dicom.File) Kind {
	if f.ECG() {
		return ECG
	}
	k := ofModality(f.Modality)
	if k == Other && f.Pixels {
		return Scan
	}
	return k
}
