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
	long := want
	long.Values = [][]byte{make([]byte, 1<<20+1)}
	all := []wire.Request{want, {}, want, long, {Call: wire.Index}, want} // one after the other on a connection
	var b bytes.Buffer
	s := wire.NewStream(&b, &b)
	var lengths []int
	for _, r := range all {
		before := b.Len()
		if err := s.Send(r); err != nil {
			t.Fatal(err)
		}
		lengths = append(lengths, b.Len()-before)
	}
	if types := lengths[0] - lengths[2]; types < 1000 || lengths[1] > 1000 || lengths[4] < types {
		t.Errorf("%d bytes each: the types are described with the first, and after a long one", lengths)
	}
	for _, r := range all {
		var got wire.Request
		if err := s.Receive(&got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(r, got, cmp.Comparer(bytes.Equal)); d != "" {
			t.Error(d)
		}
	}
	var got wire.Request
	if err := s.Receive(&got); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

// TestTypesComeWithTheFirst: a peer cannot have the other end remember types without end.
func TestTypesComeWithTheFirst(t *testing.T) {
	type invented struct{ Call wire.Call }
	for name, second := range map[string]any{"another type": invented{Call: 1}, "the same again": wire.Request{Call: 1}} {
		var b bytes.Buffer
		for _, v := range []any{wire.Request{Call: 1}, second} {
			if err := wire.NewStream(&b, &b).Send(v); err != nil { // each describes its types
				t.Fatal(err)
			}
		}
		s := wire.NewStream(&b, &b)
		var r wire.Request
		if err := s.Receive(&r); err != nil {
			t.Fatal(err)
		}
		if err := s.Receive(&r); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestAFrameIsOneMessage(t *testing.T) {
	var b bytes.Buffer
	s := wire.NewStream(&b, &b)
	for range 2 {
		if err := s.Send(wire.Request{Call: 1}); err != nil {
			t.Fatal(err)
		}
	}
	raw := b.Bytes()
	first := int(binary.BigEndian.Uint32(raw))
	two := binary.BigEndian.AppendUint32(nil, uint32(len(raw)-8))
	two = append(append(two, raw[4:4+first]...), raw[8+first:]...)
	var r wire.Request
	if err := wire.NewStream(bytes.NewReader(two), io.Discard).Receive(&r); err == nil {
		t.Error("two messages in one frame were taken")
	}
}

// BenchmarkCall is one small request and its answer on a connection that stands.
func BenchmarkCall(b *testing.B) {
	var pipe bytes.Buffer
	s := wire.NewStream(&pipe, &pipe)
	for b.Loop() {
		var r wire.Request
		if err := errors.Join(s.Send(wire.Request{Call: wire.Index, Values: [][]byte{{1}}}), s.Receive(&r)); err != nil {
			b.Fatal(err)
		}
	}
}

func TestOversizeFramesAreNeitherSentNorRead(t *testing.T) {
	var b bytes.Buffer
	if err := wire.NewStream(&b, &b).Send(wire.Request{Values: [][]byte{make([]byte, wire.MaxFrame)}}); !errors.Is(err, keeper.ErrTooMany) || b.Len() != 0 {
		t.Errorf("sent %d bytes, %v", b.Len(), err)
	}
	var r wire.Request
	long := bytes.NewReader(binary.BigEndian.AppendUint32(nil, wire.MaxFrame+1))
	if err := wire.NewStream(long, io.Discard).Receive(&r); !errors.Is(err, keeper.ErrTooMany) {
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
			s := wire.NewStream(bytes.NewReader(raw), io.Discard)
			err := s.Receive(v)
			runtime.ReadMemStats(&after)
			// A frame's length is believed up to MaxFrame. The largest element that
			// one byte can stand for is a certificate or an item of the gate.
			if limit := uint64(wire.MaxFrame + 4<<20 + 1024*len(raw)); after.TotalAlloc-before.TotalAlloc > limit {
				t.Fatalf("%d bytes made %d of garbage", len(raw), after.TotalAlloc-before.TotalAlloc)
			}
			if err == nil {
				if err := s.Send(v); err != nil && !errors.Is(err, keeper.ErrTooMany) {
					t.Fatalf("what was received cannot be sent: %v", err)
				}
				_ = s.Receive(v) // what may come after it
			}
		}
	})
}
