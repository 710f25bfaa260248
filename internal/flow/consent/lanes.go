package consent

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/fault"
)

// ErrLanes is returned to who asked too much, whoever they asked for.
var ErrLanes = fault.New(fault.Busy, "too many attempts from here, or for this number: try again within the hour")

// Limits bound what the linking pages may ask of the keeper in an hour.
type Limits struct {
	PerHour    int // look-ups over all: a part of the keeper's own meter, so that the rest stays for others
	PerNetwork int // look-ups from one network, while few are asked over all
	PerNIK     int // look-ups of one NIK
	Burst      int // look-ups at once, below the keeper's own burst
}

// Lanes are the linking pages' own budget, spent before the keeper is asked. The
// more of it is spent, the less one network gets: who asks a lot stops themselves
// before they stop others. Counts are in memory, under a key of this process.
type Lanes struct {
	limits Limits
	key    [32]byte

	mu      sync.Mutex
	from    time.Time
	used    int
	left    float64 // of the burst
	at      time.Time
	network map[[16]byte]int
	nik     map[[16]byte]int
}

// lanesRate is how many a second fill the burst up, half of the keeper's own.
const lanesRate = 10

// NewLanes makes the budget.
func NewLanes(l Limits) *Lanes {
	lanes := &Lanes{limits: l, left: float64(l.Burst)}
	rand.Read(lanes.key[:])
	return lanes
}

// Admit counts a look-up of a NIK from a network, or returns ErrLanes and counts
// nothing.
func (l *Lanes) Admit(from string, nik identity.NIK, at time.Time) error {
	return l.take(l.name("network", from), l.name("nik", nik.Reveal()), at)
}

// Enter counts what is no look-up of a NIK.
func (l *Lanes) Enter(from string, at time.Time) error {
	return l.take(l.name("network", from), [16]byte{}, at)
}

func (l *Lanes) name(kind, value string) [16]byte {
	h := hmac.New(sha256.New, l.key[:])
	h.Write([]byte(kind + "\x00" + value))
	return [16]byte(h.Sum(nil)[:16])
}

func (l *Lanes) take(network, nik [16]byte, at time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at.Sub(l.from) >= time.Hour || l.network == nil {
		l.from, l.used, l.network, l.nik = at, 0, map[[16]byte]int{}, map[[16]byte]int{}
	}
	if passed := at.Sub(l.at); passed > 0 {
		l.left = min(float64(l.limits.Burst), l.left+passed.Seconds()*lanesRate)
		l.at = at
	}
	none := [16]byte{}
	if l.used >= l.limits.PerHour || l.left < 1 || l.network[network] >= l.share() || nik != none && l.nik[nik] >= l.limits.PerNIK {
		return ErrLanes
	}
	l.used++
	l.left--
	l.network[network]++
	if nik != none {
		l.nik[nik]++
	}
	return nil
}

// share is what one network may ask in this hour, as things stand.
func (l *Lanes) share() int {
	switch spent := float64(l.used) / float64(l.limits.PerHour); {
	case spent < 0.5:
		return l.limits.PerNetwork
	case spent < 0.75:
		return max(1, l.limits.PerNetwork/4)
	case spent < 0.9:
		return max(1, l.limits.PerNetwork/10)
	}
	return 1
}
