package status

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds of a rule set's file.
const (
	maxFile    = 256 << 10
	maxNodes   = 20_000
	maxReasons = 64
	maxRules   = 64
	maxCases   = 512 // of all rules together
	maxText    = 600 // characters of a text for the person
	maxSource  = 4000

	maxThresholds = 64 // bounds how often one person is decided for
)

// text is a scalar with its place in the file.
type text struct {
	value string
	line  int // of the value's first line
}

// UnmarshalYAML takes any scalar as it is written.
func (t *text) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: one value is wanted here, not a list or a group", n.Line)}}
	}
	t.value, t.line = strings.TrimSpace(n.Value), n.Line
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		t.line++
	}
	return nil
}

type setDoc struct {
	ID         text        `yaml:"id"`
	Number     text        `yaml:"number"`
	ValidFrom  text        `yaml:"valid_from"`
	Source     text        `yaml:"source"`
	SingleDose []text      `yaml:"single_dose"`
	Reasons    []reasonDoc `yaml:"reasons"`
	Rules      []ruleDoc   `yaml:"rules"`
}

type reasonDoc struct {
	Code       text `yaml:"code"`
	Number     text `yaml:"number"`
	Indonesian text `yaml:"id"`
	English    text `yaml:"en"`
}

type ruleDoc struct {
	Name    text      `yaml:"name"`
	When    text      `yaml:"when"`
	Colour  text      `yaml:"colour"`
	Reason  text      `yaml:"reason"`
	Because []text    `yaml:"because"`
	Cases   []caseDoc `yaml:"cases"`
}

type caseDoc struct {
	At         text   `yaml:"at"`
	Born       text   `yaml:"born"`
	Doses      []text `yaml:"doses"`
	Tests      []text `yaml:"tests"`
	Recoveries []text `yaml:"recoveries"`
	Contacts   []text `yaml:"contacts"`
	Exemptions []text `yaml:"exemptions"`
	Arrivals   []text `yaml:"arrivals"`
	Inquiries  []text `yaml:"inquiries"`
	Gives      text   `yaml:"gives"`
	Next       text   `yaml:"next"`
}

// readDocument reads the shape of a file, and nothing of its meaning.
func readDocument(b []byte) (setDoc, []Problem) {
	var doc setDoc
	if len(b) > maxFile {
		return doc, []Problem{{What: fmt.Sprintf("the file is longer than %d bytes", maxFile), Mend: "shorten its cases"}}
	}
	var root yaml.Node
	if err := yaml.Unmarshal(b, &root); err != nil {
		return doc, yamlProblems(err)
	}
	nodes := 0
	if p := plainYAML(&root, &nodes); p != nil {
		return doc, []Problem{*p}
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return doc, []Problem{{What: "the file is empty", Mend: "write a rule set into it"}}
		}
		return doc, yamlProblems(err)
	}
	if err := d.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return doc, []Problem{{What: "there is more than one document", Mend: "put each rule set into a file of its own"}}
	}
	return doc, nil
}

// plainYAML refuses what makes YAML hard to read twice alike.
func plainYAML(n *yaml.Node, nodes *int) *Problem {
	*nodes++
	switch {
	case *nodes > maxNodes:
		return &Problem{n.Line, "", fmt.Sprintf("there are more than %d values", maxNodes), "shorten its cases"}
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return &Problem{n.Line, "", "anchors and aliases are not allowed", "write the value out"}
	case n.Style&yaml.TaggedStyle != 0:
		return &Problem{n.Line, "", "tags are not allowed", "leave out what begins with !"}
	}
	for _, c := range n.Content {
		if p := plainYAML(c, nodes); p != nil {
			return p
		}
	}
	return nil
}

func yamlProblems(err error) []Problem {
	messages := []string{strings.TrimPrefix(err.Error(), "yaml: ")}
	if typed, ok := errors.AsType[*yaml.TypeError](err); ok {
		messages = typed.Errors
	}
	line := regexp.MustCompile(`^line (\d+): `)
	unknown := regexp.MustCompile(`^field (\S+) not found in type status\.(\w+)$`)
	var out []Problem
	for _, m := range messages {
		p := Problem{Mend: "correct the YAML: two spaces of indentation a level, \"key: value\", lists with \"- \""}
		if at := line.FindStringSubmatch(m); at != nil {
			p.Line, _ = strconv.Atoi(at[1])
			m = m[len(at[0]):]
		}
		p.What = oneLine(m)
		if f := unknown.FindStringSubmatch(m); f != nil {
			p.What = fmt.Sprintf("there is no key %q here", f[1])
			p.Mend = "use one of " + keysOf(f[2])
		}
		out = append(out, p)
	}
	return out
}

func keysOf(doc string) string {
	switch doc {
	case "setDoc":
		return "id, number, valid_from, source, single_dose, reasons, rules"
	case "reasonDoc":
		return "code, number, id, en"
	case "ruleDoc":
		return "name, when, colour, reason, because, cases"
	}
	return "at, born, doses, tests, recoveries, contacts, exemptions, arrivals, inquiries, gives, next"
}
