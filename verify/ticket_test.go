package verify

import (
	"errors"
	"testing"
	"time"
)

func TestTicket(t *testing.T) {
	ks := keysFor(t, ForTickets, edKey(50), ticketKey())
	for _, want := range []Ticket{onlineTicket(t), offlineTicket(t)} {
		raw := signedTicket(t, want)
		got, err := ks.Ticket(raw, testNow())
		if err != nil || got != want {
			t.Errorf("got %+v, %v", got, err)
		}
		if len(raw) != TicketSize {
			t.Errorf("%d bytes, want %d whatever the holder's key", len(raw), TicketSize)
		}
	}
}

func TestTicketBounds(t *testing.T) {
	for name, change := range map[string]func(*Ticket){
		"no venue":            func(x *Ticket) { x.Venue = 0 },
		"no door":             func(x *Ticket) { x.Door = 0 },
		"door of no venue":    func(x *Ticket) { x.Offline, x.Venue = true, 0 },
		"nobody":              func(x *Ticket) { x.Party = 0 },
		"no decision":         func(x *Ticket) { x.Decision = 0 },
		"refused":             func(x *Ticket) { x.Decision = 3 },
		"no holder":           func(x *Ticket) { x.Holder = PublicKey{} },
		"expires at issue":    func(x *Ticket) { x.Expires = x.Issued },
		"expires before":      func(x *Ticket) { x.Expires = x.Issued.Add(-time.Minute) },
		"lives too long":      func(x *Ticket) { x.Expires = x.Issued.Add(MaxLife + time.Minute) },
		"offline too long":    func(x *Ticket) { x.Offline, x.Expires = true, x.Issued.Add(MaxOffline+time.Minute) },
		"seconds":             func(x *Ticket) { x.Issued = x.Issued.Add(time.Second) },
		"nanoseconds":         func(x *Ticket) { x.Expires = x.Expires.Add(1) },
		"before 1970":         func(x *Ticket) { x.Issued = time.Unix(-60, 0) },
		"beyond 32 bits":      func(x *Ticket) { x.Issued = time.Unix(60<<32, 0); x.Expires = x.Issued.Add(time.Minute) },
		"zero time":           func(x *Ticket) { x.Issued = time.Time{} },
		"zero time of expiry": func(x *Ticket) { x.Expires = time.Time{} },
	} {
		x := onlineTicket(t)
		change(&x)
		if _, err := SignTicket(ticketKey(), x); !errors.Is(err, ErrOutOfBounds) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, change := range map[string]func(*Ticket){
		"24 h":            func(x *Ticket) { x.Expires = x.Issued.Add(MaxLife) },
		"12 h offline":    func(x *Ticket) { x.Offline, x.Expires = true, x.Issued.Add(MaxOffline) },
		"offline, bound":  func(x *Ticket) { x.Offline = true },
		"offline, a door": func(x *Ticket) { x.Offline, x.Door = true, 0 },
	} {
		x := onlineTicket(t)
		change(&x)
		if _, err := SignTicket(ticketKey(), x); err != nil {
			t.Errorf("control, %s: %v", name, err)
		}
	}
	if _, err := SignTicket(nil, onlineTicket(t)); !errors.Is(err, ErrUnsupported) {
		t.Error("signed without a key: ", err)
	}
}

// A stolen key cannot stretch the bounds either: they are checked again behind a
// signature that holds.
func TestTicketBoundsAreVerified(t *testing.T) {
	ks := keysFor(t, ForTickets, ticketKey())
	for name, change := range map[string]func([]byte){
		"control":         func([]byte) {},
		"13 h offline":    func(b []byte) { b[1] = flagOffline; b[22], b[23] = b[18], b[19]; b[22] += 3; b[23] += 12 },
		"venue 0":         func(b []byte) { clear(b[6:14]) },
		"unknown flag":    func(b []byte) { b[1] |= 2 },
		"version 2":       func(b []byte) { b[0] = 2 },
		"decision 3":      func(b []byte) { b[42] = 3 },
		"unknown alg":     func(b []byte) { b[43] = 3 },
		"padding not 0":   func(b []byte) { b[76] = 1 },
		"small-order key": func(b []byte) { clear(b[44:77]); b[44] = 1 },
	} {
		raw := signedTicket(t, onlineTicket(t))
		change(raw[:ticketBody])
		resign(raw)
		_, err := ks.Ticket(raw, testNow())
		if want := name != "control"; errors.Is(err, ErrMalformed) != want || (err != nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTicketTimes(t *testing.T) {
	ks := keysFor(t, ForTickets, ticketKey())
	x := onlineTicket(t)
	raw := signedTicket(t, x)
	for _, c := range []struct {
		at   time.Time
		want error
	}{
		{x.Issued.Add(-ClockSkew - 1), ErrNotYet},
		{x.Issued.Add(-ClockSkew), nil},
		{x.Expires.Add(-1), nil},
		{x.Expires, ErrExpired},
	} {
		if _, err := ks.Ticket(raw, c.at); !errors.Is(err, c.want) {
			t.Errorf("at %v: got %v, want %v", c.at, err, c.want)
		}
	}
	if got := x.Age(x.Issued.Add(95*time.Minute + 30*time.Second)); got != 95*time.Minute {
		t.Errorf("age %v", got)
	}
	if got := x.Age(x.Issued.Add(-10 * time.Second)); got != 0 {
		t.Errorf("age %v before issue", got)
	}
}

// A key signs what is issued while it is in force; its tickets outlive it, but not
// by more than a ticket's life.
func TestTicketKeyTimes(t *testing.T) {
	ks := keysFor(t, ForTickets, ticketKey())
	k := keyOf(ticketKey())
	for name, c := range map[string]struct {
		issued time.Time
		want   error
	}{
		"first minute":    {k.NotBefore, nil},
		"a minute before": {k.NotBefore.Add(-time.Minute), nil},
		"before":          {k.NotBefore.Add(-2 * time.Minute), ErrKeyTime},
		"last minute":     {k.NotAfter.Add(-time.Minute), nil},
		"after":           {k.NotAfter.Add(time.Minute), ErrKeyTime},
	} {
		x := onlineTicket(t)
		x.Issued, x.Expires = c.issued, c.issued.Add(time.Hour)
		if _, err := ks.Ticket(signedTicket(t, x), c.issued.Add(30*time.Minute)); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	for name, other := range map[string]Keys{
		"other purpose": keysFor(t, ForVenues, ticketKey()),
		"other key":     keysFor(t, ForTickets, edKey(9)),
		"no key":        {},
	} {
		if _, err := other.Ticket(signedTicket(t, onlineTicket(t)), testNow()); !errors.Is(err, ErrUnknownKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTicketAt(t *testing.T) {
	anywhere, here := offlineTicket(t), onlineTicket(t)
	venueOnly := here
	venueOnly.Door = 0
	for _, c := range []struct {
		x     Ticket
		venue uint64
		door  uint16
		want  error
	}{
		{here, 7001, 3, nil},
		{here, 7001, 4, ErrWrongDoor},
		{here, 7002, 3, ErrWrongVenue},
		{venueOnly, 7001, 4, nil},
		{venueOnly, 7002, 4, ErrWrongVenue},
		{anywhere, 1, 1, nil},
	} {
		if err := c.x.At(c.venue, c.door); !errors.Is(err, c.want) {
			t.Errorf("%d/%d: %v", c.venue, c.door, err)
		}
	}
}

// One key must not sign two kinds of thing that could be taken for one another.
func TestDomainsDiffer(t *testing.T) {
	domains := []string{domainKey, domainVenueCode, domainTicket, domainPresentation, domainPublished, domainCard, domainPass, domainShownPass}
	for i, a := range domains {
		for j, b := range domains {
			if i != j && len(a) <= len(b) && a == b[:len(a)] {
				t.Errorf("%q begins %q", a, b)
			}
		}
	}
}
