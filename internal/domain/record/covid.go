package record

import "github.com/amanah-project/amanah/internal/format/fhir"

// The codes by which a test or a dose against COVID-19 is known. What is not here is
// no evidence: a colour must not rest on a guess. Antibody tests are left out on
// purpose, they say nothing of an infection now (PCR and antigen do).

// covidCode is a test for the virus.
type covidCode struct{ antigen bool }

// covidTests are codes of LOINC by which one result says whether the virus is there:
// its RNA by nucleic acid amplification, or its antigen (loinc.org/sars-cov-2-and-covid-19).
// Panels, and genes that other coronaviruses share, are no result by themselves.
var covidTests = map[string]covidCode{
	"94500-6": {}, "94309-2": {}, "94307-6": {}, "94308-4": {}, "94314-2": {}, "94316-7": {}, "94533-7": {}, "94534-5": {},
	"94559-2": {}, "94565-9": {}, "94660-8": {}, "94759-8": {}, "94845-5": {}, "95406-5": {}, "95409-9": {}, "95425-5": {},
	"95608-6": {}, "96091-4": {}, "96120-1": {}, "96123-5": {}, "96448-6": {},
	"94558-4": {true}, "95209-3": {true}, "96119-3": {true}, "97097-0": {true},
}

func testOf(c fhir.Coding) (covidCode, bool) {
	if c.System != loinc {
		return covidCode{}, false
	}
	t, ok := covidTests[c.Code]
	return t, ok
}

// vaccines are the CVX codes of vaccines against COVID-19 (CDC, "CVX codes"), with
// the words that rule sets have for them. Vaccinations of the national registry name
// the product in its own catalogue (KFA) with the CVX beside it.
var vaccines = map[string]string{
	"207": "moderna", "221": "moderna", "227": "moderna", "228": "moderna", "229": "moderna", "230": "moderna", "311": "moderna", "312": "moderna",
	"208": "pfizer", "217": "pfizer", "218": "pfizer", "219": "pfizer", "300": "pfizer", "301": "pfizer", "302": "pfizer", "308": "pfizer", "309": "pfizer", "310": "pfizer",
	"210": "astrazeneca",
	"211": "novavax", "313": "novavax",
	"212": "janssen",
	"213": "unspecified", "500": "unspecified",
	"502": "covaxin",
	"504": "sputnik-light", "505": "sputnik-v",
	"506": "cansino",
	"507": "zifivax",
	"510": "sinopharm",
	"511": "sinovac",
}

// results are what a test says, in SNOMED CT and in HL7's interpretations.
var results = map[fhir.Coding]bool{
	{System: snomed, Code: "10828004"}:  true,  // Positive
	{System: snomed, Code: "260373001"}: true,  // Detected
	{System: snomed, Code: "840539006"}: true,  // COVID-19
	{System: snomed, Code: "260385009"}: false, // Negative
	{System: snomed, Code: "260415000"}: false, // Not detected
	{System: loinc, Code: "LA6576-8"}:   true,  // Positive
	{System: loinc, Code: "LA11882-0"}:  true,  // Detected
	{System: loinc, Code: "LA6577-6"}:   false, // Negative
	{System: loinc, Code: "LA11883-8"}:  false, // Not detected
	{System: readings, Code: "POS"}:     true,
	{System: readings, Code: "DET"}:     true,
	{System: readings, Code: "NEG"}:     false,
	{System: readings, Code: "ND"}:      false,
	{System: readings2, Code: "POS"}:    true,
	{System: readings2, Code: "NEG"}:    false,
}

const (
	readings  = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
	readings2 = "http://hl7.org/fhir/v2/0078" // as R3 and older systems write it
)
