package wire_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/wire"
)

func TestARequestArrivesAsItWasSent(t *testing.T) {
	want := wire.Request{
		Call: wire.Gate, Gate: [16]byte{1},
		Items: []keeper.GateItem{{Event: [16]byte{2}, Asks: true, Detail: []byte("x"), Instant: time.Unix(1_700_000_000, 5).UTC(), Run: 7, Proofs: keeper.Proofs{}.Name(keeper.Proof{8})}, {With: true}},
		Reads: []keeper.Read{{Person: 1, Have: []keeper.Version{{Record: 1, Version: 2}}}, {}},
	}
	var b bytes.Buffer
	for range 2 { // one after the other on a connection
		if err := wire.Send(&b, want); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		var got wire.Request
		if err := wire.Receive(&b, &got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
	var got wire.Request
	if err := wire.Receive(&b, &got); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

func TestOversizeFramesAreNeitherSentNorRead(t *testing.T) {
	var b bytes.Buffer
	if err := wire.Send(&b, wire.Request{Values: [][]byte{make([]byte, wire.MaxFrame)}}); !errors.Is(err, keeper.ErrTooMany) || b.Len() != 0 {
		t.Errorf("sent %d bytes, %v", b.Len(), err)
	}
	var r wire.Request
	if err := wire.Receive(bytes.NewReader(binary.BigEndian.AppendUint32(nil, wire.MaxFrame+1)), &r); !errors.Is(err, keeper.ErrTooMany) {
		t.Errorf("read: %v", err)
	}
}

func TestFaultsBecomeTheirSentinelsAgain(t *testing.T) {
	for _, e := range []error{
		keeper.ErrUnavailable, keeper.ErrBudget, keeper.ErrRole, keeper.ErrSession, keeper.ErrPerson,
		keeper.ErrHead, keeper.ErrSealed, keeper.ErrDay, keeper.ErrTooMany,
		keeper.ErrUsed, keeper.ErrRun, keeper.ErrLoad,
		keeper.ErrWriting, keeper.ErrActor, keeper.ErrSecond, keeper.ErrErased, keeper.ErrErase, keeper.ErrHeld, keeper.ErrFirst, keeper.ErrRecords, keeper.ErrEnrolled,
		keeper.ErrRights, keeper.ErrLast, keeper.ErrRelation, keeper.ErrExport, keeper.ErrSending, keeper.ErrTransfer,
	} {
		if got := wire.FaultOf(errors.Join(errors.New("where it was"), e)).Err(); !errors.Is(got, e) {
			t.Errorf("%v became %v", e, got)
		}
	}
	if err := wire.FaultOf(nil).Err(); err != nil {
		t.Errorf("no error became %v", err)
	}
	other := fault.New(fault.Denied, "the keeper's own words")
	if got := wire.FaultOf(other).Err(); fault.KindOf(got) != fault.Denied || got.Error() != other.Error() {
		t.Errorf("another fault became %v", got)
	}
	if got := wire.FaultOf(errors.New("open /secret/path")).Err(); got == nil || fault.KindOf(got) != fault.Internal || got.Error() != "keeper: internal error" {
		t.Errorf("an internal error crossed as %v", got)
	}
}

// FuzzReceive: whatever comes, a message or an error, and memory within what a
// frame of that length may fill.
func FuzzReceive(f *testing.F) {
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, v := range []any{&wire.Request{}, &wire.Answer{}} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := wire.Receive(bytes.NewReader(raw), v)
			runtime.ReadMemStats(&after)
			// A frame's length is believed up to MaxFrame. The largest element that
			// one byte can stand for is a certificate or an item of the gate.
			if limit := uint64(wire.MaxFrame + 4<<20 + 1024*len(raw)); after.TotalAlloc-before.TotalAlloc > limit {
				t.Fatalf("%d bytes made %d of garbage", len(raw), after.TotalAlloc-before.TotalAlloc)
			}
			if err == nil {
				if err := wire.Send(io.Discard, v); err != nil && !errors.Is(err, keeper.ErrTooMany) {
					t.Fatalf("what was received cannot be sent: %v", err)
				}
			}
		}
	})
}
