package api_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/internal/flow/rights"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/memory"
	"github.com/amanah-project/amanah/internal/web/api"
	"github.com/amanah-project/amanah/internal/web/contract"
	"github.com/amanah-project/amanah/internal/web/dpop"
	"github.com/amanah-project/amanah/internal/web/token"
	"github.com/amanah-project/amanah/verify"
)

const (
	host      = "amanah.example"
	nonceLife = 5 * time.Minute
)

// plainKeeper answers without sealing anything: the keeper's own tests cover that.
type plainKeeper struct {
	mu     sync.Mutex
	seq    map[accesslog.GateID]uint64
	events map[[16]byte]keeper.Event
	fate   keeper.GateOutcome // of every item, when set
	last   []keeper.GateItem
	told   map[identity.PersonID]int // colours of the day
	most   int                       // of them; more than any test asks, unless set
}

func (k *plainKeeper) OpenGate(context.Context) (accesslog.GateID, accesslog.Hash, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var id accesslog.GateID
	rand.Read(id[:])
	k.seq[id] = 0
	return id, accesslog.Hash{}, nil
}

func pseudonym(p identity.PersonID, d day.Day) venue.Pseudonym {
	sum := sha256.Sum256(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, uint64(p)), uint32(d)))
	return venue.Pseudonym(sum[:16])
}

func (k *plainKeeper) Gate(_ context.Context, id accesslog.GateID, items []keeper.GateItem) (keeper.GateReply, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r := keeper.GateReply{Leaf: accesslog.Leaf{Gate: id, Seq: k.seq[id], Count: len(items), At: time.Now()}}
	k.seq[id]++
	k.last = items
	for _, it := range items {
		res := keeper.GateResult{Outcome: keeper.GateAbsent, Who: pseudonym(it.Colour.Person, day.Of(it.Instant))}
		switch {
		case it.Asks && k.told[it.Colour.Person] >= k.most:
			res.Outcome = keeper.GateLimited
		case it.Colour.Version > 0:
			res.Outcome = keeper.GateOpened
			copy(res.Timeline[:], it.Colour.Sealed)
			if it.Asks {
				k.told[it.Colour.Person]++
			}
		}
		if k.fate != 0 {
			res.Outcome = k.fate
		}
		res.Used = k.told[it.Colour.Person]
		res.Left = min(k.most-res.Used, 12)
		r.Results = append(r.Results, res)
		r.Leaf.Events = append(r.Leaf.Events, accesslog.Event{ID: it.Event, Sealed: it.Detail})
		k.events[it.Event] = keeper.Event{Person: it.Colour.Person, Timeline: res.Timeline, Detail: it.Detail}
	}
	return r, nil
}

func (k *plainKeeper) Pseudonyms(_ context.Context, who identity.PersonID, days []day.Day) ([]venue.Pseudonym, error) {
	out := make([]venue.Pseudonym, len(days))
	for i, d := range days {
		out[i] = pseudonym(who, d)
	}
	return out, nil
}

func (k *plainKeeper) OpenEvents(_ context.Context, _ keeper.Intent, _ day.Day, sealed []keeper.SealedEvent) ([]keeper.Event, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := make([]keeper.Event, len(sealed))
	for i, e := range sealed {
		out[i] = k.events[e.ID]
	}
	return out, nil
}

func (k *plainKeeper) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.events)
}

// ticketKey signs tickets.
type ticketKey struct{ ed25519.PrivateKey }

func (k ticketKey) Sign(t verify.Ticket) ([]byte, error) { return verify.SignTicket(k.PrivateKey, t) }
func (k ticketKey) Pass(p verify.Pass) ([]byte, error)   { return verify.SignPass(k.PrivateKey, p) }

// stand is a Device over a real gate, real rights and history, and a memory store.
type stand struct {
	t      testing.TB
	now    time.Time
	db     store.DB
	keeper *plainKeeper
	tokens *token.Sealer
	nonces *dpop.Nonces
	venues ed25519.PrivateKey
	ticket ticketKey
	device *api.Device
	made   byte // phones

	contract *contract.Contract
}

var readContract = sync.OnceValues(contract.Shipped)

func shipped(t testing.TB) *contract.Contract {
	t.Helper()
	c, err := readContract()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newStand(t testing.TB) *stand {
	t.Helper()
	s := &stand{
		t: t, now: time.Date(2022, 8, 1, 5, 0, 0, 0, time.UTC), db: memory.New(), venues: newKey(t),
		contract: shipped(t),
		keeper:   &plainKeeper{seq: map[accesslog.GateID]uint64{}, events: map[[16]byte]keeper.Event{}, told: map[identity.PersonID]int{}, most: 1000},
	}
	clock := func() time.Time { return s.now }
	policy, err := venue.ShippedPolicy()
	s.must(err)
	rules, err := status.Builtin()
	s.must(err)
	s.must(s.db.Update(t.Context(), func(st store.Stores) error { return s.seed(st, rules) }))
	book := gate.NewBook(policy, rules)
	s.must(book.Refresh(t.Context(), s.db))
	s.tokens, err = token.New([]keeper.TokenKey{{ID: 1, Key: make([]byte, 32), NotBefore: s.now.Add(-time.Hour), NotAfter: s.now.Add(time.Hour)}})
	s.must(err)
	s.nonces = dpop.NewNonces(make([]byte, 32), nonceLife, clock)
	codes := api.NewCodes(host)
	keys, err := verify.NewKeys(verify.ForVenues, verify.NewKey(s.venues.Public().(ed25519.PublicKey), s.now.Add(-time.Hour), s.now.Add(24*time.Hour)))
	s.must(err)
	codes.Renew(keys)
	g := gate.New(s.db, s.keeper, book, gate.Options{Now: clock})
	t.Cleanup(func() { g.Close(); _ = s.db.Close() })
	s.ticket = ticketKey{newKey(t)}
	s.device = &api.Device{
		Host: host, Tokens: func() *token.Sealer { return s.tokens }, Nonces: s.nonces, Once: dpop.NewOnce(nonceLife), Codes: codes,
		Gate: g, History: &gate.History{DB: s.db, Keeper: s.keeper, Now: clock}, Rights: &rights.Flow{DB: s.db, Now: clock},
		Disputes: &rights.Disputes{DB: s.db, Keeper: s.keeper, Now: clock},
		Book:     book, Tickets: func() api.TicketSigner { return s.ticket }, Now: clock,
	}
	return s
}

// The stand's people. All are green.
const (
	siti identity.PersonID = 1 + iota
	budi
	maya
)

func (s *stand) seed(st store.Stores, rules *status.Schedule) error {
	born, err := day.Parse("1990-01-01")
	if err != nil {
		return err
	}
	for _, id := range []identity.PersonID{siti, budi, maya} {
		e := status.Evidence{Birth: born}
		for i, ago := range []int{300, 270, 60} {
			e.Doses = append(e.Doses, status.Dose{On: day.Of(s.now).Add(-ago), Vaccine: "sinovac", Ref: string(rune('a' + i))})
		}
		t, err := status.MakeTimeline(e, rules, s.now)
		if err != nil {
			return err
		}
		b := t.Marshal()
		if err := st.Status.PutColours([]status.SealedColour{{Person: id, Version: 1, Sealed: b[:]}}); err != nil {
			return err
		}
	}
	for id, name := range map[partner.ID]string{1: "Toko Maya", 2: "Kabar"} {
		if err := st.Partners.Put(partner.Partner{ID: id, Name: name, State: partner.Live}); err != nil {
			return err
		}
	}
	return st.Venues.Put(venue.Venue{ID: 1, Name: "Mal", Category: venue.Mall, Level: 1, Declared: 1000, Doors: 1})
}

func (s *stand) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func newKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func jwk(key ed25519.PrivateKey) map[string]any {
	return map[string]any{"crv": "Ed25519", "kty": "OKP", "x": b64(key.Public().(ed25519.PublicKey))}
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// agreed is an agreement over all that an app may show.
func agreed() partner.Grant {
	return partner.Grant{Agreed: &partner.Agreed{Terms: partner.Terms{
		Scopes: []partner.Scope{partner.ScopeColour}, Colours: []string{"green", "yellow", "red", "black"},
	}}}
}

// phone is a device with a person's link.
type phone struct {
	key    ed25519.PrivateKey
	claims token.Claims
}

// phone links a person on a new device, or on one that there is.
func (s *stand) phone(person identity.PersonID, by partner.ID, on *phone) *phone {
	s.t.Helper()
	p := &phone{key: newKey(s.t)}
	if on != nil {
		p.key = on.key
	}
	s.made++
	p.claims = token.Claims{
		Scope: token.ScopeColour, Partner: by, Person: person, Link: identity.LinkID{0: 1, 15: s.made},
		Key: sha256.Sum256(encode(s.t, jwk(p.key))), Expires: s.now.Add(30 * time.Minute),
	}
	s.put(identity.Link{ID: p.claims.Link, Partner: by, Subject: identity.Tag{byte(person)}, Device: p.claims.Key, Created: s.now})
	return p
}

func (s *stand) put(l identity.Link) {
	s.t.Helper()
	s.must(s.db.Update(s.t.Context(), func(st store.Stores) error { return st.Links.Put(l) }))
}

func (s *stand) seal(c token.Claims) string {
	s.t.Helper()
	text, err := s.tokens.Seal(c, s.now)
	s.must(err)
	return text
}

func (s *stand) code(c verify.VenueCode) string { return s.codeBy(s.venues, host, c) }

func (s *stand) codeBy(key ed25519.PrivateKey, at string, c verify.VenueCode) string {
	s.t.Helper()
	url, err := verify.SignVenueCode(key, at, c)
	s.must(err)
	return url
}

// nonce makes a visit's nonce of a time.
func nonce(at time.Time) string {
	var n [16]byte
	rand.Read(n[:])
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(at.UnixMilli()))
	copy(n[:6], ms[2:])
	return b64(n[:])
}
