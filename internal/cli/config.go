package cli

import (
	"fmt"
	"io"
	"reflect"
	"runtime/debug"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/alecthomas/kong"

	"github.com/amanah-project/amanah/internal/app"
)

// settings are the flags of every command that works on an installation: the
// configuration file and, over it, each of its settings.
type settings struct {
	File kong.ConfigFlag `name:"config" help:"TOML file of settings; flags override it. See 'amanah config example'."`
	app.Config
}

// loadTOML makes a configuration file answer for flags that were not given. The
// file is read strictly first, so that a misspelt key is an error and not a
// setting silently at its default.
func loadTOML(r io.Reader) (kong.Resolver, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	if _, err := app.Parse(string(text)); err != nil {
		return nil, err
	}
	values := map[string]any{}
	if _, err := toml.Decode(string(text), &values); err != nil {
		return nil, err
	}
	return kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		if v, ok := values[strings.ReplaceAll(flag.Name, "-", "_")]; ok {
			return v, nil
		}
		head, rest, _ := strings.Cut(flag.Name, "-")
		if table, ok := values[head].(map[string]any); ok {
			return table[strings.ReplaceAll(rest, "-", "_")], nil
		}
		return nil, nil
	}), nil
}

// configCmd shows and checks configurations.
type configCmd struct {
	Example configExampleCmd `cmd:"" help:"Print every setting with its meaning and default.\n\nExample: amanah config example > amanah.toml"`
	Check   configCheckCmd   `cmd:"" help:"Say whether a server would start with this configuration.\n\nExample: amanah config check --config amanah.toml"`
}

type configExampleCmd struct{}

// Run prints the configuration as TOML, from the one definition there is.
func (configExampleCmd) Run(c *console) error {
	fmt.Fprintln(c.out, "# Settings of `amanah serve`, with their defaults. Every setting is also a flag:")
	fmt.Fprintln(c.out, "# keeper.same_user is --keeper-same-user.")
	example(c.out, reflect.ValueOf(app.Default()), "")
	return nil
}

func example(w io.Writer, v reflect.Value, table string) {
	var tables []int
	if table != "" {
		fmt.Fprintf(w, "\n[%s]\n", table)
	}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.Type.Kind() == reflect.Struct {
			tables = append(tables, i)
			continue
		}
		value := v.Field(i).Interface()
		if s, ok := value.(fmt.Stringer); ok {
			value = s.String()
		}
		if s, ok := value.(string); ok {
			value = fmt.Sprintf("%q", s)
		}
		fmt.Fprintf(w, "\n# %s\n%s = %v\n", field.Tag.Get("help"), field.Tag.Get("toml"), value)
	}
	for _, i := range tables {
		example(w, v.Field(i), v.Type().Field(i).Tag.Get("toml"))
	}
}

type configCheckCmd struct {
	settings
}

// Run prints "ok" or every reason why the server would not start.
func (cmd *configCheckCmd) Run(c *console) error {
	if err := cmd.Config.Check(); err != nil {
		return err
	}
	fmt.Fprintln(c.out, "ok")
	return nil
}

type versionCmd struct{}

// Run prints what this binary was built from.
func (versionCmd) Run(c *console) error {
	fmt.Fprintln(c.out, built())
	return nil
}

// built is what this binary was built from.
func built() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "amanah, built without module information"
	}
	revision := "unknown revision"
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			revision = s.Value
		}
	}
	return fmt.Sprintf("amanah %s (%s, %s)", info.Main.Version, revision, info.GoVersion)
}
