// Package permit says who may, how often, and writes it down before it is so: budgets of
// intents, signed requests, approved exports, transfers. It holds the log key, to sign with,
// and the one that names single openings, but none that opens anything: who asks is given a
// receipt, and a journal.Entry for which others give keys.
package permit

import (
	"crypto/ed25519"
	"sync"
	"sync/atomic"
	"time"

	"github.com/amanah-project/amanah/internal/domain/guard"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/notice"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/format/jose"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/desk"
	"github.com/amanah-project/amanah/internal/keeper/journal"
	"github.com/amanah-project/amanah/internal/keeper/once"
)

// Limits are what may be asked. Zeros stand for the defaults.
type Limits struct {
	JobPerHour      int // people whose records jobs may open in an hour; 20,000,000
	UnsignedPerHour int // people's health records that nobody signed for, in an hour; 3,000
	ExportsPerDay   int // people whose health records all approved exports may open in a day; 5,000
}

// Config is what Permits need of the keeper.
type Config struct {
	Limits
	Now   func() time.Time
	Desk  *desk.Desk                    // nobody else uses it
	Known func(identity.PersonID) error // whether there is such a person
	// Who signed a request, and whether an officer's passkey signed an approval:
	// desk.Believe and staff.Approval.Verify, for what is signed for Origin.
	Origin   string
	Believe  func(roll desk.Roll, origin string, a keeper.Ask, now time.Time) (desk.Asker, error)
	Approves func(staff.Approval, staff.Site, jose.Key) error
}

// proofLife is how long a signed request could be brought again.
const proofLife = 2*desk.AskLife + time.Minute

// Permits is what was permitted lately: New, Replay of each record, Begin.
type Permits struct {
	opt     Config
	journal *journal.Journal
	logKey  ed25519.PrivateKey
	views   leak.ViewKey
	proofs  *once.Once // of signed requests: those of an earlier run, the journal tells

	budgetMu sync.Mutex
	spent    map[string]*spender

	mu        sync.Mutex // the desk, and what is journaled in its order
	exports   exports
	told      []notice.Notice // in the order of the journal
	transfers transfers

	intents, refused atomic.Uint64
	operated         atomic.Uint64 // people opened on the admin socket
}

// New are Permits of which nothing is known yet.
func New(c Config) *Permits {
	if c.JobPerHour == 0 {
		c.JobPerHour = 20_000_000
	}
	if c.UnsignedPerHour == 0 {
		c.UnsignedPerHour = 3000
	}
	if c.ExportsPerDay == 0 {
		c.ExportsPerDay = guard.ExportsDay
	}
	return &Permits{
		opt: c, proofs: once.New(proofLife), spent: map[string]*spender{},
		exports:   exports{opened: map[exported]times{}},
		transfers: transfers{asked: map[keeper.Proof]sending{}, sent: map[[32]byte]sent{}},
	}
}

// Begin goes on with the journal that was replayed. Receipts and transfers are signed by
// the log key; views name single openings.
func (p *Permits) Begin(j *journal.Journal, logKey ed25519.PrivateKey, views leak.ViewKey) {
	p.journal, p.logKey, p.views = j, logKey, views
}

// Replay takes a record of the journal, before Begin.
func (p *Permits) Replay(seq uint64, kind byte, payload []byte) error {
	p.noted(seq, kind, payload)
	switch kind {
	case journal.KindIntent:
		return p.replayIntent(payload)
	case journal.KindActor, journal.KindApproval, journal.KindRelation, journal.KindSent, journal.KindReceived:
		return p.replayDesk(kind, payload)
	case journal.KindOpened:
		return p.replayOpened(payload)
	case journal.KindExported:
		return p.replayExported(payload)
	}
	return nil
}

func (p *Permits) now() time.Time { return p.opt.Now() }

// Counts are how many intents were journaled and how many refused since the keeper began.
func (p *Permits) Counts() (intents, refused uint64) { return p.intents.Load(), p.refused.Load() }

func (p *Permits) believe(a keeper.Ask, now time.Time) (desk.Asker, error) {
	return p.opt.Believe(p, p.opt.Origin, a, now)
}

// Approved are the officers who approved a request of a kind, as many as it needs or more
// (desk.Approvers); nil when it is not believed.
func (p *Permits) Approved(kind staff.Ask, r staff.Request, approvals []staff.Approval) []staff.ActorID {
	return desk.Approvers(p, p.opt.Origin, p.opt.Approves, kind, r, approvals, p.now())
}
