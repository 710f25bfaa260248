package server

import (
	"reflect"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/wire"
)

// TestNothingIsGivenThatTheJournalDoesNotHave: every call to the disk fails in turn, and what
// crosses to whoever asked is the fault alone. That the same call gives something when the
// disk is well is the control.
func TestNothingIsGivenThatTheJournalDoesNotHave(t *testing.T) {
	for name, asks := range map[string]func(*testing.T, *house) wire.Request{
		"register": func(*testing.T, *house) wire.Request { return wire.Request{Call: wire.Register, N: 2} },
		"write": func(*testing.T, *house) wire.Request {
			return wire.Request{Call: wire.Write, Writes: []keeper.Write{{Person: 1, Record: keeper.RecordEvidence, Have: person1()}}}
		},
		"write records": func(_ *testing.T, h *house) wire.Request {
			return wire.Request{Call: wire.WriteRecords, Enters: []keeper.Enter{enter(1, h.have, keeper.FirstRecord+9)}}
		},
		"put colours": func(*testing.T, *house) wire.Request {
			return wire.Request{Call: wire.PutColours, Decided: []keeper.Decided{{Person: 1, Timeline: timeline(1)}}}
		},
		"sign a transfer": func(t *testing.T, h *house) wire.Request {
			receipt, _, err := h.OpenRecords(h.system.ask("POST", "/v1/transfers/Patient/1/rs-99-002/"+day.Of(h.c.now()).Add(3).String()), h.all(1))
			wants(t, "a request to send", err, nil)
			return wire.Request{Call: wire.SignTransfer, Sending: keeper.TransferAsk{ID: receipt.Intent, Digest: [32]byte{7}, Size: 9}}
		},
		"open a gate": func(*testing.T, *house) wire.Request { return wire.Request{Call: wire.OpenGate} },
		"attest":      func(*testing.T, *house) wire.Request { return wire.Request{Call: wire.Attest, Digest: [32]byte{7}} },
		"begin a backup": func(*testing.T, *house) wire.Request {
			return wire.Request{Call: wire.Backup, Backup: keeper.BackupAsk{Step: keeper.BackupBegin}}
		},
		"end a backup": func(t *testing.T, h *house) wire.Request {
			n := step(t, h.Keeper, keeper.BackupAsk{Step: keeper.BackupBegin}).Backup.N
			return wire.Request{Call: wire.Backup, Backup: keeper.BackupAsk{Step: keeper.BackupEnd, N: n, Digest: [32]byte{7}, Held: h.c.now()}}
		},
		"destroy a day": func(t *testing.T, h *house) wire.Request {
			today := h.c.today()
			if _, err := h.days.Keys(today); err != nil {
				t.Fatal(err)
			}
			h.c.pass(31 * 24 * time.Hour)
			return wire.Request{Call: wire.DestroyDay, Days: []day.Day{today}}
		},
		"erase": func(t *testing.T, h *house) wire.Request {
			return wire.Request{Call: wire.Erase, Erase: erasing(t, h.officer, h.second, 1)}
		},
	} {
		journalFailed := 0
		for n := 1; ; n++ {
			d := durabletest.New(1)
			h := newHouse(t, d, 2)
			r := asks(t, h)
			d.Fail(durabletest.Failure{N: n, Stop: true})
			a := h.answer(keeper.RoleAdmin, &r)
			nothing := reflect.DeepEqual(*a, wire.Answer{Fault: a.Fault})
			if a.Fault.Err() == nil {
				if nothing {
					t.Errorf("%s: the control: nothing is given when all is well", name)
				}
				break
			}
			if h.journal.Failed() != nil {
				journalFailed++
			}
			if !nothing {
				t.Errorf("%s, call %d fails: given beside the fault: %+v", name, n, *a)
			}
		}
		if journalFailed < 2 { // it writes, and syncs
			t.Errorf("%s: the journal failed %d times", name, journalFailed)
		}
	}
}
