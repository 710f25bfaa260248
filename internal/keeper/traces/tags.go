package traces

import (
	"crypto/rand"
	"encoding/binary"
	"time"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/copies"
	"github.com/amanah-project/amanah/internal/trace/index"
)

// Tags computes tags of the trace index for what is being written. The server's own people
// are metered as its look-ups are, so that whoever takes it over, and the index too, cannot
// try the country's NIKs. An operator's command, which feeds whole imports, has tags of as many
// people as it opened, each of whom the journal names; how many it had, is journaled before.
func (t *Traces) Tags(role keeper.Role, asks []keeper.TagAsk) ([]keeper.Tagged, error) {
	n := len(asks)
	for _, a := range asks {
		n += len(a.Records)
	}
	if n > 2*keeper.MaxBulk {
		return nil, keeper.ErrTooMany
	}
	if err := t.mayTag(role, len(asks)); err != nil {
		return nil, err
	}
	tagger := index.NewTagger(index.Key(t.tags))
	out := make([]keeper.Tagged, len(asks))
	for i, a := range asks {
		one := &out[i]
		one.Full = tagger.Full(a.Facts.NIK)
		if a.Name != "" {
			a.Facts.Row = t.base.Row([]byte(a.Name))
			id := tagger.Identity(a.Facts)
			id.From = a.From
			one.People = append(one.People, id)
			if decoy, ok := tagger.Decoy(a.Facts.NIK); ok {
				one.People = append(one.People, decoy)
			}
		}
		for _, r := range a.Records {
			one.Records = append(one.Records, index.Version{Row: t.base.Row([]byte(r.Name)), From: r.From, Record: tagger.Record(one.Full, r.Number)})
		}
	}
	return out, nil
}

// mayTag returns ErrBudget for more people than a role may have tagged.
func (t *Traces) mayTag(role keeper.Role, n int) error {
	if role != keeper.RoleAdmin {
		if !t.identity.Take(t.now(), n) {
			t.refused.Add(1)
			return keeper.ErrBudget
		}
		return nil
	}
	if n == 0 {
		return nil
	}
	t.mu.Lock()
	if t.tagged+uint64(n) <= t.permits.OpenedByOperator() {
		t.tagged += uint64(n)
	} else if !t.operator.Take(t.now(), n) { // a few whom nobody opens: an erasure's, say
		t.mu.Unlock()
		t.refused.Add(1)
		return keeper.ErrBudget
	}
	_, wait, err := t.note(copies.Made{At: t.now().Truncate(time.Millisecond), Tagged: n})
	t.mu.Unlock()
	if err != nil {
		return err
	}
	return wait()
}

// maxLike is how many documents one record may be known by.
const maxLike = 16

// Know tags what documents and rows are known again by, for the records that are written. It
// is not metered. Documents' tags have fresh pads each time, so that who asks for tags of what
// they guess learns nothing of tags that are there. A trait's are bound to the person and the
// record: who guesses one must write that record, which moves the person's head.
func (t *Traces) Know(enters []keeper.Enter, out []keeper.Entered) {
	var tagger *index.Tagger
	for i, e := range enters {
		alike, told := len(e.Likeness) == len(e.Records), len(e.Traits) == len(e.Records)
		if !alike && !told || out[i].Err != nil {
			continue
		}
		if tagger == nil {
			tagger = index.NewTagger(index.Key(t.tags))
		}
		person := t.rowOf(record.Ref{Person: e.Person})
		out[i].Known = make([][]byte, len(e.Records))
		for n, r := range e.Records {
			row := t.rowOf(record.RefOf(e.Person, record.Number(r)))
			if alike {
				all := e.Likeness[n]
				for l := range all[:min(len(all), maxLike)] {
					d := tagger.Document(row, salt(), &all[l], t.uidRows(&all[l]))
					out[i].Known[n] = d.Known(out[i].Known[n])
				}
			}
			if told {
				out[i].Known[n] = tagger.Trait(person, row, &e.Traits[n]).Known(out[i].Known[n])
			}
		}
	}
}

func (t *Traces) rowOf(r record.Ref) leak.Row { return t.base.Row([]byte(r.String())) }

func salt() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.LittleEndian.Uint64(b[:])
}

// uidRows are the rows of an image's names.
func (t *Traces) uidRows(l *leak.Likeness) (rows [3]leak.Row) {
	for i, uid := range l.UIDs {
		if uid != "" {
			rows[i] = t.base.Row([]byte(leak.UIDName(uid)))
		}
	}
	return rows
}
