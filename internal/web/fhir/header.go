package fhir

import (
	"strings"
)

// prefer is what a caller would like of an answer (RFC 7240; FHIR R4 §3.1.0.1.8).
type prefer int

const (
	preferNothing prefer = iota
	preferMinimal
	preferRepresentation
	preferOutcome
)

// parsePrefer reads the preferences; errPrefer for one that would change what is
// answered and is not served. Others may be passed over, and are.
func parsePrefer(values []string) (prefer, error) {
	p := preferNothing
	for one := range strings.FieldsFuncSeq(strings.Join(values, ","), func(r rune) bool { return r == ',' || r == ';' }) {
		name, value, _ := strings.Cut(strings.TrimSpace(one), "=")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "return":
			if p != preferNothing { // twice: the first counts
				continue
			}
			switch strings.ToLower(strings.Trim(strings.TrimSpace(value), `"`)) {
			case "minimal":
				p = preferMinimal
			case "representation":
				p = preferRepresentation
			case "operationoutcome":
				p = preferOutcome
			default:
				return preferNothing, errPrefer
			}
		case "respond-async":
			return preferNothing, errPrefer
		}
	}
	return p, nil
}

// parseMatch reads If-Match: one version, as a weak or strong tag, because clients
// write both; errMatch without any.
func parseMatch(values []string) (uint64, error) {
	if len(values) == 0 {
		return 0, errMatch
	}
	text := strings.TrimSpace(strings.Join(values, ","))
	tag, ok := strings.CutPrefix(strings.TrimPrefix(text, "W/"), `"`)
	if !ok || !strings.HasSuffix(tag, `"`) {
		return 0, errMatchForm
	}
	return parseVersion(strings.TrimSuffix(tag, `"`))
}
