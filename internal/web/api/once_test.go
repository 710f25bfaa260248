package api_test

import (
	"testing"

	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/web/dpop"
	"github.com/amanah-project/amanah/internal/web/problem"
)

// TestProofsReachTheKeeper: whatever is asked, rightly or not, its relay's proof and
// its device's are for the keeper to take once.
func TestProofsReachTheKeeper(t *testing.T) {
	s := newStand(t)
	p := s.phone(1, 1, nil)
	s.nonces.Begin(9, make([]byte, 32))
	relay := dpop.Proof{Thumbprint: [32]byte{1}, ID: "relay", Run: 9}
	lacking := s.checkIn(p)
	lacking.auth = "DPoP none"
	badBody := s.checkIn(p)
	badBody.body = map[string]any{"code": "none"}
	for _, c := range []struct {
		name   string
		call   *call
		proofs int
	}{
		{"check-in", s.checkIn(p), 2},
		{"colour", s.call(p, "GET", "/v1/status", nil), 2},
		{"history", s.call(p, "GET", "/v1/visits", nil), 2},
		{"links", s.call(p, "GET", "/v1/links", nil), 2},
		{"no such resource", s.call(p, "GET", "/v1/nothing", nil), 2},
		{"a body that is wrong", badBody, 2},
		{"a token that is wrong", lacking, 1},
	} {
		r := s.request(c.call)
		r.Relay = relay
		s.device.Serve(t.Context(), r)
		it := s.keeper.last[0]
		all, err := it.Proofs.All()
		if err != nil || len(all) != c.proofs || all[0] != keeper.Proof(relay.Name()) || it.Run != 9 {
			t.Errorf("%s: run %d, proofs %v, %v", c.name, it.Run, all, err)
		}
	}
	r := s.request(s.checkIn(p))
	r.Relay = relay
	r.Relay.Run = 8
	s.device.Serve(t.Context(), r)
	if it := s.keeper.last[0]; it.Run != 0 || len(it.Proofs) == 0 {
		t.Errorf("proofs of two runs are taken for run %d", it.Run)
	}
}

// TestUsedElsewhere: what the keeper says of proofs is said in the words of DPoP,
// so that a device repeats what only lacks a nonce.
func TestUsedElsewhere(t *testing.T) {
	s := newStand(t)
	p := s.phone(1, 1, nil)
	for fate, want := range map[keeper.GateOutcome]error{keeper.GateUsed: dpop.ErrReplay, keeper.GateRun: dpop.ErrNonce} {
		for name, c := range map[string]*call{"check-in": s.checkIn(p), "history": s.call(p, "GET", "/v1/visits", nil), "wrong": s.call(p, "GET", "/v1/nothing", nil)} {
			s.keeper.fate = 0
			if name != "wrong" {
				s.served(c)
			}
			again := s.call(p, c.method, c.path, c.body)
			s.keeper.fate = fate
			r := s.send(again)
			if status, body := problem.Document(want); r.Status != status || string(r.Body) != string(body) {
				t.Errorf("%s: %d %s, want %s", name, r.Status, r.Body, body)
			}
		}
	}
}
