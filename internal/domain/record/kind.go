package record

import "github.com/amanah-project/amanah/internal/fault"

// ErrKind: a kind that there is not.
var ErrKind = fault.New(fault.Invalid, "a document's kind is one of the list: scan, photo, examination-form, covid-test, referral-letter, ecg, transfer-form, radiology-report, antigen-result, isolation-consent, laboratory-result, check-up-report, result-report, or other")

// Kind is what a document is. The numbers are sealed with documents and stay.
type Kind uint8

// The kinds of document that the theft of January 2022 took, and all others.
const (
	Other           Kind = iota
	Scan                 // CT and other images
	Photo                // of the patient
	ExaminationForm      // as filled in at an examination
	CovidTest            // a result of a PCR or another test for the virus itself
	ReferralLetter       // of the national health insurance, BPJS
	ECG                  // a sheet or the waveform
	TransferForm         // from hospital to hospital
	RadiologyReport      // what was read from an image
	AntigenResult
	IsolationConsent
	LaboratoryResult
	CheckUpReport
	ResultReport // of an examination of any other sort
)

// kinds are each kind's code and names. Their order is that of the numbers.
var kinds = [...]struct{ code, english, indonesian string }{
	Other:            {"other", "other document", "dokumen lain"},
	Scan:             {"scan", "CT and other scans", "hasil pemindaian (CT-scan dan lainnya)"},
	Photo:            {"photo", "patient photo", "foto pasien"},
	ExaminationForm:  {"examination-form", "examination form", "formulir pemeriksaan"},
	CovidTest:        {"covid-test", "COVID test result", "hasil tes COVID-19"},
	ReferralLetter:   {"referral-letter", "referral letter (BPJS)", "surat rujukan BPJS"},
	ECG:              {"ecg", "ECG sheet", "lembar EKG"},
	TransferForm:     {"transfer-form", "inter-hospital transfer form", "formulir rujukan antar rumah sakit"},
	RadiologyReport:  {"radiology-report", "radiology report", "laporan radiologi"},
	AntigenResult:    {"antigen-result", "antigen result", "hasil tes antigen"},
	IsolationConsent: {"isolation-consent", "isolation consent", "persetujuan isolasi"},
	LaboratoryResult: {"laboratory-result", "laboratory result", "hasil laboratorium"},
	CheckUpReport:    {"check-up-report", "check-up report", "laporan pemeriksaan kesehatan"},
	ResultReport:     {"result-report", "result report", "laporan hasil pemeriksaan"},
}

// Kinds lists the named kinds, and Other last.
func Kinds() []Kind {
	out := make([]Kind, 0, len(kinds))
	for k := range kinds {
		if Kind(k) != Other {
			out = append(out, Kind(k))
		}
	}
	return append(out, Other)
}

// ParseKind reads a kind's code; ErrKind.
func ParseKind(s string) (Kind, error) {
	for k := range kinds {
		if kinds[k].code == s {
			return Kind(k), nil
		}
	}
	return Other, ErrKind
}

func (k Kind) known() bool { return int(k) < len(kinds) }

// String returns the code.
func (k Kind) String() string {
	if !k.known() {
		k = Other
	}
	return kinds[k].code
}

// English returns the name in English.
func (k Kind) English() string {
	if !k.known() {
		k = Other
	}
	return kinds[k].english
}

// Indonesian returns the name in Indonesian.
func (k Kind) Indonesian() string {
	if !k.known() {
		k = Other
	}
	return kinds[k].indonesian
}
