package root

import (
	"encoding/json"

	"github.com/amanah-project/amanah/internal/durable"
)

// Scope wraps and unwraps for purposes that begin with the same words, and for no other.
type Scope struct {
	root  Root
	begin string
}

// Only returns what wraps for purposes that begin so.
func Only(r Root, begin string) Scope { return Scope{r, begin} }

// Wrap seals for a purpose.
func (s Scope) Wrap(purpose string, plain []byte) ([]byte, error) {
	return s.root.Wrap(s.begin+purpose, plain)
}

// Unwrap opens what Wrap sealed for the same purpose.
func (s Scope) Unwrap(purpose string, sealed []byte) ([]byte, error) {
	return s.root.Unwrap(s.begin+purpose, sealed)
}

// File is one file of the keeper's folder, wrapped whole for its own name.
type File struct {
	root Root
	disk durable.FS
	name string
}

// FileOf returns the file of that name.
func FileOf(r Root, disk durable.FS, name string) File { return File{r, disk, name} }

// Store replaces the file by v.
func (f File) Store(v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	sealed, err := f.root.Wrap(f.name, raw)
	if err != nil {
		return err
	}
	return durable.WriteFile(f.disk, f.name, sealed)
}

// Load reads the file into v; fs.ErrNotExist when there is none, ErrFile when it was
// altered or wrapped by another key.
func (f File) Load(v any) error {
	sealed, err := durable.ReadFile(f.disk, f.name)
	if err != nil {
		return err
	}
	raw, err := f.root.Unwrap(f.name, sealed)
	if err != nil {
		return ErrFile
	}
	return json.Unmarshal(raw, v)
}
