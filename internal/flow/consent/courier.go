package consent

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/store"
)

// Kind is what a message is about.
type Kind uint8

// Kinds of message.
const (
	KindCode      Kind = 1 + iota // a one-time code
	KindNewNumber                 // to the old number: another waits, and how to object
	KindEmergency                 // their records were opened in an emergency
	KindSent                      // their records were sent from facility to facility
	KindTaken                     // their records were taken along from the platform's own page
)

// Message is one message to a person's number.
type Message struct {
	To      identity.Phone
	Kind    Kind
	Lang    string // id or en
	Code    identity.OneTime
	Partner string    // whose app is to be linked; empty when none is
	At      time.Time // when a new number takes over, or what they are told of happened
}

// Messenger brings messages to people. Its errors name neither number nor text.
type Messenger interface {
	Send(ctx context.Context, m Message) error
}

// letter is a message whose number was not opened yet.
type letter struct {
	attempt identity.AuthorizationID
	who     identity.PersonID // zero: to nobody
	message Message
}

// Courier brings messages after the answer is given, so that neither their time nor
// their failure tells whether somebody was there to send them to.
type Courier struct {
	db     store.DB
	keeper Keeper
	to     Messenger
	now    func() time.Time
	failed func(error) // told of what could not be brought
	queue  chan letter
}

const (
	queueSize = 1024
	couriers  = 4
	// patience bounds one message with its retries: an older code is of no use.
	patience = 2 * time.Minute
)

// errQueue is told when more waits than the queue takes; people ask again.
var errQueue = fault.New(fault.Busy, "messages wait: one was given up")

// NewCourier makes a courier; Run makes it work.
func NewCourier(db store.DB, k Keeper, to Messenger, now func() time.Time, failed func(error)) *Courier {
	return &Courier{db: db, keeper: k, to: to, now: now, failed: failed, queue: make(chan letter, queueSize)}
}

// take never waits.
func (c *Courier) take(l letter) {
	select {
	case c.queue <- l:
	default:
		c.failed(errQueue)
	}
}

// Run brings messages until ctx ends.
func (c *Courier) Run(ctx context.Context) {
	var done sync.WaitGroup
	for range couriers {
		done.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case l := <-c.queue:
					if err := c.bring(ctx, l); err != nil && ctx.Err() == nil {
						c.failed(err)
					}
				}
			}
		})
	}
	done.Wait()
}

// bring opens the number and sends. For nobody it opens nothing with as many reads
// and calls, or a keeper that is busy would tell one from the other.
func (c *Courier) bring(ctx context.Context, l letter) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	files, err := openFiles(ctx, c.db, c.keeper, intent(l.attempt, "link-message"), []identity.PersonID{l.who})
	if l.who == 0 {
		if errors.Is(err, ErrOpen) || errors.Is(err, keeper.ErrPerson) {
			return nil
		}
		return err
	}
	if err != nil {
		return err
	}
	l.message.To, err = files[0].number(c.now())
	if err != nil || l.message.To.IsZero() {
		return err
	}
	return c.to.Send(ctx, l.message)
}
