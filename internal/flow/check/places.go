package check

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/store"
)

// places holds how full each venue is said to be against the parties that are there, and
// visits against the trails by which they are found.
func (c *Check) places(ctx context.Context) error {
	return c.DB.Snapshot(ctx, func(s store.Snapshot) error {
		tables, err := s.Tables()
		if err != nil {
			return err
		}
		inside := map[int64]int64{}
		var visits, trails balance
		if err := eachOf(s, tables, "venue_visit", func(r reader) error {
			if r.at("left_at").Int == 0 && venue.Decision(r.at("decision").Int) != venue.Refuse {
				inside[r.at("venue_id").Int] += r.at("party").Int
			}
			visits.add(r, "id")
			return nil
		}); err != nil {
			return err
		}
		if err := eachOf(s, tables, "venue_trail", func(r reader) error { trails.add(r, "visit_id"); return nil }); err != nil {
			return err
		}
		noted, err := counted(s, tables)
		if err != nil {
			return err
		}
		if err := eachOf(s, tables, "venue_occupancy", func(r reader) error {
			at := r.at("venue_id").Int
			want := inside[at]
			delete(inside, at)
			if r.at("version").Int < noted[at] {
				if err := c.found(Finding{r.table.Name, r.key(), RolledBack, "the ledger of rows knows of later counts"}); err != nil {
					return err
				}
			}
			delete(noted, at)
			if r.at("inside").Int != want {
				return c.found(Finding{r.table.Name, r.key(), Altered, "is not the number of people whose visits last, or one of those visits is"})
			}
			return nil
		}); err != nil {
			return err
		}
		for at, version := range noted {
			if err := c.found(Finding{"venue_occupancy", strconv.FormatInt(at, 10), Missing, fmt.Sprintf("the ledger of rows knows it by its version %d, or the venue is there", version)}); err != nil {
				return err
			}
			delete(inside, at)
		}
		for at, n := range inside {
			if n != 0 {
				if err := c.found(Finding{"venue_occupancy", strconv.FormatInt(at, 10), Missing, "there are visits that last"}); err != nil {
					return err
				}
			}
		}
		if visits == trails {
			return nil
		}
		return c.unpaired(s, tables)
	})
}

// counted returns how far the count of each venue that is there had come when that was last
// noted, zero where it was not.
func counted(s store.Snapshot, tables []store.Table) (map[int64]int64, error) {
	out := map[int64]int64{}
	if err := eachOf(s, tables, "venue_venue", func(r reader) error {
		out[r.at("id").Int] = 0
		return nil
	}); err != nil {
		return nil, err
	}
	return out, eachOf(s, tables, "venue_counted", func(r reader) error {
		all, _ := store.UnpackCounts(r.at("versions").Bytes) // what was altered c.ledger names
		for _, n := range all {
			out[int64(n.Venue)] = int64(n.Version)
		}
		return nil
	})
}

// trailName is what a visit and its trail share.
func trailName(r reader, id string) [32]byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(r.at("day").Int))
	b = append(append(b, r.at("who").Bytes...), r.at(id).Bytes...)
	return sha256.Sum256(b)
}

// balance is a sum over rows in any order: equal for equal sets. It need not resist
// somebody who chooses rows, for they would have to choose names of visits, which are in
// signed leaves.
type balance struct {
	n   uint64
	sum [4]uint64
}

func (b *balance) add(r reader, id string) {
	h := trailName(r, id)
	b.n++
	for i := range b.sum {
		b.sum[i] += binary.BigEndian.Uint64(h[8*i:])
	}
}

// pairsAtOnce bounds the trails that are held in memory.
const pairsAtOnce = 1 << 20

// unpaired names visits without a trail and trails without a visit, a part of them after
// the other.
func (c *Check) unpaired(s store.Snapshot, tables []store.Table) error {
	n := uint64(0)
	if err := eachOf(s, tables, "venue_trail", func(reader) error { n++; return nil }); err != nil {
		return err
	}
	parts := n/pairsAtOnce + 1
	for part := range parts {
		trails := map[[32]byte]string{}
		if err := eachOf(s, tables, "venue_trail", func(r reader) error {
			if h := trailName(r, "visit_id"); binary.BigEndian.Uint64(h[:])%parts == part {
				trails[h] = r.key()
			}
			return nil
		}); err != nil {
			return err
		}
		if err := eachOf(s, tables, "venue_visit", func(r reader) error {
			h := trailName(r, "id")
			if binary.BigEndian.Uint64(h[:])%parts != part {
				return nil
			}
			if _, there := trails[h]; !there {
				return c.found(Finding{"venue_trail", hex.EncodeToString(r.at("id").Bytes), Missing, "a visit is not found by its day and pseudonym, or was altered in them"})
			}
			delete(trails, h)
			return nil
		}); err != nil {
			return err
		}
		for _, key := range trails {
			if err := c.found(Finding{"venue_trail", key, Foreign, "there is no such visit"}); err != nil {
				return err
			}
		}
	}
	return nil
}
