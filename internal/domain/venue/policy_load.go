package venue

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

//go:embed policies/*.yaml
var shipped embed.FS

const (
	textsFile = "texts.yaml" // what people read
	staysFile = "stays.yaml" // after how long a visit ends by itself
)

// ShippedPolicy returns the policies in Indonesia's malls, cinemas and so on
// from August 2021 to July 2022, of which the last stays in force.
func ShippedPolicy() (*Policy, error) {
	sub, err := fs.Sub(shipped, "policies")
	if err != nil {
		return nil, err
	}
	return OpenPolicy(sub)
}

// OpenPolicy loads a folder of policies: texts.yaml, stays.yaml and one file for
// each change, named by its day. A file says what changes after the one before
// it; the first says everything. A folder loads whole or not at all: strictly
// decoded, every cell defined, and every file's own cases passing. Errors wrap
// ErrPolicy and name file, line and remedy.
func OpenPolicy(fsys fs.FS) (*Policy, error) {
	p := &Policy{}
	texts, err := readTexts(fsys)
	if err != nil {
		return nil, err
	}
	if p.fixed, err = fixedFrom(texts); err != nil {
		return nil, err
	}
	if p.stays, err = readStays(fsys); err != nil {
		return nil, err
	}
	if p.snapshots, err = readEras(fsys, texts); err != nil {
		return nil, err
	}
	return p, nil
}

// readEras reads the dated files in the order of their names.
func readEras(fsys fs.FS, texts map[string]Text) ([]snapshot, error) {
	names, err := fs.Glob(fsys, "*.yaml")
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(s string) bool { return s == textsFile || s == staysFile })
	slices.Sort(names)
	var out []snapshot
	var previous *era
	for _, name := range names {
		s, top, err := readYAML(fsys, name)
		if err != nil {
			return nil, err
		}
		e := &era{source: s, texts: texts, previous: previous, rules: map[string]*rule{}}
		if previous != nil {
			e.rules = maps.Clone(previous.rules)
			e.cells = previous.cells
		}
		if err := e.read(top); err != nil {
			return nil, err
		}
		e.previous = nil // it has served; the chain need not stay in memory
		out = append(out, snapshot{e.from, e.cells})
		previous = e
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no dated file, such as 2021-08-30.yaml, is there: %w", ErrPolicy)
	}
	return out, nil
}

// readTexts reads the texts by outcome, "decision code".
func readTexts(fsys fs.FS) (map[string]Text, error) {
	s, top, err := readYAML(fsys, textsFile)
	if err != nil {
		return nil, err
	}
	texts := map[string]Text{}
	err = s.mapping(top, func(key, value *yaml.Node) error {
		word, code, _ := strings.Cut(key.Value, " ")
		if _, err := ParseDecision(word); err != nil || !slices.Contains(Codes(), Code(code)) {
			return s.errorf(key, "%q is no outcome: write admit, check or refuse and one of %s", key.Value, joined(Codes()))
		}
		var t Text
		err := s.object(value, fields{{"id", s.into(&t.ID)}, {"en", s.into(&t.EN)}})
		texts[key.Value] = t
		return err
	})
	return texts, err
}

// fixedFrom looks up the outcomes that the program itself gives.
func fixedFrom(texts map[string]Text) (fixed, error) {
	var f fixed
	for _, x := range []struct {
		out      *Outcome
		decision Decision
		code     Code
	}{
		{&f.unlinked, Check, CodeUnlinked},
		{&f.adultMissing, Refuse, CodeAdult},
		{&f.adultUnlinked, Check, CodeAdult},
		{&f.ageUnknown, Check, CodeAge},
		{&f.noPolicy, Check, CodeNoPolicy},
		{&f.noPolicyBlack, Refuse, CodeNoPolicy},
	} {
		*x.out = Outcome{Decision: x.decision, Code: x.code}
		t, ok := texts[x.out.word()]
		if !ok {
			return f, fmt.Errorf("%s: the text for %q is missing: add it: %w", textsFile, x.out.word(), ErrPolicy)
		}
		x.out.Text = t
	}
	return f, nil
}

func readStays(fsys fs.FS) (stays [categories]time.Duration, err error) {
	s, top, err := readYAML(fsys, staysFile)
	if err != nil {
		return stays, err
	}
	var f fields
	for i, c := range Categories() {
		f = append(f, field{string(c), func(n *yaml.Node) error {
			d, err := time.ParseDuration(n.Value)
			if err != nil || d < 15*time.Minute || d > 24*time.Hour {
				return s.errorf(n, "want a time from 15m to 24h")
			}
			stays[i] = d
			return nil
		}})
	}
	return stays, s.object(top, f)
}
