package app

import (
	"bytes"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"github.com/amanah-project/amanah/internal/fault"
)

// FuzzParse: a file of settings is refused in words for whoever wrote it, or taken,
// written and taken alike; whether a server would start with it can always be said.
func FuzzParse(f *testing.F) {
	whole, err := toml.Marshal(Default())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(whole))
	f.Add("data = \"d\"\n[gate]\nworkers = 16\nlinger = \"100ms\"\n[retention]\nvisit_days = 90\n")
	f.Add("[keeper]\naddress = \"keeper:1\"\nknown = \"\\u0000\"\n")
	f.Add("listen = 1979-05-27T07:32:00Z\n")
	f.Add("tls.cert = [1]\nnothing = 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse(text)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Errorf("refused with %v, a %v fault", err, fault.KindOf(err))
			}
			return
		}
		if !strings.Contains(text, "/") { // else a file of this host could be asked for
			if err := c.Check(); err != nil && fault.KindOf(err) != fault.Invalid {
				t.Errorf("checked: %v, a %v fault", err, fault.KindOf(err))
			}
		}
		first, err := toml.Marshal(c)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := Parse(string(first))
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, first)
		}
		if second, err := toml.Marshal(again); err != nil || !bytes.Equal(first, second) {
			t.Errorf("%v: written\n%s\nand then\n%s", err, first, second)
		}
	})
}
