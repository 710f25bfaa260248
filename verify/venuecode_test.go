package verify

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestVenueCode(t *testing.T) {
	ks := keysFor(t, ForVenues, venueKey(), edKey(50))
	for _, want := range []VenueCode{poster(), kiosk(), {Venue: 1<<64 - 1, Door: 1<<16 - 1, Serial: 1<<32 - 1}} {
		url := signedCode(t, want)
		got, err := scan(ks, url, testHost, testNow())
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", url, got, err)
		}
		if len(url) != len("https://")+len(testHost)+len("/v/")+118 {
			t.Errorf("%s has %d characters", url, len(url))
		}
	}
}

func TestVenueURLRefused(t *testing.T) {
	good := signedCode(t, poster())
	if _, err := ParseVenueURL(good, testHost); err != nil {
		t.Fatal("control: ", err)
	}
	path := strings.TrimPrefix(good, "https://"+testHost)
	code := strings.TrimPrefix(path, "/v/")
	for _, x := range []struct {
		name, url string
		want      error
	}{
		{"empty", "", ErrMalformed},
		{"no scheme", testHost + path, ErrMalformed},
		{"http", "http://" + testHost + path, ErrMalformed},
		{"upper-case scheme", "HTTPS://" + testHost + path, ErrMalformed},
		{"leading space", " " + good, ErrMalformed},
		{"another host", "https://evil.example" + path, ErrHost},
		{"upper-case host", "https://AMANAH.example" + path, ErrHost},
		{"look-alike letter", "https://аmanah.example" + path, ErrHost},
		{"full-width dot", "https://amanah．example" + path, ErrHost},
		{"punycode", "https://xn--manah-3ve.example" + path, ErrHost},
		{"dot at the end", "https://amanah.example." + path, ErrHost},
		{"port", "https://amanah.example:443" + path, ErrHost},
		{"empty port", "https://amanah.example:" + path, ErrHost},
		{"user", "https://amanah.example@evil.example" + path, ErrHost},
		{"empty user", "https://@amanah.example" + path, ErrHost},
		{"longer host", "https://amanah.example.evil.example" + path, ErrHost},
		{"longer label", "https://amanah.examples" + path, ErrHost},
		{"backslash", `https://amanah.example\@evil.example` + path, ErrMalformed},
		{"escaped host", "https://amanah%2eexample" + path, ErrHost},
		{"tab in host", "https://amanah.exam\tple" + path, ErrHost},
		{"no path", "https://amanah.example", ErrMalformed},
		{"other path", "https://amanah.example/w/" + code, ErrMalformed},
		{"upper-case path", "https://amanah.example/V/" + code, ErrMalformed},
		{"double slash", "https://amanah.example//v/" + code, ErrMalformed},
		{"dot segment", "https://amanah.example/v/../v/" + code, ErrMalformed},
		{"slash at the end", good + "/", ErrMalformed},
		{"query", good + "?x=1", ErrMalformed},
		{"query at once", "https://amanah.example?" + path, ErrMalformed},
		{"empty query", good + "?", ErrMalformed},
		{"fragment", good + "#x", ErrMalformed},
		{"padding", good + "=", ErrMalformed},
		{"trailing space", good + " ", ErrMalformed},
		{"trailing line break", good + "\n", ErrMalformed},
		{"line break for a character", good[:len(good)-1] + "\n", ErrMalformed},
		{"zero byte", good + "\x00", ErrMalformed},
		{"truncated", good[:len(good)-1], ErrMalformed},
		{"extended", good + "A", ErrMalformed},
		{"standard alphabet", "https://amanah.example/v/+" + code[1:], ErrMalformed},
		{"escaped character", "https://amanah.example/v/%41" + code[3:], ErrMalformed},
		{"spare bits set", good[:len(good)-1] + spareBit(good[len(good)-1]), ErrMalformed},
	} {
		if _, err := ParseVenueURL(x.url, testHost); !errors.Is(err, x.want) {
			t.Errorf("%s: got %v, want %v", x.name, err, x.want)
		}
	}
}

// spareBit returns the next character of the alphabet, which differs from c in
// bits that a lenient decoder drops.
func spareBit(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, c)+1])
}

// A code signed for one host is worth nothing at another, even when its bytes are
// carried over.
func TestVenueCodeBoundToHost(t *testing.T) {
	ks := keysFor(t, ForVenues, venueKey())
	url, err := SignVenueCode(venueKey(), "staging.example", poster())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := scan(ks, url, "staging.example", testNow()); err != nil {
		t.Fatal("control: ", err)
	}
	moved := strings.Replace(url, "staging.example", testHost, 1)
	if _, err := scan(ks, moved, testHost, testNow()); !errors.Is(err, ErrSignature) {
		t.Errorf("got %v", err)
	}
}

func TestVenueCodeTimes(t *testing.T) {
	ks := keysFor(t, ForVenues, venueKey())
	c := kiosk()
	url := signedCode(t, c)
	for _, x := range []struct {
		at   time.Duration // from expiry
		want error
	}{
		{-2*Period - time.Nanosecond, ErrNotYet},
		{-2 * Period, nil},
		{-Period, nil},
		{0, nil},
		{Period - time.Nanosecond, nil},
		{Period, ErrExpired},
		{time.Hour, ErrExpired},
		{-time.Hour, ErrNotYet},
	} {
		if _, err := scan(ks, url, testHost, c.Expires.Add(x.at)); !errors.Is(err, x.want) {
			t.Errorf("at %v: got %v, want %v", x.at, err, x.want)
		}
	}
	printed := signedCode(t, poster())
	if _, err := scan(ks, printed, testHost, testNow().AddDate(0, 2, 0)); err != nil {
		t.Errorf("a poster does not expire before its key: %v", err)
	}
	if _, err := scan(ks, printed, testHost, keyOf(venueKey()).NotAfter.Add(Period)); !errors.Is(err, ErrKeyTime) {
		t.Error("a poster outlives its key: ", err)
	}
	if _, err := scan(ks, printed, testHost, keyOf(venueKey()).NotBefore.Add(-Period-1)); !errors.Is(err, ErrKeyTime) {
		t.Error("a poster is older than its key: ", err)
	}
}

func TestVenueCodeKeys(t *testing.T) {
	url := signedCode(t, poster())
	for name, x := range map[string]struct {
		ks   Keys
		want error
	}{
		"no keys":         {Keys{}, ErrUnknownKey},
		"other key":       {keysFor(t, ForVenues, edKey(9)), ErrUnknownKey},
		"other purpose":   {keysFor(t, ForTickets, venueKey()), ErrUnknownKey},
		"control: itself": {keysFor(t, ForVenues, venueKey()), nil},
	} {
		if _, err := scan(x.ks, url, testHost, testNow()); !errors.Is(err, x.want) {
			t.Errorf("%s: got %v, want %v", name, err, x.want)
		}
	}
}

func TestSignVenueCodeBounds(t *testing.T) {
	for name, x := range map[string]struct {
		host string
		c    VenueCode
	}{
		"venue 0":         {testHost, VenueCode{Door: 1}},
		"door 0":          {testHost, VenueCode{Venue: 1}},
		"before 1970":     {testHost, VenueCode{Venue: 1, Door: 1, Expires: time.Unix(-5, 0)}},
		"after 2106":      {testHost, VenueCode{Venue: 1, Door: 1, Expires: time.Unix(1<<32, 0)}},
		"no host":         {"", poster()},
		"upper-case host": {"Amanah.example", poster()},
		"host with port":  {"amanah.example:443", poster()},
		"empty label":     {"amanah..example", poster()},
		"hyphen first":    {"-amanah.example", poster()},
		"hyphen last":     {"amanah-.example", poster()},
		"unicode":         {"amänah.example", poster()},
		"long label":      {strings.Repeat("a", 64) + ".example", poster()},
		"long host":       {strings.Repeat("a.", 127), poster()},
		"slash":           {"amanah.example/x", poster()},
	} {
		if url, err := SignVenueCode(venueKey(), x.host, x.c); !errors.Is(err, ErrOutOfBounds) {
			t.Errorf("%s: %q, %v", name, url, err)
		}
		if x.host != testHost {
			if _, err := ParseVenueURL("https://"+x.host+"/v/x", x.host); !errors.Is(err, ErrOutOfBounds) {
				t.Errorf("%s: an own host that is none: %v", name, err)
			}
			if _, err := keysFor(t, ForVenues, venueKey()).VenueCode([88]byte{0: 1, 13: 1, 15: 1}, x.host, testNow()); !errors.Is(err, ErrOutOfBounds) {
				t.Errorf("%s: an own host that is none: %v", name, err)
			}
		}
	}
	if _, err := SignVenueCode(nil, testHost, poster()); !errors.Is(err, ErrUnsupported) {
		t.Error("signed without a key: ", err)
	}
}
