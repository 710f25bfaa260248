package server

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/desk"
)

// OpenRecords gives the keys of the versions that somebody asks for in their own
// signed words, after that is durable and within their budget. All reads are of the
// one person whom the proof's path names; of a record that it names, only that one's
// versions, and how the person's records stand, without which nobody could know that
// they are restricted. A proof is taken once, and not yet when no read agrees with its
// head. A request to send records to another facility opens them as one to read them
// does, and the receipt's Intent is what the document made of them is stated by.
func (k *Keeper) OpenRecords(a keeper.Ask, reads []keeper.Read) (keeper.Receipt, []keeper.Opened, error) {
	now := k.now().Truncate(time.Millisecond)
	by, err := k.believe(k, a, now)
	if err != nil {
		return keeper.Receipt{}, nil, err
	}
	ref, emergency, err := by.asks(reads)
	to, until, sends := by.proof.Sends()
	if err == nil && sends {
		err = maySend(by.Facility, to, until, now)
	}
	if err != nil {
		return keeper.Receipt{}, nil, err
	}
	out := make([]keeper.Opened, len(reads))
	names := make([]keeper.Read, 0, len(reads)) // what is opened
	k.mu.Lock()
	for i, r := range reads {
		if out[i] = k.release(r); out[i].Err == nil {
			names = append(names, r)
		}
	}
	k.mu.Unlock()
	if len(names) == 0 {
		return keeper.Receipt{}, out, nil
	}
	receipt, err := k.intendSigned(by, ref.Person, emergency, names, now)
	if err != nil {
		return keeper.Receipt{}, nil, err
	}
	if sends {
		k.deskMu.Lock()
		k.transfers.asks(receipt.Intent, sending{ref.Person, by.Actor, to, until, now})
		k.deskMu.Unlock()
	}
	return receipt, out, nil
}

// asks returns whom and what for a request is, or refuses reads that it does not name.
func (a *asker) asks(reads []keeper.Read) (ref record.Ref, emergency bool, err error) {
	ref, ok := a.proof.Ref()
	emergency = a.proof.Purpose == keeper.PurposeBreakGlass
	method := "GET"
	if _, _, sends := a.proof.Sends(); sends {
		method = "POST"
	}
	if !ok || a.proof.Method != method || !a.Rights.May(staff.View) || !emergency && a.proof.Purpose != "" && a.proof.Purpose != keeper.PurposeTreatment {
		return ref, false, keeper.ErrActor
	}
	wants := 0
	for i := range reads {
		r := &reads[i]
		health, err := ofRecords(r)
		if err != nil {
			return ref, false, err
		}
		if r.Person != ref.Person || !health && ref.Number != 0 {
			return ref, false, keeper.ErrActor
		}
		for _, w := range r.Want {
			if ref.Number != 0 && w.Record != keeper.Record(ref.Number) && w.Record != keeper.Record(record.Standing) {
				return ref, false, keeper.ErrActor
			}
		}
		wants += len(r.Want)
	}
	if len(reads) == 0 || len(reads) > keeper.MaxBulk || wants > maxWants {
		return ref, false, keeper.ErrTooMany
	}
	return ref, emergency, nil
}

// intendSigned counts one person opened and journals by whom, on what ground and
// which versions. It returns when that is durable.
func (k *Keeper) intendSigned(by asker, who identity.PersonID, emergency bool, names []keeper.Read, now time.Time) (keeper.Receipt, error) {
	k.deskMu.Lock()
	o, err := k.desk.MayOpen(by.ID, who, emergency, now)
	id := keeper.Proof(by.proof.Name())
	if err == nil {
		err = k.proofs.take(now, id)
	}
	if err != nil {
		k.deskMu.Unlock()
		if errors.Is(err, keeper.ErrBudget) || errors.Is(err, keeper.ErrSecond) {
			k.refused.Add(1)
		}
		return keeper.Receipt{}, err
	}
	k.desk.Opened(o, now)
	b := encodeOpened(id, o, names)
	seq, chain, wait := k.journal.Put(recOpened, b)
	k.noted(seq, recOpened, b)
	k.deskMu.Unlock()
	if err := wait(); err != nil {
		return keeper.Receipt{}, err
	}
	k.intents.Add(1)
	r := keeper.Receipt{Intent: id, Seq: seq, Chain: chain, At: now, Loud: o.Class == desk.Glass, View: k.marks.views.Token(id)}
	r.Sign(k.logKey)
	return r, nil
}

// encodeOpened is a record of recOpened: the proof's name, when, on what ground,
// whether it was counted before, whom, by whom, and each version.
func encodeOpened(id keeper.Proof, o desk.Opened, names []keeper.Read) []byte {
	b := append(make([]byte, 0, 128), id[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(o.At.UnixMilli()))
	again := byte(0)
	if o.Again {
		again = 1
	}
	b = append(b, byte(o.Class), again)
	b = binary.BigEndian.AppendUint64(b, uint64(o.Who))
	b = append(b, byte(len(o.Actor)))
	b = append(b, o.Actor...)
	for _, r := range names {
		for _, v := range r.Want {
			b = binary.BigEndian.AppendUint64(b, uint64(v.Record))
			b = binary.BigEndian.AppendUint64(b, v.Version)
		}
	}
	return b
}

const openedHead = 16 + 8 + 2 + 8 + 1

func (k *Keeper) replayOpened(b []byte) error {
	if len(b) < openedHead || len(b) < openedHead+int(b[openedHead-1]) {
		return ErrJournal
	}
	o := desk.Opened{
		At: time.UnixMilli(int64(binary.BigEndian.Uint64(b[16:]))), Class: desk.Class(b[24]), Again: b[25] == 1,
		Who:   identity.PersonID(binary.BigEndian.Uint64(b[26:])),
		Actor: staff.ActorID(b[openedHead : openedHead+int(b[openedHead-1])]),
	}
	k.retake(keeper.Proof(b), o.At)
	k.desk.Opened(o, k.now())
	return nil
}
