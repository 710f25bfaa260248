package venue

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/fault"
)

// ErrPolicy is wrapped by every error of loading a policy. The wrapping names
// file and line and says how to mend it.
var ErrPolicy = fault.New(fault.Invalid, "the admission policy does not load")

// maxPolicyFile bounds one file; the shipped ones have a few kilobytes.
const maxPolicyFile = 1 << 20

// source is one YAML file, read strictly: no unknown, missing or repeated field,
// no anchor, alias or tag, no second document. yaml.v3's own decoder is not used beyond the
// syntax tree because it leaves absent fields at a silent zero.
type source struct{ file string }

func (s source) errorf(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s: %w", s.file, n.Line, fmt.Sprintf(format, args...), ErrPolicy)
}

// readYAML returns the top node of a file.
func readYAML(fsys fs.FS, name string) (source, *yaml.Node, error) {
	s := source{name}
	b, err := readBounded(fsys, name)
	if err != nil {
		return s, nil, fmt.Errorf("%s: %w: %w", name, err, ErrPolicy)
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	var doc, more yaml.Node
	if err := d.Decode(&doc); err != nil {
		return s, nil, fmt.Errorf("%s: %w: %w", name, err, ErrPolicy)
	}
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return s, nil, fmt.Errorf("%s: a second document follows: make it a file of its own: %w", name, ErrPolicy)
	}
	return s, doc.Content[0], s.plain(&doc)
}

// plain refuses what makes a file read otherwise than it looks.
func (s source) plain(n *yaml.Node) error {
	if n.Kind == yaml.AliasNode || n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 {
		return s.errorf(n, "anchors, aliases and tags are not read: write the value out")
	}
	for _, c := range n.Content {
		if err := s.plain(c); err != nil {
			return err
		}
	}
	return nil
}

func readBounded(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxPolicyFile+1))
	if err == nil && len(b) > maxPolicyFile {
		err = errors.New("larger than 1 MiB: split it by date")
	}
	return b, err
}

// fields names what an object must hold and what reads each field.
type fields []field

type field struct {
	name string
	read func(*yaml.Node) error
}

func (f fields) names() string {
	var s []string
	for i := range f {
		s = append(s, f[i].name)
	}
	return strings.Join(s, ", ")
}

// object reads a mapping that has exactly these fields. They are read in the
// order of f, not of the file.
func (s source) object(n *yaml.Node, f fields) error {
	values := map[string]*yaml.Node{}
	err := s.mapping(n, func(key, value *yaml.Node) error {
		if !slices.ContainsFunc(f, func(x field) bool { return x.name == key.Value }) {
			return s.errorf(key, "unknown field %q: use %s", key.Value, f.names())
		}
		values[key.Value] = value
		return nil
	})
	if err != nil {
		return err
	}
	for i := range f {
		v, ok := values[f[i].name]
		if !ok {
			return s.errorf(n, "field %q is missing: nothing has a default, write it out", f[i].name)
		}
		if err := f[i].read(v); err != nil {
			return err
		}
	}
	return nil
}

// mapping calls each for every pair, in the order of the file.
func (s source) mapping(n *yaml.Node, each func(key, value *yaml.Node) error) error {
	if n.Kind != yaml.MappingNode {
		return s.errorf(n, "want named fields here")
	}
	seen := map[string]bool{}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			return s.errorf(key, "a field's name must be one word")
		}
		if seen[key.Value] {
			return s.errorf(key, "%q is there twice: remove one", key.Value)
		}
		seen[key.Value] = true
		if err := each(key, value); err != nil {
			return err
		}
	}
	return nil
}

// list calls each for every element; a list must not be empty.
func (s source) list(n *yaml.Node, each func(i int, n *yaml.Node) error) error {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		return s.errorf(n, "want a list with at least one element")
	}
	for i, e := range n.Content {
		if err := each(i, e); err != nil {
			return err
		}
	}
	return nil
}

// text reads a scalar that says something.
func (s source) text(n *yaml.Node) (string, error) {
	if n.Kind != yaml.ScalarNode || strings.TrimSpace(n.Value) == "" {
		return "", s.errorf(n, "want a text here")
	}
	return n.Value, nil
}

// number reads an integer in low..high.
func (s source) number(n *yaml.Node, low, high int) (int, error) {
	v, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || v < low || v > high {
		return 0, s.errorf(n, "want a whole number from %d to %d", low, high)
	}
	return v, nil
}

func (s source) into(dst *string) func(*yaml.Node) error {
	return func(n *yaml.Node) (err error) {
		*dst, err = s.text(n)
		return err
	}
}

func (s source) intoNumber(dst *int, low, high int) func(*yaml.Node) error {
	return func(n *yaml.Node) (err error) {
		*dst, err = s.number(n, low, high)
		return err
	}
}

// moment reads a day, which begins at midnight in Western Indonesian Time, or an
// instant with its offset: rules have been announced and live the same night.
func (s source) moment(n *yaml.Node) (time.Time, error) {
	if d, err := day.Parse(n.Value); err == nil {
		return d.Start(), nil
	}
	t, err := time.Parse(time.RFC3339, n.Value)
	if err != nil {
		return t, s.errorf(n, "want a day (2022-02-08) or an instant (2022-02-22T23:59:00+07:00)")
	}
	return t, nil
}

func (s source) category(n *yaml.Node) (Category, error) {
	c, err := ParseCategory(n.Value)
	if err != nil {
		return c, s.errorf(n, "%q is no category: use one of %s", n.Value, joined(Categories()))
	}
	return c, nil
}

func (s source) level(n *yaml.Node) (Level, error) {
	l, err := ParseLevel(n.Value)
	if err != nil {
		return l, s.errorf(n, "%q is no level: use 1, 2, 3 or 4", n.Value)
	}
	return l, nil
}

func joined[T ~string](words []T) string {
	s := make([]string, len(words))
	for i, w := range words {
		s[i] = string(w)
	}
	return strings.Join(s, ", ")
}
