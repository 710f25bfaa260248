// Package storetest is the contract of the storage port: what every engine behind
// store.DB must do, method by method and error by error.
//
// It proves behaviour through the port only. What is special to an engine, such
// as a crash or a full disk, is tested beside that engine.
package storetest

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/store"
)

// Run runs the whole contract. Open returns a fresh, empty database for each test
// and closes it at the test's end; a test may close it before.
func Run(t *testing.T, open func(t *testing.T) store.DB) {
	for _, c := range slices.Concat(peopleCases(), gateCases(), recordCases(), sharedCases()) {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

type testCase struct {
	name string
	test func(t *testing.T, db store.DB)
}

// peopleCases are the stores of people, partners and what links them.
func peopleCases() []testCase {
	return []testCase{
		{"People/put and get", testPeople},
		{"People/NIK taken", testNIKTaken},
		{"People/known id", testPersonKnown},
		{"People/walk", testWalkPeople},
		{"People/quarantine", testQuarantine},
		{"Links/put and get", testLinks},
		{"Links/ended for good", testLinkEnds},
		{"Links/of a person", testLinksOf},
		{"Authorizations/put and get", testAuthorizations},
		{"Authorizations/one writer of a version", testAuthorizationVersions},
		{"Authorizations/by code", testAuthorizationCodes},
		{"Authorizations/forget", testAuthorizationsForgotten},
		{"Authorizations/out of range", testAuthorizationRange},
		{"Authorizations/one of many writers", testAuthorizationRace},
		{"Bindings/put and get", testBindings},
		{"Bindings/who claims a number", testClaimants},
		{"Bindings/ripe", testRipe},
		{"Guardians", testGuardians},
		{"Guesses", testGuesses},
		{"Guesses/one of many writers", testGuessRace},
		{"Second factor/out of range", testFactorRange},
		{"Refresh/generations", testGenerations},
		{"Refresh/one of many", testGenerationRace},
		{"Cards/put and get", testCards},
		{"Cards/revoked for good", testCardRevoked},
		{"Cards/forget", testCardsForgotten},
		{"PINs/put and get", testPINs},
		{"PINs/tries", testPINTries},
		{"PINs/tries from many", testPINTriesRace},
		{"Progress", testProgress},
		{"Links/people counted", testLinked},
		{"Links/cap never exceeded", testLinkedCap},
		{"Partners", testPartners},
		{"Partners/steps", testSteps},
		{"Agreements/offer", testAgreements},
		{"Agreements/countersign", testCountersigned},
		{"Agreements/one of many offers", testAgreementRace},
	}
}

// gateCases are the stores of colours, places and what happened at their doors.
func gateCases() []testCase {
	return []testCase{
		{"Status/colours", testColours},
		{"Status/older is kept out", testColourVersions},
		{"Status/walk", testWalkColours},
		{"Status/evidence", testEvidence},
		{"Venues/put keeps the count", testVenues},
		{"Venues/add and inside", testOccupancy},
		{"Venues/count anew", testRecount},
		{"Venues/unknown", testVenueUnknown},
		{"Venues/entered", testEntered},
		{"Lookups/put and get", testLookups},
		{"Journeys", testJourneys},
		{"Visits/put and get", testVisits},
		{"Visits/insert if absent", testVisitAgain},
		{"Visits/of a trail", testVisitsOf},
		{"Visits/leave", testLeave},
		{"Visits/due", testDue},
		{"Visits/forget", testForget},
		{"Passes/put and of", testPasses},
		{"Passes/use once", testPassUse},
		{"Passes/one of many", testPassRace},
		{"Passes/forget", testPassesForgotten},
		{"Asks/put and of", testAsks},
		{"Asks/counted together", testAskTimes},
		{"Asks/forget", testAsksForgotten},
		{"Asks/out of range", testAskRange},
		{"Disputes/file and find", testDisputes},
		{"Disputes/answer", testDisputeAnswers},
		{"Disputes/numbers without gaps", testDisputeRace},
		{"Staff/facilities", testFacilities},
		{"Staff/members", testMembers},
		{"Staff/invitations", testInvitations},
		{"Staff/sign-ins", testSessions},
		{"Staff/requests", testRequests},
		{"Log/put and get", testLeaves},
		{"Log/again and forked", testLeafAgain},
		{"Log/malformed", testLeafMalformed},
		{"Log/of and gates", testLeavesOf},
	}
}

// sharedCases are what holds for all stores, and for transactions.
func sharedCases() []testCase {
	return []testCase{
		{"Numbers out of range", testRange},
		{"Nothing asked", testNothing},
		{"Batch of 256", testLargeBatch},
		{"Tx/error undoes", testErrorUndoes},
		{"Tx/panic undoes", testPanicUndoes},
		{"Tx/goexit undoes", testGoexitUndoes},
		{"Tx/failure cannot be hidden", testFailureSticks},
		{"Tx/neighbours go on", testNeighbours},
		{"Tx/stores end with it", testStale},
		{"Tx/view cannot write", testViewWrites},
		{"Tx/view is a snapshot", testSnapshot},
		{"Tx/reads own writes", testOwnWrites},
		{"Tx/cancelled while queued", testCancelled},
		{"Tx/cancelled before", testCancelledBefore},
		{"Tx/cancelled while running", testCancelledRunning},
		{"Tx/bulk", testBulk},
		{"Tx/close", testClose},
		{"Tx/close waits", testCloseWaits},
		{"Capacity never exceeded", testCapacity},
		{"Same ids from many", testSameIDs},
		{"Counts add up", testCounts},
		{"No write skew", testWriteSkew},
	}
}

// update runs fn and tries again while the database asks for that.
func update(t *testing.T, db store.DB, fn func(s store.Stores) error) {
	t.Helper()
	if err := persist(db, fn); err != nil {
		t.Fatal(err)
	}
}

// persist is what a patient caller does: Busy means try again.
func persist(db store.DB, fn func(s store.Stores) error) error {
	for {
		err := db.Update(context.Background(), fn)
		if fault.KindOf(err) != fault.Busy {
			return err
		}
		time.Sleep(time.Millisecond)
	}
}

func view(t *testing.T, db store.DB, fn func(s store.Stores) error) {
	t.Helper()
	if err := db.View(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// wantErr runs fn in an Update, which must fail with want.
func wantErr(t *testing.T, db store.DB, want error, fn func(s store.Stores) error) {
	t.Helper()
	if err := persist(db, fn); !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

// same compares what was stored with what came back. A moment is a moment in
// any zone; no bytes are no bytes.
func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Fatalf("%s (-want +got):\n%s", what, d)
	}
}

// id16 makes an id that ascends with n and is never zero for n > 0.
func id16(n int) (id [16]byte) {
	binary.BigEndian.PutUint64(id[:], uint64(n))
	binary.BigEndian.PutUint64(id[8:], uint64(n)*0x9e3779b97f4a7c15)
	return id
}

// spread makes an id without an order.
func spread(n int) (id [16]byte) {
	binary.BigEndian.PutUint64(id[:], uint64(n)*0x9e3779b97f4a7c15)
	binary.BigEndian.PutUint64(id[8:], uint64(n)+1)
	return id
}

func id32(n int) (id [32]byte) {
	a, b := spread(n), spread(n+7)
	copy(id[:], a[:])
	copy(id[16:], b[:])
	return id
}

// sealed makes bytes that look sealed: every value occurs, zero included.
func sealed(n, size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(n*31 + i*i*7 + i)
	}
	return b
}

// at is a moment some seconds after the tests' own noon, to the microsecond.
func at(seconds int) time.Time {
	return time.Date(2022, 2, 15, 5, 0, 0, 123_456_000, time.UTC).Add(time.Duration(seconds) * time.Second)
}
