package fhir

import (
	_ "embed" // r4.txt
	"fmt"
	"slices"
	"strings"
)

//go:embed r4.txt
var elements string

// schema holds the elements of each type, by the name that JSON gives them: a choice
// stands under each of its names.
type schema map[string]*kind

type kind struct {
	elements map[string]*element
	required []*element
}

type element struct {
	name     string // with [x] for a choice
	names    []string
	typ      string
	list     bool
	required bool
	codes    []string
}

// open are the types that an extension's value may have, besides all primitives.
var open = []string{
	"Address", "Age", "Annotation", "Attachment", "CodeableConcept", "Coding", "ContactPoint", "Count", "Distance", "Duration",
	"HumanName", "Identifier", "Money", "Period", "Quantity", "Range", "Ratio", "Reference", "SampledData", "Signature",
	"Timing", "ContactDetail", "Contributor", "DataRequirement", "Expression", "ParameterDefinition", "RelatedArtifact",
	"TriggerDefinition", "UsageContext", "Dosage", "Meta",
}

func parseSchema(text string) (schema, error) {
	s := schema{}
	var at *kind
	for n, line := range strings.Split(text, "\n") {
		switch {
		case line == "" || line[0] == '#':
		case line[0] != ' ':
			at = &kind{elements: map[string]*element{}}
			s[line] = at
		default:
			if err := at.add(strings.Fields(line)); err != nil {
				return nil, fmt.Errorf("r4.txt, line %d: %w", n+1, err)
			}
		}
	}
	for name, k := range s {
		for _, e := range k.elements {
			if s[e.typ] == nil && primitives[e.typ] == nil && e.typ != "any" && e.typ != "Resource" && !slices.Contains(open, e.typ) {
				return nil, fmt.Errorf("r4.txt: %s.%s has a type that is not there: %s", name, e.name, e.typ)
			}
		}
	}
	return s, nil
}

func (k *kind) add(words []string) error {
	if len(words) < 2 || k == nil {
		return fmt.Errorf("%q is no element", words)
	}
	name := strings.TrimRight(words[0], "!*")
	marks := words[0][len(name):]
	e := element{name: name, list: strings.Contains(marks, "*"), required: strings.Contains(marks, "!")}
	if len(words) == 3 {
		e.codes = strings.Split(strings.TrimPrefix(words[2], "="), ",")
	}
	types := strings.Split(words[1], "|")
	if types[0] == "any" && strings.HasSuffix(name, "[x]") {
		types = slices.Clone(open)
		for p := range primitives {
			if p != "xhtml" {
				types = append(types, p)
			}
		}
	}
	stem, choice := strings.CutSuffix(name, "[x]")
	for _, t := range types {
		one := e
		one.typ = t
		key := stem
		if choice {
			key += strings.ToUpper(t[:1]) + t[1:]
		}
		k.elements[key] = &one
		e.names = append(e.names, key)
	}
	for _, key := range e.names {
		k.elements[key].names = e.names
	}
	if e.required {
		k.required = append(k.required, k.elements[e.names[0]])
	}
	return nil
}

// Known reports whether FHIR R4 has a resource type of that name.
func Known(name string) bool { return resources[name] }

// resources are the resource types of FHIR R4.
var resources = func() map[string]bool {
	m := map[string]bool{}
	for _, name := range strings.Fields(`
Account ActivityDefinition AdverseEvent AllergyIntolerance Appointment AppointmentResponse AuditEvent Basic Binary
BiologicallyDerivedProduct BodyStructure Bundle CapabilityStatement CarePlan CareTeam CatalogEntry ChargeItem
ChargeItemDefinition Claim ClaimResponse ClinicalImpression CodeSystem Communication CommunicationRequest
CompartmentDefinition Composition ConceptMap Condition Consent Contract Coverage CoverageEligibilityRequest
CoverageEligibilityResponse DetectedIssue Device DeviceDefinition DeviceMetric DeviceRequest DeviceUseStatement
DiagnosticReport DocumentManifest DocumentReference EffectEvidenceSynthesis Encounter Endpoint EnrollmentRequest
EnrollmentResponse EpisodeOfCare EventDefinition Evidence EvidenceVariable ExampleScenario ExplanationOfBenefit
FamilyMemberHistory Flag Goal GraphDefinition Group GuidanceResponse HealthcareService ImagingStudy Immunization
ImmunizationEvaluation ImmunizationRecommendation ImplementationGuide InsurancePlan Invoice Library Linkage List Location
Measure MeasureReport Media Medication MedicationAdministration MedicationDispense MedicationKnowledge MedicationRequest
MedicationStatement MedicinalProduct MedicinalProductAuthorization MedicinalProductContraindication
MedicinalProductIndication MedicinalProductIngredient MedicinalProductInteraction MedicinalProductManufactured
MedicinalProductPackaged MedicinalProductPharmaceutical MedicinalProductUndesirableEffect MessageDefinition MessageHeader
MolecularSequence NamingSystem NutritionOrder Observation ObservationDefinition OperationDefinition OperationOutcome
Organization OrganizationAffiliation Parameters Patient PaymentNotice PaymentReconciliation Person PlanDefinition
Practitioner PractitionerRole Procedure Provenance Questionnaire QuestionnaireResponse RelatedPerson RequestGroup
ResearchDefinition ResearchElementDefinition ResearchStudy ResearchSubject RiskAssessment RiskEvidenceSynthesis Schedule
SearchParameter ServiceRequest Slot Specimen SpecimenDefinition StructureDefinition StructureMap Subscription Substance
SubstanceNucleicAcid SubstancePolymer SubstanceProtein SubstanceReferenceInformation SubstanceSourceMaterial
SubstanceSpecification SupplyDelivery SupplyRequest Task TerminologyCapabilities TestReport TestScript ValueSet
VerificationResult VisionPrescription`) {
		m[name] = true
	}
	return m
}()
