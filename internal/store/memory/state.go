package memory

import (
	"bytes"
	"cmp"
	"math"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/accesslog"
	"github.com/amanah-project/amanah/internal/domain/dispute"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/notice"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/venue"
)

// state is everything stored. Copying it is a snapshot.
type state struct {
	people     tree[number, identity.Stored]
	niks       tree[id16, identity.PersonID]
	quarantine tree[number, identity.Quarantined]
	links      tree[id16, identity.Link]
	subjects   tree[pair, none] // subject, link
	attempts   tree[id16, identity.Authorization]
	codes      tree[id32, identity.AuthorizationID] // of the attempts that gave one
	lapses     tree[due, none]                      // when attempts expire
	phones     tree[claim, none]                    // registered numbers
	bindings   tree[number, identity.StoredBinding]
	bound      tree[claim, none]
	wards      tree[ward, identity.Guardianship]
	guesses    tree[id16, identity.Guesses]
	refreshed  tree[id16, identity.Generation]
	cards      tree[id16, identity.Card]
	holders    tree[holding, none] // person, card
	lapsed     tree[due, none]     // when cards expire
	pins       tree[number, identity.Tag]
	tries      tree[attempt, int]
	progress   tree[text, identity.Progress]
	partners   tree[number, partner.Partner]
	linked     tree[number, int] // people, by partner
	steps      tree[couple, partner.Step]
	agreements tree[couple, partner.Agreement]
	colours    tree[number, status.SealedColour]
	evidence   tree[number, status.SealedEvidence]
	venues     tree[number, venue.Venue]
	inside     tree[number, int]
	entered    tree[number, uint64]
	lookups    tree[number, venue.Lookups]
	journeys   tree[id16, venue.Journey]
	asked      tree[due, none] // when journeys were asked about, in days
	told       tree[told, int]
	visits     tree[id16, venue.Visit]
	trails     tree[trail, none]
	due        tree[due, none]        // open visits
	passes     tree[pair, venue.Pass] // serial, visit
	passDays   tree[passDay, none]
	asks       tree[trail, venue.Ask]
	disputes   tree[id16, dispute.Dispute]
	filed      tree[number, int] // disputes of a year
	leaves     tree[leafKey, accesslog.Leaf]
	rows       tree[number, record.Row]
	places     tree[place, number]  // of rows
	lasts      tree[number, uint64] // highest versions, by person
	follows    tree[number, record.Follow]
	arrivals   [2]uint64 // of rows and follows: the last number given
	sources    tree[id16, record.Source]
	asides     tree[number, record.Aside]
	uploads    tree[id32, int64] // when each began
	begun      tree[lapse, none] // uploads
	blobs      tree[id32, none]  // that rows name
	sent       tree[couple, record.Sent]
	notices    tree[number, notice.Waiting]
	noticed    tree[wait, none] // when notices are due

	facilities  tree[text, staff.Facility]
	staff       tree[text, staff.Member]
	passkeys    tree[text, staff.ActorID] // by credential
	invitations tree[id32, staff.Invitation]
	stale       tree[lapse, none] // when invitations are over
	signins     tree[id32, staff.Session]
	over        tree[lapse, none] // when sessions are
	requests    tree[id32, staff.Request]
	wanted      tree[lapse, none] // when requests were asked
	approvals   tree[opinion, staff.Approval]
}

type none struct{}

// id16 is a key of 16 bytes.
type id16 [16]byte

func (a id16) compare(b id16) int { return bytes.Compare(a[:], b[:]) }

// id32 is a key of 32 bytes.
type id32 [32]byte

func (a id32) compare(b id32) int { return bytes.Compare(a[:], b[:]) }

// pair is a key of two ids.
type pair struct{ first, second id16 }

func (a pair) compare(b pair) int {
	return cmp.Or(a.first.compare(b.first), a.second.compare(b.second))
}

// passDay is a pass on its day.
type passDay struct {
	day  day.Day
	pass pair
}

func (a passDay) compare(b passDay) int {
	return cmp.Or(cmp.Compare(a.day, b.day), a.pass.compare(b.pass))
}

// claim is a number and who claims it.
type claim struct {
	phone id16
	who   number
}

func (a claim) compare(b claim) int {
	return cmp.Or(a.phone.compare(b.phone), a.who.compare(b.who))
}

// ward is a guardian, a child and when they were recorded, in microseconds.
type ward struct {
	guardian, child number
	recorded        int64
}

func (a ward) compare(b ward) int {
	return cmp.Or(a.guardian.compare(b.guardian), a.child.compare(b.child), cmp.Compare(a.recorded, b.recorded))
}

// holding is a person's card.
type holding struct {
	person number
	card   id16
}

func (a holding) compare(b holding) int {
	return cmp.Or(a.person.compare(b.person), a.card.compare(b.card))
}

// attempt is a NIK on a day.
type attempt struct {
	day day.Day
	nik id16
}

func (a attempt) compare(b attempt) int {
	return cmp.Or(cmp.Compare(a.day, b.day), a.nik.compare(b.nik))
}

// couple is a key of two numbers, such as a partner's and a version's.
type couple struct{ first, second uint64 }

func (a couple) compare(b couple) int {
	return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.second, b.second))
}

// place is a version's of a person's record.
type place struct {
	person, number, version uint64
}

func (a place) compare(b place) int {
	return cmp.Or(cmp.Compare(a.person, b.person), cmp.Compare(a.number, b.number), cmp.Compare(a.version, b.version))
}

type trail struct {
	day day.Day
	who id16
	id  id16
}

func (a trail) compare(b trail) int {
	return cmp.Or(cmp.Compare(a.day, b.day), a.who.compare(b.who), a.id.compare(b.id))
}

type due struct {
	leavesBy int64 // microseconds
	id       id16
}

func (a due) compare(b due) int {
	return cmp.Or(cmp.Compare(a.leavesBy, b.leavesBy), a.id.compare(b.id))
}

type leafKey struct {
	gate id16
	seq  uint64
}

func (a leafKey) compare(b leafKey) int {
	return cmp.Or(a.gate.compare(b.gate), cmp.Compare(a.seq, b.seq))
}

// fits reports whether a number is one that a database can keep.
func fits(n uint64) bool { return n <= math.MaxInt64 }

// names reports whether a number may name something.
func names(n uint64) bool { return n > 0 && fits(n) }

// whole is t as databases keep it, in microseconds.
func whole(t time.Time) time.Time {
	if us := micros(t); us != 0 {
		return time.UnixMicro(us).UTC()
	}
	return time.Time{}
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}
