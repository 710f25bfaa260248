package server

import (
	"encoding/binary"
	"sync"

	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/journal"
)

// ledger is the mark of how far the database's ledger has come, and the key it is made
// with.
type ledger struct {
	key []byte

	mu   sync.Mutex
	mark keeper.Ledger
}

// Ledger returns the mark.
func (k *Keeper) Ledger() keeper.Ledger {
	k.ledger.mu.Lock()
	defer k.ledger.mu.Unlock()
	return k.ledger.mark
}

// MoveLedger moves the mark on, and returns where it stands then.
func (k *Keeper) MoveLedger(role keeper.Role, m keeper.MoveLedger) (keeper.Ledger, error) {
	if m.Accept && role != keeper.RoleAdmin {
		return keeper.Ledger{}, keeper.ErrRole
	}
	l := &k.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case m.Accept:
	case m.Was != l.mark:
		return l.mark, keeper.ErrLedger
	case m.To.Seq <= l.mark.Seq:
		return l.mark, nil
	}
	payload := append(binary.BigEndian.AppendUint64(nil, m.To.Seq), m.To.Chain[:]...)
	if _, _, err := k.journal.Append(journal.KindLedger, payload); err != nil {
		return l.mark, err
	}
	l.mark = m.To
	return l.mark, nil
}

func (l *ledger) replay(payload []byte) error {
	if len(payload) != 8+32 {
		return journal.ErrBroken
	}
	l.mark = keeper.Ledger{Seq: binary.BigEndian.Uint64(payload), Chain: [32]byte(payload[8:])}
	return nil
}
