package fhir

import (
	"encoding/xml"
	"io"
	"slices"
	"strings"
)

// A narrative is XHTML without active content (R4 §2.4.3): the elements of HTML 4.0
// chapters 7 to 11 and 15, links and images.
var (
	narrativeElements = strings.Fields(`div p br hr span b i u em strong dfn code samp kbd var cite abbr acronym q sub sup pre ins del
ul ol li dl dt dd table caption thead tfoot tbody colgroup col tr th td h1 h2 h3 h4 h5 h6 blockquote address a img tt big small bdo`)
	narrativeAttributes = strings.Fields(`xmlns class id title lang dir style name alt width height align valign border cellpadding
cellspacing colspan rowspan scope headers abbr axis span start type value cite datetime summary rules frame char charoff nowrap compact`)
)

// narrative returns what is wrong with a narrative, empty for nothing.
func narrative(s string) string {
	d := xml.NewDecoder(strings.NewReader(s))
	d.Strict, d.Entity = true, xml.HTMLEntity
	depth, any := 0, false
	for {
		tok, err := d.RawToken()
		if err == io.EOF {
			break
		}
		if err != nil {
			return "the narrative is no well-formed XHTML"
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if depth == 0 && (any || t.Name.Local != "div") {
				return "the narrative is one div"
			}
			if why := startOf(t); why != "" {
				return why
			}
			depth++
			any = true
		case xml.EndElement:
			depth--
		case xml.Directive, xml.ProcInst:
			return "the narrative holds a directive or an instruction"
		case xml.CharData:
			if depth == 0 && strings.TrimSpace(string(t)) != "" {
				return "the narrative is one div"
			}
		}
		if depth > maxDepth {
			return "the narrative is nested too deep"
		}
	}
	if depth != 0 || !any {
		return "the narrative is no well-formed XHTML"
	}
	return ""
}

func startOf(t xml.StartElement) string {
	if t.Name.Space != "" || !slices.Contains(narrativeElements, t.Name.Local) {
		return "the narrative has an element that none may have: active content is refused"
	}
	for _, a := range t.Attr {
		value := strings.ToLower(strings.TrimSpace(a.Value))
		switch name := a.Name.Local; {
		case a.Name.Space == "xml" && name == "lang":
		case a.Name.Space != "":
			return "the narrative has an attribute that none may have"
		case name == "href" && t.Name.Local == "a":
			if !begins(value, "http://", "https://", "mailto:", "tel:", "#") {
				return "the narrative has a link to something other than a page"
			}
		case name == "src" && t.Name.Local == "img":
			if !begins(value, "#", "data:image/") {
				return "the narrative has an image from elsewhere"
			}
		case name == "style" && (strings.Contains(value, "url(") || strings.Contains(value, "expression") || strings.Contains(value, "\\")):
			return "the narrative's style loads something"
		case !slices.Contains(narrativeAttributes, name):
			return "the narrative has an attribute that none may have: active content is refused"
		}
	}
	return ""
}

func begins(s string, with ...string) bool {
	return slices.ContainsFunc(with, func(p string) bool { return strings.HasPrefix(s, p) })
}
