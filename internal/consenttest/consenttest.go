// Package consenttest is a registry of a few synthetic people, a real keeper and the
// flow of consent over both, for tests. What the flow asks of its stores and of the
// keeper is counted, call by call.
package consenttest

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/durable/durabletest"
	"github.com/amanah-project/amanah/internal/flow/consent"
	"github.com/amanah-project/amanah/internal/flow/evidence"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/keepertest"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/memory"
)

// World is a flow with all that it stands on.
type World struct {
	T       *testing.T
	Plain   store.DB // uncounted
	Flow    *consent.Flow
	Records *consent.Records
	Outbox  *Outbox
	Counts  *Counts

	mu     sync.Mutex
	now    time.Time
	pushed uint64
}

// Open makes a world with one partner and nobody in it, at noon of a day. Its
// courier works until the test ends.
func Open(t *testing.T) *World {
	t.Helper()
	c := keepertest.Serve(t, durabletest.New(1))
	w := &World{T: t, Plain: memory.New(), Outbox: &Outbox{sent: make(chan consent.Message, 4096)}, Counts: &Counts{n: map[string]int{}}}
	w.now = time.Date(2026, 11, 25, 5, 0, 0, 0, time.UTC)
	k := &countedKeeper{c, w.Counts}
	db := &countedDB{w.Plain, w.Counts}
	courier := consent.NewCourier(db, k, w.Outbox, w.Now, func(err error) { t.Errorf("the courier: %v", err) })
	w.Flow = &consent.Flow{
		DB: db, Keeper: k, Sealer: func() consent.Sealer { return Sealer{} }, Key: identity.NewFactorKey([32]byte{1}),
		Lanes: consent.NewLanes(consent.Limits{PerHour: 1 << 40, PerNetwork: 1 << 40, PerNIK: 1 << 40, Burst: 1 << 40}), Courier: courier, Now: w.Now,
	}
	w.Records = &consent.Records{DB: w.Plain, Keeper: c, Messenger: w.Outbox, Now: w.Now}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		courier.Run(ctx)
		close(ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	w.Update(func(s store.Stores) error {
		return s.Partners.Put(partner.Partner{ID: 1, Name: "Toko Maya", State: partner.Live, Relay: [32]byte{1}})
	})
	return w
}

// Now is the world's clock.
func (w *World) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// Forward moves the clock.
func (w *World) Forward(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// Update writes, uncounted.
func (w *World) Update(fn func(s store.Stores) error) {
	w.T.Helper()
	if err := w.Plain.Update(context.Background(), fn); err != nil {
		w.T.Fatal(err)
	}
}

// View reads, uncounted.
func (w *World) View(fn func(s store.Stores) error) {
	w.T.Helper()
	if err := w.Plain.View(context.Background(), fn); err != nil {
		w.T.Fatal(err)
	}
}

// NIK makes the n-th synthetic NIK of somebody born on a day.
func NIK(n int, birth day.Day) identity.NIK {
	b := birth.Start()
	nik, err := identity.ParseNIK(fmt.Sprintf("9901%02d%02d%02d%02d%04d", 1+n/9999, b.Day(), b.Month(), b.Year()%100, 1+n%9999))
	if err != nil {
		panic(err) // a synthetic NIK is well formed
	}
	return nik
}

// Phone makes the n-th synthetic number.
func Phone(n int) identity.Phone {
	p, err := identity.ParsePhone(fmt.Sprintf("+62810%08d", n))
	if err != nil {
		panic(err) // as above
	}
	return p
}

// Register brings people in, as an import does, and returns what became of them.
func (w *World) Register(people ...identity.Person) evidence.Tally {
	w.T.Helper()
	rules, err := status.Builtin()
	if err != nil {
		w.T.Fatal(err)
	}
	flow := evidence.Flow{
		DB: w.Plain, Keeper: w.Flow.Keeper.(*countedKeeper).evidenceKeeper, Rules: rules, Now: w.Now, Actor: "test", Budget: keeper.BudgetImport,
	}
	rows := make([]evidence.Newcomer, len(people))
	for i, p := range people {
		rows[i] = evidence.Newcomer{Line: int64(i + 1), Person: p}
	}
	tally, err := flow.People(context.Background(), rows, identity.Progress{Source: fmt.Sprint(w.Now())})
	if err != nil || len(tally.Refusals) > 0 {
		w.T.Fatalf("register: %v, %v", tally.Refusals, err)
	}
	return tally
}

// Person makes somebody; a zero phone is none.
func Person(t *testing.T, nik identity.NIK, name string, birth day.Day, phone identity.Phone) identity.Person {
	t.Helper()
	n, err := identity.ParseName(name)
	if err != nil {
		t.Fatal(err)
	}
	return identity.Person{NIK: nik, Name: n, Birth: birth, Phone: phone}
}

// Push makes an authorization as the authorization server does when a client asks.
func (w *World) Push() identity.AuthorizationID {
	w.T.Helper()
	w.mu.Lock()
	w.pushed++
	id := identity.AuthorizationID{1}
	binary.BigEndian.PutUint64(id[8:], w.pushed)
	w.mu.Unlock()
	w.Update(func(s store.Stores) error {
		sealed, err := Sealer{}.SealAsking(id, Asking(), w.Now())
		if err != nil {
			return err
		}
		return s.Authorizations.Put(identity.Authorization{
			ID: id, Partner: 1, Version: 1, Sealed: sealed, Expires: w.Now().Add(5 * time.Minute),
		})
	})
	return id
}

// Asking is what Push asks for.
func Asking() identity.Asking {
	return identity.Asking{
		Client: "maya-phone", Device: identity.Thumbprint{7}, Scope: partner.ScopeColour, Redirect: "https://maya.example/linked",
		State: "s1", Agreement: 1,
	}
}

// Page reads what an attempt remembers.
func (w *World) Page(id identity.AuthorizationID) identity.PageState {
	w.T.Helper()
	var a identity.Asking
	w.View(func(s store.Stores) error {
		row, err := s.Authorizations.Get(id)
		if err != nil {
			return err
		}
		a, err = Sealer{}.OpenAsking(id, row.Sealed)
		return err
	})
	return a.Page
}

// Sealer only fills up: the seal itself is tested where it is.
type Sealer struct{}

// SealAsking implements consent.Sealer.
func (Sealer) SealAsking(id identity.AuthorizationID, a identity.Asking, _ time.Time) ([]byte, error) {
	raw, err := json.Marshal(a)
	out := append(make([]byte, 0, 3<<10), id[:]...)
	out = append(out, raw...)
	for len(out) < cap(out) {
		out = append(out, ' ')
	}
	return out, err
}

// OpenAsking implements consent.Sealer.
func (Sealer) OpenAsking(id identity.AuthorizationID, sealed []byte) (a identity.Asking, err error) {
	if len(sealed) < len(id) || identity.AuthorizationID(sealed[:len(id)]) != id {
		return a, identity.ErrNoAuthorization
	}
	return a, json.Unmarshal(sealed[len(id):], &a)
}

// Outbox keeps what was sent.
type Outbox struct {
	sent chan consent.Message
	Fail error // answered instead of sending, when set before
	kept identity.OneTime
}

// Send implements consent.Messenger.
func (o *Outbox) Send(_ context.Context, m consent.Message) error {
	if o.Fail != nil {
		return o.Fail
	}
	o.sent <- m
	return nil
}

// Next waits for the next message.
func (o *Outbox) Next(t *testing.T) consent.Message {
	t.Helper()
	select {
	case m := <-o.sent:
		return m
	case <-time.After(20 * time.Second):
		t.Fatal("no message came")
		return consent.Message{}
	}
}

// Brought waits until the courier asked the keeper for so many messages in all since
// the counts were taken.
func (w *World) Brought(n int) {
	w.T.Helper()
	if !w.Asked(n, 20*time.Second) {
		w.T.Fatal("the courier does not work")
	}
}

// Asked is Brought with patience, and without a failure.
func (w *World) Asked(n int, patience time.Duration) bool {
	for end := time.Now().Add(patience); w.Counts.Of("keeper read link-message of 1") < n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

// Put keeps a code for Code.
func (o *Outbox) Put(c identity.OneTime) { o.kept = c }

// Code returns the code that was kept.
func (o *Outbox) Code() identity.OneTime { return o.kept }

// Drain drops what waits.
func (o *Outbox) Drain() {
	for {
		select {
		case <-o.sent:
		default:
			return
		}
	}
}

// Empty reports whether no message waits.
func (o *Outbox) Empty() bool { return len(o.sent) == 0 }
