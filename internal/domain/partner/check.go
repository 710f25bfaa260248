package partner

import (
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/amanah-project/amanah/internal/fault"
)

// Purposes that an agreement may name.
const (
	PurposeVenue   = "venue-check-in"    // entering and leaving venues
	PurposeJourney = "journey-admission" // boarding one journey
)

// Roles of the contacts that every agreement names.
const (
	RoleTechnical = "technical"
	RoleData      = "data-protection"
	RoleIncident  = "incident"
)

// Bounds of what terms may list or ask.
const (
	maxText     = 100 // runes of a name or task
	maxList     = 20
	maxRate     = 10_000_000
	maxStage    = 300_000_000 // more people than there are
	maxRedirect = 500
)

// Check returns nil when these terms could be agreed to now, else a fault of kind
// Invalid that names the first wrong field and how to mend it. The fault repeats
// nothing of what the field held.
func (t Terms) Check(now time.Time) error {
	for _, check := range []func() error{t.checkWho, t.checkGrant, t.checkStages, t.checkContacts, t.checkRedirects, t.checkKeys} {
		if err := check(); err != nil {
			return err
		}
	}
	return t.checkTimes(now)
}

// mend is a refusal of one field.
func mend(field, how string) error { return fault.New(fault.Invalid, field+": "+how) }

func (t Terms) checkWho() error {
	switch {
	case t.Partner == 0:
		return mend("partner", "give the partner's number, from 1")
	case t.Version < 1 || t.Version > maxRate:
		return mend("version", "number versions from 1 to 10000000, ascending")
	case !readable(t.Name):
		return mend("name", "give 1 to 100 printable characters without space around them")
	case t.RetentionDays != 0:
		return mend("retention_days", "write 0: a partner keeps nothing")
	}
	return nil
}

func (t Terms) checkGrant() error {
	if !subset(t.Scopes, ScopeColour, ScopeDecision) {
		return mend("scopes", "list colour, decision:server or both, each once")
	}
	if !subset(t.Purposes, PurposeVenue, PurposeJourney) {
		return mend("purposes", "list venue-check-in, journey-admission or both, each once")
	}
	shows, decides := slices.Contains(t.Scopes, ScopeColour), slices.Contains(t.Scopes, ScopeDecision)
	switch {
	case shows && !subset(t.Colours, "green", "yellow", "red", "black"):
		return mend("colours", "list some of green, yellow, red and black, each once")
	case !shows && len(t.Colours) != 0:
		return mend("colours", "leave the list empty without scope colour")
	case t.Limits.MessagesPerMinute < 1 || t.Limits.MessagesPerMinute > maxRate:
		return mend("limits.messages_per_minute", "give 1 to 10000000")
	case decides && (t.Limits.DecisionsPerDay < 1 || t.Limits.DecisionsPerDay > maxRate):
		return mend("limits.decisions_per_day", "give 1 to 10000000")
	case !decides && t.Limits.DecisionsPerDay != 0:
		return mend("limits.decisions_per_day", "write 0 without scope decision:server")
	}
	return nil
}

func (t Terms) checkStages() error {
	before := 0
	for _, most := range t.Stages {
		if most <= before || most > maxStage {
			return mend("stages", "give numbers of people from 1, each above the one before")
		}
		before = most
	}
	if len(t.Stages) == 0 || len(t.Stages) > maxList {
		return mend("stages", "give 1 to 20 stages")
	}
	return nil
}

func (t Terms) checkContacts() error {
	roles := []string{RoleTechnical, RoleData, RoleIncident}
	if len(t.Contacts) > maxList {
		return mend("contacts", "give at most 20")
	}
	for _, c := range t.Contacts {
		switch {
		case !slices.Contains(roles, c.Role):
			return mend("contacts.role", "write technical, data-protection or incident")
		case !address(c.Email):
			return mend("contacts.email", "give an office's address alone, such as office@partner.example")
		case !telephone(c.Phone):
			return mend("contacts.phone", "write + and 8 to 15 digits")
		}
	}
	for _, role := range roles {
		if !slices.ContainsFunc(t.Contacts, func(c Contact) bool { return c.Role == role }) {
			return mend("contacts", "add one with role "+role)
		}
	}
	if len(t.SubProcessors) > maxList {
		return mend("sub_processors", "give at most 20")
	}
	for _, s := range t.SubProcessors {
		switch {
		case !readable(s.Name):
			return mend("sub_processors.name", "give 1 to 100 printable characters without space around them")
		case !country(s.Country):
			return mend("sub_processors.country", "write two capital letters (ISO 3166-1), such as ID")
		case !readable(s.Task):
			return mend("sub_processors.task", "give 1 to 100 printable characters without space around them")
		}
	}
	return nil
}

func (t Terms) checkRedirects() error {
	if len(t.Redirects) == 0 || len(t.Redirects) > maxList {
		return mend("redirect_uris", "give 1 to 20")
	}
	for i, r := range t.Redirects {
		u, err := url.Parse(r)
		switch {
		case err != nil || len(r) > maxRedirect || u.String() != r || !ascii(r) || strings.ContainsAny(r, "*\\"):
			return mend("redirect_uris", "write each as one plain URI of at most 500 characters, without wildcards")
		case u.Scheme != "https" || u.Hostname() == "" || u.Opaque != "":
			return mend("redirect_uris", "write each with https and a host")
		case u.User != nil || strings.Contains(r, "#"):
			return mend("redirect_uris", "leave out user names and fragments")
		case slices.Contains(t.Redirects[:i], r):
			return mend("redirect_uris", "give each once")
		}
	}
	return nil
}

func (t Terms) checkKeys() error {
	if slices.Contains(t.Scopes, ScopeDecision) && len(t.Keys.Clients) == 0 {
		return mend("keys.clients", "give a key for the server that asks with scope decision:server")
	}
	if len(t.Keys.Clients) > maxList {
		return mend("keys.clients", "give at most 20")
	}
	var seen [][32]byte
	for i, raw := range t.Keys.all() {
		field := keyField(i)
		k, err := ParseKey(*raw)
		if err != nil {
			return mend(field, ErrKey.Error())
		}
		if slices.Contains(seen, k.Thumbprint()) {
			return mend(field, "use each key for one thing alone")
		}
		seen = append(seen, k.Thumbprint())
	}
	if t.Keys.Certificate != "" {
		if sum, err := decode(t.Keys.Certificate); err != nil || len(sum) != 32 {
			return mend("keys.certificate", "write the certificate's SHA-256 in base64url without padding, or nothing")
		}
	}
	return nil
}

func (t Terms) checkTimes(now time.Time) error {
	const how = "write a time in whole seconds, such as 2026-12-01T00:00:00Z"
	switch {
	case !written(t.From):
		return mend("from", how)
	case !written(t.Until):
		return mend("until", how)
	case !t.From.Before(t.Until):
		return mend("until", "end after from")
	case !now.Before(t.Until):
		return mend("until", "end in the future")
	}
	return nil
}

func written(at time.Time) bool {
	utc := at.UTC()
	return utc.Nanosecond() == 0 && utc.Year() >= 2000 && utc.Year() <= 9999
}

// subset says whether got is some of known, each once, and not empty.
func subset[T comparable](got []T, known ...T) bool {
	for i, g := range got {
		if !slices.Contains(known, g) || slices.Contains(got[:i], g) {
			return false
		}
	}
	return len(got) > 0
}

// readable keeps out what could pass for another line of the agreement's text:
// line breaks, and marks that are not seen or turn the writing round.
func readable(s string) bool { return plainText(s, maxText) }

// plainText says whether s is readable and has at most so many characters.
func plainText(s string, most int) bool {
	for _, r := range s {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return false
		}
	}
	return s != "" && strings.TrimSpace(s) == s && utf8.RuneCountInString(s) <= most
}

func ascii(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}

func address(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && a.Name == "" && ascii(s) && len(s) <= maxText
}

func telephone(s string) bool {
	digits, ok := strings.CutPrefix(s, "+")
	for _, c := range []byte(digits) {
		ok = ok && c >= '0' && c <= '9'
	}
	return ok && len(digits) >= 8 && len(digits) <= 15
}

func country(s string) bool {
	return len(s) == 2 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z'
}
