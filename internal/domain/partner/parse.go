package partner

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/amanah-project/amanah/internal/fault"
)

// ErrTerms is returned for what is no terms document at all.
var ErrTerms = fault.New(fault.Invalid, "terms are one JSON object of at most 64 KiB in UTF-8, each field known, spelt exactly and given once, with nothing after it")

// maxTerms bounds a document of terms, in bytes.
const maxTerms = 64 << 10

// ParseTerms reads terms and gives keys and times their one spelling. It checks the
// form alone: what the fields say is for Check. ErrTerms, ErrKey.
func ParseTerms(raw []byte) (Terms, error) {
	var t Terms
	if len(raw) > maxTerms || strict(raw, &t) != nil {
		return Terms{}, ErrTerms
	}
	return t.normal()
}

// Canonical writes terms as both sides sign them: RFC 8785's JSON for every
// document that Check passes. ErrKey, ErrTerms.
func (t Terms) Canonical() ([]byte, error) {
	t, err := t.normal()
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(t)
	if err != nil {
		return nil, ErrTerms // a year that RFC 3339 cannot write
	}
	var sorted map[string]any // package json writes a map's members in order
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&sorted); err != nil {
		return nil, ErrTerms
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(sorted); err != nil {
		return nil, ErrTerms
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// normal returns a copy of t in which equal terms are spelt alike.
func (t Terms) normal() (Terms, error) {
	t.From, t.Until = t.From.UTC(), t.Until.UTC()
	t.Scopes, t.Colours, t.Purposes = some(t.Scopes), some(t.Colours), some(t.Purposes)
	t.Stages, t.Contacts, t.Redirects = some(t.Stages), some(t.Contacts), some(t.Redirects)
	t.SubProcessors, t.Keys.Clients = some(t.SubProcessors), some(t.Keys.Clients)
	for i, raw := range t.Keys.all() {
		k, err := ParseKey(*raw)
		if err != nil {
			return Terms{}, fmt.Errorf("%s: %w", keyField(i), err)
		}
		*raw = k.canonical()
	}
	return t, nil
}

// some copies a list, so that none and an empty one are written alike.
func some[T any](in []T) []T { return append(make([]T, 0, len(in)), in...) }

// all points at every key, in the order the terms list them.
func (k *Keys) all() []*json.RawMessage {
	out := []*json.RawMessage{&k.Sign, &k.Relay}
	for i := range k.Clients {
		out = append(out, &k.Clients[i])
	}
	return out
}

// keyField names the field of a key in all's order.
func keyField(i int) string {
	switch i {
	case 0:
		return "keys.sign"
	case 1:
		return "keys.relay"
	}
	return "keys.clients"
}

// strict reads one JSON object into v. Package json would take a name in any case,
// the last of two, and what is left after the object: each lets two readers of one
// document see two agreements.
func strict(raw []byte, v any) error {
	if !utf8.Valid(raw) || !bytes.HasPrefix(bytes.TrimLeft(raw, " \t\r\n"), []byte("{")) {
		return ErrTerms
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return ErrTerms
	}
	return distinct(json.NewDecoder(bytes.NewReader(raw)))
}

// distinct reads the next value and returns ErrTerms when an object in it names a
// member twice or otherwise than in a-z, 0-9 and _; or when a value is null. What
// it reads is JSON already, and no deeper than the types it was read into.
func distinct(d *json.Decoder) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	open, nested := t.(json.Delim)
	if !nested {
		if t == nil {
			return ErrTerms
		}
		return nil
	}
	var names []string
	for d.More() {
		if open == '{' {
			t, err := d.Token()
			if err != nil {
				return err
			}
			name, _ := t.(string)
			if !plain(name) || slices.Contains(names, name) {
				return ErrTerms
			}
			names = append(names, name)
		}
		if err := distinct(d); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

func plain(name string) bool {
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return name != ""
}
