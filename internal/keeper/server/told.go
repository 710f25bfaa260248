package server

import (
	"encoding/binary"
	"encoding/json"
	"slices"
	"sort"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/notice"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/desk"
)

// noted notes what a record of the journal says that somebody is told of, if it does. The
// caller holds deskMu since it put the record: what is noted is in the journal's order. It
// is kept for notice.Life; a keeper that starts again reads it from the journal.
func (k *Keeper) noted(seq uint64, kind byte, payload []byte) {
	n, ok := noticeOf(kind, payload)
	now := k.now()
	if !ok || notice.Over(n.At, now) {
		return
	}
	n.Place = seq
	over := 0
	for over < len(k.told) && notice.Over(k.told[over].At, now) {
		over++
	}
	k.told = append(slices.Delete(k.told, 0, over), n)
}

// noticeOf reads a record that somebody is told of: an emergency once for each time that it
// counted, a transfer when it is stated, and what a person took along themselves.
func noticeOf(kind byte, b []byte) (n notice.Notice, ok bool) {
	switch kind {
	case recOpened:
		if len(b) < openedHead || desk.Class(b[24]) != desk.Glass || b[25] != 0 {
			return n, false
		}
		at := time.UnixMilli(int64(binary.BigEndian.Uint64(b[16:])))
		return notice.Notice{Person: identity.PersonID(binary.BigEndian.Uint64(b[26:])), Kind: notice.Emergency, At: at}, true
	case recSent:
		var d decision
		if json.Unmarshal(b, &d) != nil || d.Sent == nil {
			return n, false
		}
		return notice.Notice{Person: d.Sent.Person, Kind: notice.Sent, At: d.Sent.Transfer.Sent}, true
	case recIntent:
		return takenOf(b)
	}
	return n, false
}

// takenOf is a person's own intent to take their records along, as intend writes it.
func takenOf(b []byte) (n notice.Notice, ok bool) {
	const head = 16 + 1 + 8 + 1
	if len(b) < head || keeper.Budget(b[16]) != keeper.BudgetSelf || len(b) < head+int(b[head-1])+1 {
		return n, false
	}
	rest := b[head+int(b[head-1]):]
	if len(rest) < 1+int(rest[0])+4+8 || string(rest[1:1+rest[0]]) != keeper.PurposeOwn {
		return n, false
	}
	at := time.UnixMilli(int64(binary.BigEndian.Uint64(b[17:])))
	return notice.Notice{Person: identity.PersonID(binary.BigEndian.Uint64(rest[1+int(rest[0])+4:])), Kind: notice.Taken, At: at}, true
}

// maxNotices bounds one answer.
const maxNotices = 1000

// Notices gives what people are to be told of that came after a place and is durable, the
// earliest first, at most n.
func (k *Keeper) Notices(after uint64, n int) []notice.Notice {
	durable, now := k.journal.Durable().Seq, k.now()
	k.deskMu.Lock()
	defer k.deskMu.Unlock()
	var out []notice.Notice
	from := sort.Search(len(k.told), func(i int) bool { return k.told[i].Place > after })
	for _, one := range k.told[from:] {
		if len(out) >= min(n, maxNotices) || one.Place > durable {
			break
		}
		if !notice.Over(one.At, now) {
			out = append(out, one)
		}
	}
	return out
}
