package fhir

import (
	"context"
	"net/http"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/record"
	format "github.com/amanah-project/amanah/internal/format/fhir"
)

// The parts of a CapabilityStatement that are written here.
type (
	capability struct {
		Type           string         `json:"resourceType"`
		Status         string         `json:"status"`
		Date           string         `json:"date"`
		Kind           string         `json:"kind"`
		Software       software       `json:"software"`
		Implementation implementation `json:"implementation"`
		FHIR           string         `json:"fhirVersion"`
		Format         []string       `json:"format"`
		Rest           []rest         `json:"rest"`
	}
	software struct {
		Name    string `json:"name"`
		Version string `json:"version,omitempty"`
	}
	implementation struct {
		Description string `json:"description"`
		URL         string `json:"url"`
	}
	rest struct {
		Mode          string   `json:"mode"`
		Documentation string   `json:"documentation"`
		Security      security `json:"security"`
		Resource      []served `json:"resource"`
		Interaction   []coding `json:"interaction"`
		Compartment   []string `json:"compartment"`
	}
	security struct {
		Extension   []oauthURIs `json:"extension"`
		CORS        bool        `json:"cors"`
		Service     []service   `json:"service"`
		Description string      `json:"description"`
	}
	oauthURIs struct {
		URL       string     `json:"url"`
		Extension []uriValue `json:"extension"`
	}
	uriValue struct {
		URL   string `json:"url"`
		Value string `json:"valueUri"`
	}
	service struct {
		Coding []systemCoding `json:"coding"`
	}
	systemCoding struct {
		System string `json:"system"`
		Code   string `json:"code"`
	}
	coding struct {
		Code string `json:"code"`
	}
	served struct {
		Type          string        `json:"type"`
		Documentation string        `json:"documentation,omitempty"`
		Interaction   []coding      `json:"interaction"`
		Versioning    string        `json:"versioning"`
		ReadHistory   bool          `json:"readHistory"`
		UpdateCreate  bool          `json:"updateCreate"`
		ConditionalC  bool          `json:"conditionalCreate"`
		ConditionalR  string        `json:"conditionalRead"`
		ConditionalU  bool          `json:"conditionalUpdate"`
		SearchParam   []searchParam `json:"searchParam,omitempty"`
		Operation     []offered     `json:"operation,omitempty"`
	}
	offered struct {
		Name       string `json:"name"`
		Definition string `json:"definition"`
	}
	searchParam struct {
		Name          string `json:"name"`
		Type          string `json:"type"`
		Documentation string `json:"documentation,omitempty"`
	}
)

// changed is when what this file says last did so.
const changed = "2026-11-30"

const servedWords = "Every resource belongs to one person. Other types of FHIR R4 than those listed are kept and served alike, held against what all resources have in common."

// capabilities answers GET metadata, to anybody: a client reads it before it has a
// token.
func (s *Server) capabilities(context.Context, *request) (*answer, error) {
	c := capability{
		Type: "CapabilityStatement", Status: "active", Date: changed, Kind: "instance",
		Software:       software{"Amanah", s.Version},
		Implementation: implementation{"Health records, sealed per person, opened on the record", s.base()},
		FHIR:           "4.0.1", Format: []string{formFHIR, "json"},
	}
	r := rest{
		Mode: "server", Documentation: servedWords,
		Security: security{
			Extension: []oauthURIs{{"http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris", []uriValue{
				{"token", "https://" + s.Host + "/oauth/token"},
			}}},
			Service: []service{{[]systemCoding{{"http://terminology.hl7.org/CodeSystem/restful-security-service", "OAuth"}}}},
			Description: "Client credentials (RFC 6749), one organisation each. Tokens bound to a key (DPoP, RFC 9449) view; bearer tokens enter records and open none. " +
				"Records are opened by paths that name a person, since a proof covers the path: search is Patient/{id}/{type}?…, and across people by identifier only. Whom a facility treats it says by POST Patient/{id}/relation/{day}; entering an Encounter does not say it, since the keeper believes the facility's signed word about that alone.",
		},
		Compartment: []string{"http://hl7.org/fhir/CompartmentDefinition/patient"},
	}
	rows := table()
	for _, i := range rows {
		if i.level == ofSystem {
			r.Interaction = append(r.Interaction, coding{i.code})
		}
	}
	for _, typ := range kinds() {
		r.Resource = append(r.Resource, serves(typ, rows))
	}
	r.Resource = append(r.Resource, served{
		Type: "Binary", Documentation: "The bytes of a document, as DocumentReference.content.attachment.url names them: as they are, with ranges, or as a resource for Accept: application/fhir+json. Documents that were not entered as FHIR have a DocumentReference made for them.",
		Interaction: []coding{{"read"}, {"vread"}, {"create"}}, Versioning: "versioned-update", ReadHistory: true, ConditionalR: "full-support",
	})
	c.Rest = []rest{r}
	return &answer{status: http.StatusOK, body: encode(c)}, nil
}

// serves says what is served for a type.
func serves(typ string, rows []interaction) served {
	out := served{Type: typ, Versioning: "versioned-update", ReadHistory: true, ConditionalR: "full-support"}
	searched := false
	for _, i := range rows {
		if i.types != nil && !slices.Contains(i.types, typ) {
			continue
		}
		switch i.level {
		case ofType:
			one := coding{i.code}
			if !slices.Contains(out.Interaction, one) {
				out.Interaction = append(out.Interaction, one)
			}
		case operation:
			out.Operation = append(out.Operation, offered{i.code, "http://hl7.org/fhir/OperationDefinition/Patient-" + i.code})
		case ofCompartment:
			searched = typ != "Patient"
		}
	}
	if typ == "Patient" {
		out.Documentation = "A search is answered with the person's number alone."
		out.SearchParam = []searchParam{{"identifier", "token", "one NIK, " + record.NIKSystem + "|…; POST _search keeps it out of addresses"}}
		return out
	}
	if searched {
		out.Documentation = "Searched by path: Patient/{id}/" + typ + "?…"
		names, dates := format.Searches(typ)
		for _, name := range names {
			kind := "token"
			if dates[name] {
				kind = "date"
			}
			out.SearchParam = append(out.SearchParam, searchParam{Name: name, Type: kind})
		}
	}
	return out
}
