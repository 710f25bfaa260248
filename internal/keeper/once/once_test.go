package once

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/keeper"
)

func proofs(n int) (all keeper.Proofs) {
	var p keeper.Proof
	binary.BigEndian.PutUint32(p[:], uint32(n)+1)
	return all.Name(p)
}

func wants(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: error %v, want %v", what, got, want)
	}
}

func TestOnceIsBounded(t *testing.T) {
	o := New(Life)
	o.young = make(map[keeper.Proof]uint64)
	o.from = time.Unix(1, 0)
	for i := range 100 {
		wants(t, "room", o.Use(time.Unix(1, 0), o.Run.ID, proofs(i), 1), nil)
	}
	if o.limit = 100; o.Use(time.Unix(2, 0), o.Run.ID, proofs(100), 1) != keeper.ErrLoad {
		t.Error("more than fit are taken, or an early one was forgotten")
	}
	wants(t, "one that was used", o.Use(time.Unix(2, 0), o.Run.ID, proofs(5), 2), keeper.ErrLoad)
}
