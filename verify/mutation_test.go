package verify

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// A form is one kind of thing an attacker may alter.
type form struct {
	name    string
	genuine [][]byte
	accept  func([]byte) error // the verifier
	unkeyed func([]byte) error // the same without its signatures: the control
	unwrap  func([]byte) []byte
	wrap    func([]byte) []byte
}

func forms(t testing.TB) []form {
	codes := keysFor(t, ForVenues, venueKey())
	tickets := keysFor(t, ForTickets, ticketKey())
	second, later := onlineTicket(t), kiosk()
	second.Serial[3], second.Party, second.Door = 77, 1, 9
	later.Serial, later.Exit = 4, false
	now := testNow()
	return []form{
		{
			"venue code",
			[][]byte{[]byte(signedCode(t, poster())), []byte(signedCode(t, kiosk())), []byte(signedCode(t, later))},
			func(b []byte) error { _, err := scan(codes, string(b), testHost, now); return err },
			func(b []byte) error {
				raw, err := ParseVenueURL(string(b), testHost)
				if err == nil {
					_, err = parseVenueCode(raw)
				}
				return err
			},
			unwrapText("https://"+testHost+"/v/", VenueCodeSize), wrapText("https://" + testHost + "/v/"),
		},
		{
			"ticket",
			[][]byte{signedTicket(t, onlineTicket(t)), signedTicket(t, offlineTicket(t)), signedTicket(t, second)},
			func(b []byte) error { _, err := tickets.Ticket(b, now); return err },
			func(b []byte) error { _, err := parseTicket(b); return err },
			slices.Clone[[]byte], slices.Clone[[]byte],
		},
		{
			"presentation",
			[][]byte{
				[]byte(shown(t, onlineTicket(t), edKey(3), now)), []byte(shown(t, offlineTicket(t), ecKey(t, 4), now)),
				[]byte(shown(t, second, edKey(3), now)), []byte(shown(t, onlineTicket(t), edKey(3), now.Add(-Renewal))),
			},
			func(b []byte) error { _, err := tickets.Presentation(string(b), now); return err },
			func(b []byte) error {
				raw, err := parsePresentation(string(b))
				if err == nil {
					_, err = parseTicket(raw[:TicketSize])
				}
				return err
			},
			unwrapText(PresentationPrefix, PresentationSize), wrapText(PresentationPrefix),
		},
		passForm(t, tickets),
	}
}

func passForm(t testing.TB, keys Keys) form {
	now, later := testNow(), mallPass(t)
	later.Serial, later.Level, later.Party = [16]byte{9}, 1, 1
	return form{
		"pass",
		[][]byte{
			[]byte(shownPass(t, mallPass(t), edKey(3), now)), []byte(shownPass(t, healthPass(t), ecKey(t, 4), now)),
			[]byte(shownPass(t, later, edKey(3), now)), []byte(shownPass(t, mallPass(t), edKey(3), now.Add(-Renewal))),
		},
		func(b []byte) error { _, err := keys.ShownPass(string(b), now); return err },
		func(b []byte) error {
			raw, err := parseShownPass(string(b))
			if err == nil {
				_, err = parsePass(raw[:PassSize])
			}
			return err
		},
		unwrapText(PassPrefix, ShownPassSize), wrapText(PassPrefix),
	}
}

func unwrapText(prefix string, size int) func([]byte) []byte {
	return func(b []byte) []byte {
		raw, err := decodeExact(strings.TrimPrefix(string(b), prefix), size)
		if err != nil {
			return slices.Clone(b)
		}
		return raw
	}
}

func wrapText(prefix string) func([]byte) []byte {
	return func(b []byte) []byte { return []byte(prefix + encode(b)) }
}

// TestMutations alters codes, tickets and presentations 100,000 times. None may
// be accepted. The control counts how many a verifier without signatures would
// take, which must be many, or the mutations prove nothing.
func TestMutations(t *testing.T) {
	const total = 100_000
	fs := forms(t)
	for _, f := range fs {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			for _, g := range f.genuine {
				if err := f.accept(g); err != nil {
					t.Fatal("control: a genuine one is refused: ", err)
				}
			}
			r := rand.New(rand.NewPCG(20, 26))
			accepted, unkeyed, n := 0, 0, total/len(fs)+1
			for range n {
				m := f.mutate(r)
				if f.accept(m) == nil {
					accepted++
					t.Errorf("accepted: %q", m)
				}
				if f.unkeyed(m) == nil {
					unkeyed++
				}
			}
			if unkeyed < n/10 {
				t.Errorf("without signatures only %d of %d would be taken: the mutations are too crude", unkeyed, n)
			}
			t.Logf("%d mutations, %d accepted; %d without signatures", n, accepted, unkeyed)
		})
	}
}

// mutate returns something that is none of the genuine ones. Half of the changes
// are made beneath the text encoding, so that they reach the fields.
func (f form) mutate(r *rand.Rand) []byte {
	for {
		a, b := f.genuine[r.IntN(len(f.genuine))], f.genuine[r.IntN(len(f.genuine))]
		var m []byte
		if r.IntN(4) > 0 {
			m = f.wrap(alter(r, f.unwrap(a), f.unwrap(b)))
		} else {
			m = alter(r, slices.Clone(a), b)
		}
		if !slices.ContainsFunc(f.genuine, func(g []byte) bool { return slices.Equal(g, m) }) {
			return m
		}
	}
}

// alter changes a in place or in length; b is a second genuine one to borrow from.
func alter(r *rand.Rand, a, b []byte) []byte {
	for range 1 + r.IntN(3) {
		if len(a) == 0 {
			return a
		}
		i := r.IntN(len(a))
		j := min(i+1+r.IntN(16), len(a))
		switch r.IntN(9) {
		case 0, 1:
			a[i] ^= 1 << r.IntN(8)
		case 2:
			a[i] = byte(r.Uint32())
		case 3:
			k := r.IntN(len(a))
			a[i], a[k] = a[k], a[i]
		case 4: // a field of another
			if j <= len(b) {
				copy(a[i:j], b[i:j])
			}
		case 5: // the head of one and the tail of the other
			if i < len(b) {
				a = append(a[:i:i], b[i:]...)
			}
		case 6:
			a = slices.Delete(a, i, j)
		case 7:
			a = slices.Insert(a, i, byte(r.Uint32()))
		case 8:
			clear(a[i:j])
		}
	}
	return a
}

// TestEveryBit flips each bit of each genuine one, in the text and beneath it.
func TestEveryBit(t *testing.T) {
	flips := 0
	for _, f := range forms(t) {
		for _, g := range f.genuine {
			for _, x := range []struct {
				bytes []byte
				wrap  func([]byte) []byte
			}{{f.unwrap(g), f.wrap}, {slices.Clone(g), slices.Clone[[]byte]}} {
				for bit := range 8 * len(x.bytes) {
					x.bytes[bit/8] ^= 1 << (bit % 8)
					if f.accept(x.wrap(x.bytes)) == nil {
						t.Errorf("%s: accepted with bit %d flipped", f.name, bit)
					}
					x.bytes[bit/8] ^= 1 << (bit % 8)
					flips++
				}
				if err := f.accept(x.wrap(x.bytes)); err != nil {
					t.Error("control: every bit back in place: ", err)
				}
			}
		}
	}
	t.Logf("%d bits", flips)
}
