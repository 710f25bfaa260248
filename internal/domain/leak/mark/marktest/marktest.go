// Package marktest takes marks away again, for tests that compare what a marked copy says
// with what was recorded.
package marktest

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/carrier"
	"github.com/amanah-project/amanah/internal/domain/leak/mark"
)

// Content is a resource without what the marks of a copy are, as the decision page lists
// it: what is left is all that it means.
func Content(raw []byte) (map[string]any, error) {
	var m map[string]any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		return nil, err
	}
	meta, _ := m["meta"].(map[string]any)
	delete(meta, "versionId")
	plain(meta, "lastUpdated", leak.Stamp)
	if meta["source"] == mark.Source {
		delete(meta, "source")
	}
	if tags, ok := meta["tag"].([]any); ok {
		tags = slices.DeleteFunc(tags, func(tag any) bool { return tag.(map[string]any)["system"] == mark.TokenSystem })
		if meta["tag"] = tags; len(tags) == 0 {
			delete(meta, "tag")
		}
	}
	switch m["resourceType"] {
	case "Patient":
		patient(m)
	case "ImagingStudy":
		images(m)
	}
	return m, nil
}

func patient(m map[string]any) {
	for _, n := range list(m["name"]) {
		if n["use"] == "official" {
			delete(n, "use")
		}
		plain(n, "text", leak.Letters)
		plain(n, "family", leak.Letters)
		plain(n, "given", leak.Letters)
	}
	for _, a := range list(m["address"]) {
		plain(a, "text", leak.Street, leak.Neighbourhood)
		plain(a, "line", leak.Street, leak.Neighbourhood)
		if a["country"] == "ID" {
			delete(a, "country")
		}
	}
	for _, c := range list(m["telecom"]) {
		plain(c, "value", leak.Telephone)
	}
}

// images: names of images are compared by their places alone.
func images(m map[string]any) {
	for _, s := range list(m["series"]) {
		s["uid"] = "uid"
		for _, i := range list(s["instance"]) {
			i["uid"] = "uid"
		}
	}
	for _, id := range list(m["identifier"]) {
		if v, ok := id["value"].(string); ok && strings.HasPrefix(v, "urn:oid:") {
			id["value"] = "uid"
		}
	}
}

func list(v any) (out []map[string]any) {
	all, _ := v.([]any)
	for _, one := range all {
		out = append(out, one.(map[string]any))
	}
	return out
}

func plain(in map[string]any, name string, families ...leak.Family) {
	spell := func(v any) any {
		s, ok := v.(string)
		if !ok {
			return v
		}
		for _, f := range families {
			s = carrier.Plain(f, s)
		}
		return s
	}
	switch v := in[name].(type) {
	case []any:
		for i := range v {
			v[i] = spell(v[i])
		}
	case string:
		in[name] = spell(v)
	}
}
