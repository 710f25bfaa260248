// Package keepertest serves a real keeper for tests.
package keepertest

import (
	"context"
	"crypto/rand"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/domain/staff/stafftest"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/client"
	"github.com/amanah-project/amanah/internal/keeper/root"
	"github.com/amanah-project/amanah/internal/keeper/server"
)

// Serve serves a keeper over disk until the test ends, and returns a client on its
// admin socket. The keeper's root is sealed under a credential of zeros, and it
// believes what was signed for stafftest.Origin.
func Serve(t testing.TB, disk durable.FS) *client.Client {
	t.Helper()
	_, admin := Both(t, disk)
	return admin
}

// Both is Serve, with a client on the server's socket before the operator's.
func Both(t testing.TB, disk durable.FS) (serve, admin *client.Client) {
	t.Helper()
	return Vacant(t, disk, 0)
}

// Vacant is Both of a keeper that gives one of so many numbers of people to nobody.
func Vacant(t testing.TB, disk durable.FS, of int) (serve, admin *client.Client) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	dir := t.TempDir()
	k, err := server.Open(server.Options{Disk: disk, Credential: root.Credential{Secret: make([]byte, 32)}, Origin: stafftest.Origin, Vacant: of})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() {
		served <- k.Serve(ctx, server.ListenOptions{Dir: dir, SameUser: true, Log: slog.New(slog.DiscardHandler)})
	}()
	t.Cleanup(func() {
		cancel()
		<-served
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	serve, admin = client.New(filepath.Join(dir, "serve.sock")), client.New(filepath.Join(dir, "admin.sock"))
	for {
		_, err1 := serve.Health(ctx)
		_, err2 := admin.Health(ctx)
		if err1 == nil && err2 == nil {
			return serve, admin
		}
		time.Sleep(time.Millisecond)
	}
}

// Enrol makes actors known to a keeper that knows none, by an officer of the test's
// own. Their keys are of stafftest's signers.
func Enrol(t testing.TB, admin *client.Client, actors ...staff.Actor) {
	t.Helper()
	passkey, browser := stafftest.EC(t), stafftest.EC(t)
	officer := staff.Actor{ID: "officer-1", Facility: "dinas-99", Role: staff.RoleOfficer, Key: passkey.JWK()}
	if err := admin.Enrol(t.Context(), keeper.Enrolment{Actor: officer}); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	word := passkey.Endorse(t, officer.ID, browser.Thumbprint(), now.Add(time.Hour))
	for _, a := range actors {
		claims := stafftest.Request("POST", stafftest.Origin+"/v1/actors/"+string(a.ID)+"/"+a.Digest(), now)
		if err := admin.Enrol(t.Context(), keeper.Enrolment{Actor: a, By: keeper.Ask{Proof: browser.Proof(t, claims), Endorsement: word}}); err != nil {
			t.Fatal(err)
		}
	}
}

// Desk is what the passkeys of Officers are made for.
var Desk = staff.Site{ID: "amanah.example", Origin: stafftest.Origin}

// Officers makes officer-1 and officer-2 known to a keeper that knows nobody, the second by
// the first, and returns their passkeys.
func Officers(t testing.TB, admin *client.Client, at staff.Site) (one, two *stafftest.Authenticator) {
	t.Helper()
	one, two = stafftest.Passkey(t), stafftest.Passkey(t)
	first := staff.Actor{ID: "officer-1", Facility: "dinkes-99", Role: staff.RoleOfficer, Key: one.JWK()}
	second := first
	second.ID, second.Key = "officer-2", two.JWK()
	browser := stafftest.EC(t)
	by := keeper.Ask{
		Proof:       browser.Proof(t, stafftest.Request("POST", at.Origin+"/v1/actors/officer-2/"+second.Digest(), time.Now())),
		Endorsement: one.Endorses(at, "officer-1", browser.Thumbprint(), time.Now().Add(time.Hour)).Encode(),
	}
	for _, e := range []keeper.Enrolment{{Actor: first}, {Actor: second, By: by}} {
		if err := admin.Enrol(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	return one, two
}

// Erasure is one that officer-1 asks for and both sign.
func Erasure(at staff.Site, one, two *stafftest.Authenticator, who identity.PersonID) keeper.Erase {
	now := time.Now().Truncate(time.Second)
	e := keeper.Erase{Request: staff.Request{
		Kind: staff.AskErase, By: "officer-1", Place: "dinkes-99", Purpose: "letter " + rand.Text()[:8], Asked: now, Until: now.Add(time.Hour),
		Body: staff.Erasure{Person: who, Reason: "own-request"}.Body(),
	}}
	id := e.Request.ID()
	e.Approvals = []staff.Approval{one.Approve(at, "officer-1", id, now), two.Approve(at, "officer-2", id, now)}
	return e
}
