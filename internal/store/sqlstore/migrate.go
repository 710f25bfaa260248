package sqlstore

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// Migration is one step of the schema. Its number means the same in every
// dialect, its text may differ.
type Migration struct {
	Number int
	Name   string
	SQL    string
	Sum    string // SHA-256 of the text, hexadecimal
}

// Applied is a migration that a database has had.
type Applied struct {
	Number int
	Name   string
	Sum    string
}

// Migrations reads NNNN_name.sql from a folder; the numbers run from 1 without a gap.
func Migrations(folder fs.FS) ([]Migration, error) {
	files, err := fs.Glob(folder, "*.sql")
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	out := make([]Migration, len(files))
	for i, file := range files {
		text, err := fs.ReadFile(folder, file)
		if err != nil {
			return nil, err
		}
		digits, name, _ := strings.Cut(strings.TrimSuffix(file, ".sql"), "_")
		n, err := strconv.Atoi(digits)
		if err != nil || n != i+1 || len(digits) != 4 || name == "" {
			return nil, fmt.Errorf("migration %s: want %04d_name.sql", file, i+1)
		}
		sum := sha256.Sum256(text)
		out[i] = Migration{Number: n, Name: name, SQL: string(text), Sum: hex.EncodeToString(sum[:])}
	}
	return out, nil
}

// Pending returns what a database still lacks. A database that had a migration
// which this binary does not know, or knows with another text, is refused.
func Pending(all []Migration, had []Applied) ([]Migration, error) {
	slices.SortFunc(had, func(a, b Applied) int { return a.Number - b.Number })
	for i, h := range had {
		switch {
		case i >= len(all):
			return nil, fmt.Errorf("the database is newer than this program: it has migration %04d_%s, this program ends at %04d; run the newer program",
				h.Number, h.Name, len(all))
		case h.Number != all[i].Number:
			return nil, fmt.Errorf("the database lacks migration %04d but has %04d_%s", i+1, h.Number, h.Name)
		case h.Sum != all[i].Sum:
			return nil, fmt.Errorf("migration %04d_%s was applied with another text than this program has: migrations are append-only",
				h.Number, h.Name)
		}
	}
	return all[len(had):], nil
}
