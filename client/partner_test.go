package client

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestApplyAndStanding: what a partner asks of itself, and what a refusal says.
func TestApplyAndStanding(t *testing.T) {
	n := 0
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		switch r.URL.Path {
		case "/partner/v1/applications":
			if string(raw) != `{"terms":{"partner":3},"signature":"s"}` {
				w.WriteHeader(http.StatusConflict)
				fmt.Fprint(w, `{"type":"urn:amanah:problem:conflict","title":"number: 3","status":409}`)
				return
			}
			fmt.Fprint(w, `{"partner":3,"version":1,"state":"applied","countersigned":false,"next":["countersignature"],"key":"k","offered":"2026-12-01T00:00:00Z"}`)
		case "/partner/v1/standing":
			n++
			w.Header().Set("DPoP-Nonce", "n")
			if !strings.Contains(claims(t, r.Header.Get("DPoP")), `"nonce":"n"`) {
				w.WriteHeader(http.StatusForbidden)
				fmt.Fprint(w, `{"type":"urn:amanah:problem:denied","title":"use_dpop_nonce: again","status":403}`)
				return
			}
			fmt.Fprint(w, `{"partner":3,"name":"Toko","state":"suspended","suspended":{"since":"2026-12-01T00:00:00Z","by":"kantor","reason":"uji"},"next":["resumption"]}`)
		}
	}))
	t.Cleanup(web.Close)
	a, err := Apply(t.Context(), web.URL+"/", []byte(`{"partner":3}`), "s", Options{})
	if err != nil || a.Partner != 3 || a.State != "applied" || len(a.Next) != 1 {
		t.Errorf("%+v, %v", a, err)
	}
	var refused *Problem
	if _, err := Apply(t.Context(), web.URL, []byte(`{"partner":9}`), "s", Options{}); !errors.As(err, &refused) || refused.Title != "number: 3" {
		t.Errorf("%v", err)
	}
	r := NewRelay(RelayCredential{Host: "sehat.example", Platform: web.URL, Partner: 3, Token: "t", Key: make([]byte, 32)}, RelayOptions{})
	s, err := r.Standing(t.Context())
	if err != nil || s.State != "suspended" || s.Suspended == nil || s.Suspended.Reason != "uji" || n != 2 {
		t.Errorf("%+v, %v, %d asked", s, err, n)
	}
	web.Close()
	if _, err := r.Standing(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("%v", err)
	}
}
