package status

import (
	"embed"
	"fmt"
	"io/fs"
	"sync"
)

//go:embed rules/*.yaml
var shipped embed.FS

var builtin = sync.OnceValues(loadBuiltin)

// Builtin returns the historical rule sets of Indonesia, 30 August 2021 to 17
// July 2022. Each file says what it was taken from and where the sources
// disagree. The Schedule is made once and shared.
func Builtin() (*Schedule, error) { return builtin() }

// BuiltinFiles returns the files of Builtin's rule sets by name, as examples to
// start a new one from.
func BuiltinFiles() fs.FS {
	sub, err := fs.Sub(shipped, "rules")
	if err != nil {
		panic(err) // the name is a constant
	}
	return sub
}

func loadBuiltin() (*Schedule, error) {
	names, err := fs.Glob(shipped, "rules/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list the shipped rule sets: %w", err)
	}
	var sets []*RuleSet
	for _, name := range names {
		b, err := shipped.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read a shipped rule set: %w", err)
		}
		set, err := ParseRuleSet(name, b)
		if err != nil {
			return nil, err
		}
		sets = append(sets, set)
	}
	return NewSchedule(sets...)
}
