package identity_test

import (
	"errors"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"pgregory.net/rapid"
)

var (
	oldPhone, newPhone, thirdPhone = identity.Tag{1}, identity.Tag{2}, identity.Tag{3}
	asked                          = time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)
)

func bound(t testing.TB) identity.Binding {
	t.Helper()
	b, err := identity.Binding{Person: 1}.First(oldPhone, []identity.PersonID{1})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func waiting(t testing.TB) identity.Binding {
	t.Helper()
	b, err := bound(t).Ask(newPhone, nil, asked)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestNewNumberWaits(t *testing.T) {
	b := waiting(t)
	for after, want := range map[time.Duration]identity.Tag{
		0: oldPhone, identity.RebindDelay - time.Nanosecond: oldPhone, 72 * time.Hour: newPhone, 1000 * time.Hour: newPhone,
	} {
		got, err := b.Settle(nil, asked.Add(after))
		if err != nil || got.Phone != want {
			t.Errorf("after %v: %v, %v", after, got, err)
		}
		if channel, err := got.Channel([]identity.PersonID{1}); err != nil || channel != want {
			t.Errorf("after %v: codes go to %v, %v", after, channel, err)
		}
	}
}

func TestAskingAgainMovesNoWait(t *testing.T) {
	b := waiting(t)
	for _, phone := range []identity.Tag{newPhone, oldPhone} {
		if got, err := b.Ask(phone, nil, asked.Add(time.Hour)); err != nil || got != b {
			t.Errorf("%v: %v, %v", phone, got, err)
		}
	}
	// A third number takes no turn, not even when the second is ripe and not settled.
	for _, after := range []time.Duration{time.Hour, 100 * time.Hour} {
		if got, err := b.Ask(thirdPhone, nil, asked.Add(after)); !errors.Is(err, identity.ErrPhoneWaits) || got != b {
			t.Errorf("a third: %v, %v", got, err)
		}
	}
}

func TestOldChannelCancels(t *testing.T) {
	b, in := waiting(t), asked.Add(71*time.Hour)
	got, err := b.Cancel(oldPhone, in)
	if err != nil || got != bound(t) {
		t.Errorf("cancelled: %v, %v", got, err)
	}
	if got, _ = got.Settle(nil, asked.Add(100*time.Hour)); got.Phone != oldPhone {
		t.Error("a cancelled number took over")
	}
	for _, c := range []struct {
		name    string
		b       identity.Binding
		channel identity.Tag
		at      time.Time
		want    error
	}{
		{"the new number", b, newPhone, in, identity.ErrNotChannel},
		{"a stranger's", b, thirdPhone, in, identity.ErrNotChannel},
		{"no number", b, identity.Tag{}, in, identity.ErrNotChannel},
		{"no number, and none bound", identity.Binding{Person: 1}, identity.Tag{}, in, identity.ErrNotChannel},
		{"too late", b, oldPhone, asked.Add(72 * time.Hour), identity.ErrNoneWaits},
		{"nothing waits", bound(t), oldPhone, in, identity.ErrNoneWaits},
	} {
		if got, err := c.b.Cancel(c.channel, c.at); !errors.Is(err, c.want) || got != c.b {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
	}
}

func TestNumberOfTwoBindsNobody(t *testing.T) {
	two := []identity.PersonID{1, 2}
	for name, claimants := range map[string][]identity.PersonID{"both": two, "the other": {2}} {
		if b, err := (identity.Binding{Person: 1}).First(oldPhone, claimants); !errors.Is(err, identity.ErrPhoneClaimed) || b.Phone != (identity.Tag{}) {
			t.Errorf("%s, first: %v, %v", name, b, err)
		}
		if b, err := bound(t).Ask(newPhone, claimants, asked); !errors.Is(err, identity.ErrPhoneClaimed) || b != bound(t) {
			t.Errorf("%s, asked: %v, %v", name, b, err)
		}
		if b, err := waiting(t).Settle(claimants, asked.Add(72*time.Hour)); !errors.Is(err, identity.ErrPhoneClaimed) || b != bound(t) {
			t.Errorf("%s, claimed while it waited: %v, %v", name, b, err)
		}
	}
	// Bound first and claimed later: it proves neither of them.
	for _, who := range two {
		b := identity.Binding{Person: who, Phone: oldPhone}
		if tag, err := b.Channel(two); !errors.Is(err, identity.ErrPhoneClaimed) || tag != (identity.Tag{}) {
			t.Errorf("person %d: %v, %v", who, tag, err)
		}
	}
	// Control: the same number, of one person, binds and proves.
	if tag, err := bound(t).Channel([]identity.PersonID{1}); err != nil || tag != oldPhone {
		t.Errorf("control: %v, %v", tag, err)
	}
}

func TestFirstNumber(t *testing.T) {
	none := identity.Binding{Person: 1}
	if _, err := none.Ask(newPhone, nil, asked); !errors.Is(err, identity.ErrNoPhone) {
		t.Errorf("re-bound without a first: %v", err)
	}
	if _, err := none.Channel(nil); !errors.Is(err, identity.ErrNoPhone) {
		t.Errorf("a channel without a number: %v", err)
	}
	if _, err := none.First(identity.Tag{}, nil); !errors.Is(err, identity.ErrNoPhone) {
		t.Errorf("bound no number: %v", err)
	}
	if b, err := bound(t).First(newPhone, nil); !errors.Is(err, identity.ErrPhoneBound) || b != bound(t) {
		t.Errorf("a first number in another's place: %v, %v", b, err)
	}
	if b, err := waiting(t).First(oldPhone, []identity.PersonID{1}); err != nil || b != waiting(t) {
		t.Errorf("the same again: %v, %v", b, err)
	}
}

// Whatever is asked, cancelled and settled, in whatever order: no number is bound
// before it waited 72 hours since it was asked for.
func TestNoWayRoundTheWait(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, at := identity.Binding{Person: 1, Phone: oldPhone}, asked
		since := map[identity.Tag]time.Time{}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			at = at.Add(time.Duration(rapid.IntRange(0, 80).Draw(t, "hours")) * time.Hour)
			before := b
			phone := identity.Tag{byte(rapid.IntRange(1, 4).Draw(t, "phone"))}
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				b, _ = b.Ask(phone, nil, at)
			case 1:
				b, _ = b.Cancel(phone, at)
			case 2:
				b, _ = b.Settle(nil, at)
			case 3:
				b, _ = b.First(phone, nil)
			}
			if b.Next != before.Next {
				since[b.Next] = at
			}
			if b.Phone != before.Phone && (b.Phone != before.Next || at.Sub(since[b.Phone]) < 72*time.Hour) {
				t.Fatalf("%v became %v after %v", before, b, at.Sub(since[b.Phone]))
			}
		}
	})
}
