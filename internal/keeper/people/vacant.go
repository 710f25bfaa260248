package people

import (
	"crypto/rand"
	"encoding/binary"
	"math/big"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/keeper/journal"
)

// Some numbers of people are given to nobody (Config.Vacant), here and there among the
// others, so that canary people in exports have numbers like everybody's. Which they are
// is in the journal; each has a key like any other, which nothing was ever sealed with.

// vacantBlock is how many numbers after each other are near.
const vacantBlock = 1024

// maxVacant bounds how many vacant numbers one answer has.
const maxVacant = 20_000

// draws says, for as many numbers as it takes to give n people one each, which are given.
// Each number is drawn by itself: what stands beside a vacant one tells nothing of it.
func (p *People) draws(n int) (given []bool) {
	for range n {
		for p.every > 1 {
			draw, err := rand.Int(rand.Reader, big.NewInt(int64(p.every)))
			if err != nil || draw.Sign() != 0 {
				break
			}
			given = append(given, false)
		}
		given = append(given, true)
	}
	return given
}

func (p *People) replayVacant(payload []byte) error {
	if len(payload)%8 != 0 {
		return journal.ErrBroken
	}
	for ; len(payload) > 0; payload = payload[8:] {
		id := identity.PersonID(binary.BigEndian.Uint64(payload))
		if id == 0 || uint64(id) > uint64(p.slots.n) {
			return journal.ErrBroken
		}
		p.vacant = append(p.vacant, id)
	}
	return nil
}

// VacantNear returns vacant numbers near those of some people, which ascend.
func (p *People) VacantNear(people []identity.PersonID) (out []identity.PersonID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, v := range p.vacant {
		at := v / vacantBlock * vacantBlock
		i, _ := slices.BinarySearch(people, at)
		if i < len(people) && people[i] < at+vacantBlock && len(out) < maxVacant {
			out = append(out, v)
		}
	}
	return out
}
