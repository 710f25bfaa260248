package fhir

import (
	"encoding/base64"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// primitive says how one of the standard's primitive types is written: as which JSON
// value, and whether a text is one.
type primitive struct {
	kind byte // of node
	ok   func(string) bool
	want string // what would be right
}

var (
	idForm    = regexp.MustCompile(`^[A-Za-z0-9\-.]{1,64}$`)
	codeForm  = regexp.MustCompile(`^[^\s]+( [^\s]+)*$`)
	uriForm   = regexp.MustCompile(`^\S+$`)
	timeForm  = regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?$`)
	numForm   = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,39})(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?$`)
	stampForm = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$`)
)

const maxString = 1 << 20

// primitives are the standard's (R4 §2.24.0.1), but for the length of base64Binary.
var primitives = map[string]*primitive{
	"boolean":      {'t', func(string) bool { return true }, "true or false"},
	"integer":      {'0', func(s string) bool { return whole(s, -1<<31) }, "a whole number of 32 bits"},
	"unsignedInt":  {'0', func(s string) bool { return whole(s, 0) }, "a whole number from 0"},
	"positiveInt":  {'0', func(s string) bool { return whole(s, 1) }, "a whole number from 1"},
	"decimal":      {'0', numForm.MatchString, "a decimal number"},
	"string":       {'"', text, "a text of 1 to 1,048,576 bytes"},
	"markdown":     {'"', text, "a text of 1 to 1,048,576 bytes"},
	"code":         {'"', codeForm.MatchString, "a code without spaces around it"},
	"id":           {'"', idForm.MatchString, "1 to 64 letters, digits, hyphens and dots"},
	"uri":          {'"', uriForm.MatchString, "a URI"},
	"url":          {'"', uriForm.MatchString, "a URL"},
	"canonical":    {'"', uriForm.MatchString, "a URI"},
	"oid":          {'"', func(s string) bool { return strings.HasPrefix(s, "urn:oid:") }, "urn:oid: and an OID"},
	"uuid":         {'"', func(s string) bool { return strings.HasPrefix(s, "urn:uuid:") && len(s) == 45 }, "urn:uuid: and a UUID"},
	"date":         {'"', date, "a day of the calendar: YYYY, YYYY-MM or YYYY-MM-DD"},
	"dateTime":     {'"', func(s string) bool { return date(s) || instant(s) }, "a date, or YYYY-MM-DDThh:mm:ss with its zone"},
	"instant":      {'"', instant, "YYYY-MM-DDThh:mm:ss with its zone"},
	"time":         {'"', timeForm.MatchString, "hh:mm:ss"},
	"base64Binary": {'"', base64Text, "base64 (RFC 4648 section 4)"},
	"xhtml":        {'"', func(string) bool { return true }, "XHTML"},
}

func text(s string) bool { return strings.TrimSpace(s) != "" && len(s) <= maxString }

func whole(s string, least int64) bool {
	n, err := strconv.ParseInt(s, 10, 32)
	return err == nil && n >= least && (s == "0" || s[0] != '0')
}

// date is YYYY, YYYY-MM or YYYY-MM-DD, and a day that there is.
func date(s string) bool {
	for _, layout := range []string{"2006-01-02", "2006-01", "2006"} {
		if len(s) == len(layout) {
			t, err := time.Parse(layout, s)
			return err == nil && t.Year() > 0
		}
	}
	return false
}

func instant(s string) bool {
	if !stampForm.MatchString(s) {
		return false
	}
	if s[17:19] == "60" { // a leap second, which package time has none of
		s = s[:17] + "59" + s[19:]
	}
	_, err := time.Parse(time.RFC3339Nano, s)
	return err == nil
}

func base64Text(s string) bool {
	if strings.ContainsAny(s, "\r\n\t ") { // allowed, and rare
		s = strings.Join(strings.Fields(s), "")
	}
	if s == "" {
		return false
	}
	_, err := base64.StdEncoding.Strict().DecodeString(s)
	return err == nil
}
