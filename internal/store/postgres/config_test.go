package postgres

import (
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/store"
)

// TestConnecting: a server that does not answer is not waited for without end.
func TestConnecting(t *testing.T) {
	for query, want := range map[string]time.Duration{
		"": 5 * time.Second, "?connect_timeout=0": 5 * time.Second, "?connect_timeout=60": 5 * time.Second, "?connect_timeout=2": 2 * time.Second,
	} {
		cfg, err := config("postgres://amanah@127.0.0.1/amanah"+query, Options{}.withDefaults())
		if err != nil {
			t.Fatal(err)
		}
		if got := cfg.ConnConfig.ConnectTimeout; got != want {
			t.Errorf("%q: %v, want %v", query, got, want)
		}
	}
}

func TestTranslate(t *testing.T) {
	for _, c := range []struct {
		err  error
		lost bool
		want error
		kind fault.Kind
	}{
		{&pgconn.PgError{Code: "40001"}, false, errAgain, fault.Busy},
		{&pgconn.PgError{Code: "40P01"}, false, errAgain, fault.Busy},
		{&pgconn.PgError{Code: "53100"}, false, store.ErrFull, fault.Unavailable},
		{&pgconn.PgError{Code: "53300"}, true, store.ErrUnavailable, fault.Unavailable},
		{&pgconn.PgError{Code: "57P01"}, true, store.ErrUnavailable, fault.Unavailable},
		{&pgconn.PgError{Code: "57014"}, false, store.ErrSlow, fault.Busy},
		{&pgconn.PgError{Code: "55P03"}, false, store.ErrSlow, fault.Busy},
		{&pgconn.PgError{Code: "23505", Detail: "secret"}, false, store.ErrConstraint, fault.Conflict},
		{&pgconn.PgError{Code: "22003"}, false, store.ErrConstraint, fault.Conflict},
		{&pgconn.PgError{Code: "XX001"}, false, store.ErrUnavailable, fault.Unavailable},
		{&pgconn.PgError{Code: "42P01"}, false, nil, fault.Internal},
		{&pgconn.PgError{Code: ""}, false, nil, fault.Internal},
		{errors.New("secret"), true, store.ErrUnavailable, fault.Unavailable},
		{errors.New("secret"), false, store.ErrConstraint, fault.Conflict},
	} {
		got := translate(c.err, c.lost)
		if c.want != nil && !errors.Is(got, c.want) || fault.KindOf(got) != c.kind {
			t.Errorf("%v: got %v, a %v fault", c.err, got, fault.KindOf(got))
		}
		if errors.Is(got, c.err) {
			t.Errorf("%v: the driver's error is still there", c.err)
		}
	}
}
