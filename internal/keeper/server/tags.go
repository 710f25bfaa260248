package server

import (
	"crypto/rand"
	"encoding/binary"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/trace/index"
)

// Tags computes tags of the trace index for what is being written. The server's own people
// are metered as its look-ups are, so that whoever takes it over, and the index too, cannot
// try the country's NIKs; an operator's command is not held back.
func (k *Keeper) Tags(role keeper.Role, asks []keeper.TagAsk) ([]keeper.Tagged, error) {
	m, n := &k.marks, len(asks)
	for _, a := range asks {
		n += len(a.Records)
	}
	if n > 2*keeper.MaxBulk {
		return nil, keeper.ErrTooMany
	}
	if role != keeper.RoleAdmin && !m.people.take(k.now(), len(asks)) {
		k.refused.Add(1)
		return nil, keeper.ErrBudget
	}
	t := index.NewTagger(index.Key(m.tags))
	out := make([]keeper.Tagged, len(asks))
	for i, a := range asks {
		one := &out[i]
		one.Full = t.Full(a.Facts.NIK)
		if a.Name != "" {
			a.Facts.Row = m.base.Row([]byte(a.Name))
			id := t.Identity(a.Facts)
			id.From = a.From
			one.People = append(one.People, id)
			if decoy, ok := t.Decoy(a.Facts.NIK); ok {
				one.People = append(one.People, decoy)
			}
		}
		for _, r := range a.Records {
			one.Records = append(one.Records, index.Version{Row: m.base.Row([]byte(r.Name)), From: r.From, Record: t.Record(one.Full, r.Number)})
		}
	}
	return out, nil
}

// maxLike is how many documents one record may be known by.
const maxLike = 16

// know tags what documents and rows are known again by, for the records that are written. It
// is not metered. Documents' tags have fresh pads each time, so that who asks for tags of what
// they guess learns nothing of tags that are there. A trait's are bound to the person and the
// record: who guesses one must write that record, which moves the person's head.
func (k *Keeper) know(enters []keeper.Enter, out []keeper.Entered) {
	var t *index.Tagger
	for i, e := range enters {
		alike, told := len(e.Likeness) == len(e.Records), len(e.Traits) == len(e.Records)
		if !alike && !told || out[i].Err != nil {
			continue
		}
		if t == nil {
			t = index.NewTagger(index.Key(k.marks.tags))
		}
		person := k.rowOf(record.Ref{Person: e.Person})
		out[i].Known = make([][]byte, len(e.Records))
		for n, r := range e.Records {
			row := k.rowOf(record.RefOf(e.Person, record.Number(r)))
			if alike {
				all := e.Likeness[n]
				for l := range all[:min(len(all), maxLike)] {
					d := t.Document(row, salt(), &all[l], k.uidRows(&all[l]))
					out[i].Known[n] = d.Known(out[i].Known[n])
				}
			}
			if told {
				out[i].Known[n] = t.Trait(person, row, &e.Traits[n]).Known(out[i].Known[n])
			}
		}
	}
}

func (k *Keeper) rowOf(r record.Ref) leak.Row { return k.marks.base.Row([]byte(r.String())) }

func salt() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.LittleEndian.Uint64(b[:])
}

// uidRows are the rows of an image's names.
func (k *Keeper) uidRows(l *leak.Likeness) (rows [3]leak.Row) {
	for i, uid := range l.UIDs {
		if uid != "" {
			rows[i] = k.marks.base.Row([]byte(leak.UIDName(uid)))
		}
	}
	return rows
}
