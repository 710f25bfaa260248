package chunk

import (
	"encoding/json"
	"errors"
)

// errKept: what was kept is not this format's.
var errKept = errors.New("chunk: what was kept is of another format")

// keptFormat is what a Format knows of a text beyond its beginning and where it stands.
type keptFormat struct {
	Stack   []byte              `json:",omitempty"` // of JSON
	Lost    bool                `json:",omitempty"`
	Created map[string][]string `json:",omitempty"` // of SQL: columns
	Open    bool                `json:",omitempty"`
	Into    []string            `json:",omitempty"` // columns of what is open
	Copying bool                `json:",omitempty"`
	Passing bool                `json:",omitempty"`
	Head    []byte              `json:",omitempty"`
	Named   []string            `json:",omitempty"`
}

// Keep returns what a Format that Sniff gave must be given, besides the text's beginning, to
// go on where it is.
func Keep(f Format) []byte {
	var k keptFormat
	switch f := f.(type) {
	case *document:
		k.Stack, k.Lost = f.stack, f.lost
	case *dump:
		k.Created = map[string][]string{}
		for name, t := range f.created {
			k.Created[name] = t.columns
		}
		if k.Open = f.into != nil; k.Open {
			k.Into = f.into.columns
		}
		if k.Copying, k.Passing, k.Head = f.copying, f.passing, f.head; f.named != nil {
			k.Named = f.named.columns
		}
	}
	raw, err := json.Marshal(k)
	if err != nil {
		return nil // of strings and booleans it does not fail; Restore refuses nothing
	}
	return raw
}

// Restore makes a Format, as Sniff gave it for the same beginning, go on where Keep was asked.
func Restore(f Format, raw []byte) error {
	var k keptFormat
	if err := json.Unmarshal(raw, &k); err != nil {
		return errKept
	}
	switch f := f.(type) {
	case *Table:
		f.begun = true
	case *document:
		f.stack, f.lost = k.Stack, k.Lost
	case *dump:
		for name, columns := range k.Created {
			f.created[name] = &sqlTable{columns}
		}
		if k.Open {
			f.into = &sqlTable{k.Into}
		}
		f.copying, f.passing, f.head = k.Copying, k.Passing, k.Head
		if len(k.Head) > 0 {
			f.named = &sqlTable{k.Named}
		}
	}
	return nil
}
