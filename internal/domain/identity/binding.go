package identity

import (
	"time"

	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of binding a telephone number.
var (
	ErrPhoneClaimed = fault.New(fault.Conflict, "this number is registered for more than one person and proves neither: have it corrected at a facility")
	ErrNoPhone      = fault.New(fault.Denied, "no number is bound: the first is bound at a facility")
	ErrPhoneBound   = fault.New(fault.Conflict, "a number is bound already: a new one has to wait")
	ErrPhoneWaits   = fault.New(fault.Conflict, "another new number waits already")
	ErrNoneWaits    = fault.New(fault.Conflict, "no new number waits, or its time to be cancelled is over")
	ErrNotChannel   = fault.New(fault.Denied, "only the number bound now can cancel a new one")
)

// RebindDelay is how long a new number waits, so that the old channel can object.
const RebindDelay = 72 * time.Hour

// Binding is the number by which a person proves who they are, and the one that
// waits to take its place. Numbers are blind-index tags: a Binding names none.
type Binding struct {
	Person PersonID
	Phone  Tag       // bound now; zero when none is
	Next   Tag       // waits; zero when none does
	Ripe   time.Time // when Next may take over
}

// Claims returns ErrPhoneClaimed when anybody but who claims a number. Claimants
// are the people under whose number the index has it; one that only waits is no
// claim, or a stranger's wish would take a number from its holder.
func Claims(who PersonID, claimants []PersonID) error {
	for _, c := range claimants {
		if c != who {
			return ErrPhoneClaimed
		}
	}
	return nil
}

// Registered lets the registry's number stand for one that is bound, while none is
// and nobody else claims it. Claimants are those of the registry's number.
func (b Binding) Registered(phone Tag, claimants []PersonID) Binding {
	if b.Phone == (Tag{}) && Claims(b.Person, claimants) == nil {
		b.Phone = phone
	}
	return b
}

// First binds a person's first number, at a facility or from the registry.
// ErrPhoneBound when there is one, ErrPhoneClaimed when it is another's too.
func (b Binding) First(phone Tag, claimants []PersonID) (Binding, error) {
	switch {
	case phone == Tag{}:
		return b, ErrNoPhone
	case b.Phone != Tag{} && b.Phone != phone:
		return b, ErrPhoneBound
	}
	if err := Claims(b.Person, claimants); err != nil {
		return b, err
	}
	b.Phone = phone
	return b, nil
}

// Ask lets a new number wait; the caller tells the old channel. Asking for the
// same again, or for the number bound now, changes nothing: no wait begins anew or
// is cut short. ErrNoPhone, ErrPhoneWaits, ErrPhoneClaimed.
func (b Binding) Ask(phone Tag, claimants []PersonID, at time.Time) (Binding, error) {
	switch {
	case b.Phone == Tag{} || phone == Tag{}:
		return b, ErrNoPhone
	case phone == b.Phone || phone == b.Next:
		return b, nil
	case b.Next != Tag{}:
		return b, ErrPhoneWaits
	}
	if err := Claims(b.Person, claimants); err != nil {
		return b, err
	}
	b.Next, b.Ripe = phone, at.Add(RebindDelay)
	return b, nil
}

// Cancel takes back the number that waits, by whoever proved to hold channel.
// ErrNotChannel, ErrNoneWaits.
func (b Binding) Cancel(channel Tag, at time.Time) (Binding, error) {
	switch {
	case channel == Tag{} || channel != b.Phone:
		return b, ErrNotChannel
	case b.Next == Tag{} || !at.Before(b.Ripe):
		return b, ErrNoneWaits
	}
	b.Next, b.Ripe = Tag{}, time.Time{}
	return b, nil
}

// Settle puts a number that waited long enough in the old one's place. Claimants
// are those of Next now: a number that became another's meanwhile is dropped with
// ErrPhoneClaimed, and the old one stays.
func (b Binding) Settle(claimants []PersonID, at time.Time) (Binding, error) {
	if (b.Next == Tag{}) || at.Before(b.Ripe) {
		return b, nil
	}
	next := b.Next
	b.Next, b.Ripe = Tag{}, time.Time{}
	if err := Claims(b.Person, claimants); err != nil {
		return b, err
	}
	b.Phone = next
	return b, nil
}

// Channel returns the number a code may go to: the one bound now, while nobody
// else claims it. ErrNoPhone, ErrPhoneClaimed.
func (b Binding) Channel(claimants []PersonID) (Tag, error) {
	if (b.Phone == Tag{}) {
		return Tag{}, ErrNoPhone
	}
	if err := Claims(b.Person, claimants); err != nil {
		return Tag{}, err
	}
	return b.Phone, nil
}
