package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCredentialsComeBackAndNeverPrint(t *testing.T) {
	key := []byte(strings.Repeat("k", 32))
	until := time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)
	device := Credential{"sehat.example", "https://relay.example", key, 7, "tok-secret", key, until, until, "ref-secret"}
	relay := RelayCredential{"sehat.example", "https://sehat.example", 7, "tok-secret", key, until, key}
	door := DoorCredential{"sehat.example", "https://sehat.example", key, 3, "tok-secret", key, until}
	a, err1 := device.Marshal()
	b, err2 := relay.Marshal()
	c, err3 := door.Marshal()
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	device2, err1 := ParseCredential(a)
	relay2, err2 := ParseRelay(b)
	door2, err3 := ParseDoor(c)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(device, device2) + cmp.Diff(relay, relay2) + cmp.Diff(door, door2); diff != "" {
		t.Error(diff)
	}
	for _, v := range []any{device, relay, door, &device} {
		j, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if s := fmt.Sprintf("%v %+v %#v %s %q", v, v, v, v, v) + string(j); strings.Contains(s, "secret") || strings.Contains(s, "kkk") {
			t.Errorf("a credential prints: %s", s)
		}
	}
	if _, err := ParseCredential(b); !errors.Is(err, ErrCredential) {
		t.Errorf("a relay's as a device's: %v", err)
	}
	if _, err := ParseRelay(c); !errors.Is(err, ErrCredential) {
		t.Errorf("a door's as a relay's: %v", err)
	}
}

func FuzzParseCredential(f *testing.F) {
	seed, err := Credential{"h", "r", make([]byte, 32), 1, "t", make([]byte, 32), time.Time{}, time.Unix(1, 0), ""}.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(`{"kind":"amanah-door/1"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if c, err := ParseCredential(raw); err == nil {
			again, err := c.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := ParseCredential(again); err != nil {
				t.Errorf("what was read does not come back: %v", err)
			}
		}
	})
}
