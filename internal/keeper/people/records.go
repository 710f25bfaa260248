package people

import (
	"encoding/binary"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/heads"
	"github.com/amanah-project/amanah/internal/keeper/journal"
)

const enterLen = 8 + 8 + 8 + 16 + 16

// Enter begins writes of health records and gives the keys of their versions, which are
// for nobody until wait has returned nil.
func (p *People) Enter(enters []keeper.Enter) (out []keeper.Entered, wait func() error, err error) {
	if err := keeper.CheckEnters(enters); err != nil {
		return nil, nil, err
	}
	bases := make([][16]byte, len(enters)) // long lists are hashed before anybody waits
	for i, e := range enters {
		bases[i] = keeper.RecordsHead(e.Have)
	}
	out = make([]keeper.Entered, len(enters))
	payload := make([]byte, 0, len(enters)*enterLen)
	p.mu.Lock()
	now := p.now()
	for i, e := range enters {
		head, err := p.enter(&out[i], e, bases[i], now)
		if err != nil {
			out[i] = keeper.Entered{Err: err}
			continue
		}
		w := heads.Write{Version: out[i].Version, Head: head, At: now.UnixMilli()}
		p.health.Make(e.Person).Begin(bases[i], w)
		payload = binary.BigEndian.AppendUint64(payload, uint64(e.Person))
		payload = binary.BigEndian.AppendUint64(payload, w.Version)
		payload = binary.BigEndian.AppendUint64(payload, uint64(w.At))
		payload = append(payload, bases[i][:]...)
		payload = append(payload, w.Head[:]...)
	}
	_, _, wait = p.journal.Put(journal.KindEnters, payload)
	p.mu.Unlock()
	return out, wait, nil
}

// enter fills in what one write is answered, or says why it may not be. It changes
// nothing.
func (p *People) enter(out *keeper.Entered, e keeper.Enter, base [16]byte, now time.Time) (head [16]byte, err error) {
	s, err := p.person(e.Person)
	if err != nil {
		return head, err
	}
	h := p.health.Of(e.Person)
	if err := h.May(base, now); err != nil {
		return head, err
	}
	if len(e.Have)+len(e.Records) > keeper.MaxVersions {
		return head, keeper.ErrTooMany
	}
	out.Version = 1
	if h != nil {
		out.Version = h.Counter + 1
	}
	for _, r := range e.Records {
		key, err := versionKey(s.key[:], r, out.Version)
		if err != nil {
			return head, err
		}
		out.Keys = append(out.Keys, key)
	}
	return keeper.RecordsHead(heads.With(e.Have, e.Records, out.Version)), nil
}

func (p *People) replayEnters(payload []byte) error {
	if len(payload)%enterLen != 0 {
		return journal.ErrBroken
	}
	for ; len(payload) > 0; payload = payload[enterLen:] {
		id := identity.PersonID(binary.BigEndian.Uint64(payload))
		if _, err := p.person(id); err != nil {
			return journal.ErrBroken
		}
		p.health.Make(id).Begin([16]byte(payload[24:]), heads.Write{
			Version: binary.BigEndian.Uint64(payload[8:]), Head: [16]byte(payload[40:]), At: int64(binary.BigEndian.Uint64(payload[16:])),
		})
	}
	return nil
}

// SettleRecords confirms writes of health records that the database holds durably:
// from then on what was before them is a roll-back.
func (p *People) SettleRecords(settled []keeper.Settled) error {
	if len(settled) > keeper.MaxBulk {
		return keeper.ErrTooMany
	}
	p.mu.Lock()
	payload := make([]byte, 0, 16*len(settled))
	for _, c := range settled {
		if p.health.Of(c.Person).Settle(c.Version) {
			payload = binary.BigEndian.AppendUint64(payload, uint64(c.Person))
			payload = binary.BigEndian.AppendUint64(payload, c.Version)
		}
	}
	_, _, wait := p.journal.Put(journal.KindEntered, payload)
	p.mu.Unlock()
	return wait()
}

func (p *People) replayEntered(payload []byte) error {
	for ; len(payload) >= 16; payload = payload[16:] {
		p.health.Of(identity.PersonID(binary.BigEndian.Uint64(payload))).Settle(binary.BigEndian.Uint64(payload[8:]))
	}
	return nil
}
