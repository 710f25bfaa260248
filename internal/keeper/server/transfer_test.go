package server

import (
	"crypto/ed25519"
	"encoding/hex"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/journal"
)

// TestTransfersOutliveTheKeeper: what was stated is known after a restart: the receipt is
// taken from whom it went to, and a request stated once is not stated again.
func TestTransfersOutliveTheKeeper(t *testing.T) {
	h := newHouse(t, durabletest.New(1), 2)
	until := day.Of(h.c.now()).Add(3)
	path := "/v1/transfers/Patient/1/rs-99-002/" + until.String()
	get := h.system.claims("GET", path)
	_, _, err := h.OpenRecords(h.system.sign(get), h.all(1))
	wants(t, "a GET of what sends", err, keeper.ErrActor)
	_, _, err = h.OpenRecords(h.system.ask("POST", "/v1/transfers/Patient/1/rs-99-001/"+until.String()), h.all(1))
	wants(t, "to oneself", err, keeper.ErrSending)
	_, _, err = h.OpenRecords(h.system.ask("POST", "/fhir/R4/Patient/1"), h.all(1))
	wants(t, "a POST of what reads", err, keeper.ErrActor)
	receipt, _, err := h.OpenRecords(h.system.ask("POST", path), h.all(1))
	wants(t, "a request to send", err, nil)
	made, err := h.SignTransfer(keeper.TransferAsk{ID: receipt.Intent, Digest: [32]byte{7}, Size: 9})
	wants(t, "stated", err, nil)
	if made.From != "rs-99-001" || made.To != "rs-99-002" || made.By != "client-1" || !made.Until.Equal(until.Add(1).Start()) {
		t.Errorf("stated %+v", made)
	}
	if !ed25519.Verify(logPublic(h.Keeper), made.Bytes(), made.Signature[:]) {
		t.Error("the statement is signed by another key")
	}
	if n := len(records(h.Keeper, journal.KindSent)); n != 1 {
		t.Errorf("%d statements in the journal", n)
	}
	_, err = h.SignTransfer(keeper.TransferAsk{ID: receipt.Intent, Digest: [32]byte{8}, Size: 9})
	wants(t, "stated again", err, keeper.ErrTransfer)
	late, _, err := h.OpenRecords(h.system.ask("POST", path), h.all(1))
	wants(t, "a second request", err, nil)
	h.c.pass(5*time.Minute + 1e9)
	_, err = h.SignTransfer(keeper.TransferAsk{ID: late.Intent, Digest: [32]byte{8}, Size: 9})
	wants(t, "stated too late", err, keeper.ErrTransfer)

	h.restart(t)
	got := "/v1/transfers/1-65540/receipt/" + hex.EncodeToString(made.Digest[:])
	_, err = h.ReceiveTransfer(h.system.ask("POST", got))
	wants(t, "the sender's receipt", err, keeper.ErrTransfer)
	h.other.signIn()
	_, err = h.ReceiveTransfer(h.other.ask("POST", "/v1/transfers/2-65540/receipt/"+hex.EncodeToString(made.Digest[:])))
	wants(t, "of another person", err, keeper.ErrTransfer)
	_, err = h.ReceiveTransfer(h.other.ask("GET", got))
	wants(t, "a GET", err, keeper.ErrActor)
	r, err := h.ReceiveTransfer(h.other.ask("POST", got))
	wants(t, "the receiver's", err, nil)
	if !r.Holds(logPublic(h.Keeper)) || len(records(h.Keeper, journal.KindReceived)) != 1 {
		t.Error("the receipt is in no journal, or is not signed")
	}
	h.c.pass(5 * 24 * 3600 * 1e9)
	h.other.signIn()
	_, err = h.ReceiveTransfer(h.other.ask("POST", got))
	wants(t, "when it is over", err, keeper.ErrTransfer)
}
