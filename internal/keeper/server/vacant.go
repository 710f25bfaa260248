package server

import (
	"crypto/rand"
	"encoding/binary"
	"math/big"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/keeper"
)

// Some numbers of people are given to nobody (Options.Vacant), here and there among the
// others, so that canary people in exports have numbers like everybody's. Which they are
// is in the journal; each has a key like any other, which nothing was ever sealed with.

// vacantBlock is how many numbers after each other are near.
const vacantBlock = 1024

// maxVacant bounds how many vacant numbers one answer has.
const maxVacant = 20_000

// draws says, for as many numbers as it takes to give n people one each, which are given.
// Each number is drawn by itself: what stands beside a vacant one tells nothing of it.
func (k *Keeper) draws(n int) (given []bool) {
	for range n {
		for k.opt.Vacant > 1 {
			draw, err := rand.Int(rand.Reader, big.NewInt(int64(k.opt.Vacant)))
			if err != nil || draw.Sign() != 0 {
				break
			}
			given = append(given, false)
		}
		given = append(given, true)
	}
	return given
}

func (k *Keeper) replayVacant(payload []byte) error {
	if len(payload)%8 != 0 {
		return ErrJournal
	}
	for ; len(payload) > 0; payload = payload[8:] {
		id := identity.PersonID(binary.BigEndian.Uint64(payload))
		if id == 0 || uint64(id) > uint64(k.people.n) {
			return ErrJournal
		}
		k.vacant = append(k.vacant, id)
	}
	return nil
}

// vacantNear returns vacant numbers near those of an export's people, where it has canaries.
func (k *Keeper) vacantNear(e keeper.Export) (out []identity.PersonID) {
	if canariesOf(e) == "" {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, v := range k.vacant {
		at := v / vacantBlock * vacantBlock
		i, _ := slices.BinarySearch(e.People, at)
		if i < len(e.People) && e.People[i] < at+vacantBlock && len(out) < maxVacant {
			out = append(out, v)
		}
	}
	return out
}

// canariesOf is which canaries an approved export has.
func canariesOf(e keeper.Export) string {
	body, err := staff.ParseExport(e.Request.Body)
	if err != nil {
		return ""
	}
	return body.Canaries
}
