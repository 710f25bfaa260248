package app

import (
	"fmt"

	"github.com/amanah-project/amanah/internal/domain/leak/canary"
)

// Canaries says which invented people stand in exports, to be recognised in a leak
// (docs/decisions/0015-canaries.md).
type Canaries struct {
	// Regions are those of NIKs that the registry gives to nobody, with Serials. Nobody
	// can be registered whose NIK lies there. Empty: there are no canaries.
	Regions string `toml:"regions" help:"First six digits of NIKs that are given to nobody, ascending, with commas; empty: no canaries."`
	// Serials are those of such NIKs, for each birth date.
	Serials string `toml:"serials" help:"Their last four digits, as 31-60."`
	// Phones are prefixes of telephone numbers that are given to nobody.
	Phones string `toml:"phones" help:"First seven digits, from 62 on, of telephone numbers that are given to nobody, ascending, with commas."`
	// Group is how many canaries copies have in common, each copy some of them.
	Group int `toml:"group" help:"Canaries of which each copy has some." default:"300"`
	// Unique is how many canaries are in one copy alone.
	Unique int `toml:"unique" help:"Canaries that one copy alone has." default:"5"`
	// Percent bounds them: recipients are told that no more of a copy are invented.
	Percent int `toml:"percent" help:"Canaries for a hundred people of a copy, at most." default:"5"`
	// Vacant is how many numbers of people the keeper gives for one that it gives to
	// nobody: canaries have those. With a keeper of its own it is the keeper's flag.
	Vacant int `toml:"vacant" help:"Of so many numbers of people one is given to nobody, for canaries; of a keeper that the server starts." default:"50"`
}

func defaultCanaries() Canaries { return Canaries{Group: 300, Unique: 5, Percent: 5, Vacant: 50} }

// spec is what the settings say; none when no region is set.
func (c Canaries) spec() (canary.Spec, error) {
	if c.Regions == "" {
		return canary.Spec{}, nil
	}
	return canary.Parse(fmt.Sprintf("regions %s serials %s phones %s group %d unique %d percent %d", c.Regions, c.Serials, c.Phones, c.Group, c.Unique, c.Percent))
}

func (c Config) checkCanaries(say func(wrong bool, format string, args ...any)) {
	_, err := c.Canaries.spec()
	say(err != nil, "[canaries]: %v", err)
	say(c.Canaries.Vacant < 2 || c.Canaries.Vacant > 1000, "canaries.vacant is 2 to 1000")
}

// reserved is where NIKs are nobody's. What is misspelt is refused at the start.
func (c Config) reserved() canary.Range {
	s, err := c.Canaries.spec()
	if err != nil {
		return canary.Range{}
	}
	return s.Range
}
