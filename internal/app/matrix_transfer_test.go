package app

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/web/token"
	"github.com/amanah-project/amanah/internal/web/transfer"
)

// sentHere is what another hospital sent to the ward's: its name, and its SHA-256.
func (w *ward) sentHere() (name, digest string) {
	w.t.Helper()
	held, err := w.server.ring.tokens().SealSystem(token.System{
		Actor: "client-rs-99-002", Facility: "rs-99-002", Key: thumbprintOf(w.second), Expires: time.Now().Add(time.Hour),
	}, time.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	path := transfer.Base + "/Patient/" + w.person + "/rs-99-001/" + day.Of(time.Now()).Add(7).String()
	r := httptest.NewRequestWithContext(w.t.Context(), "POST", "https://localhost"+path, strings.NewReader(`{"kind":"transfer-form","records":["`+w.recorded+`"]}`))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "DPoP "+held)
	r.Header.Set("DPoP", proof(w.second, "POST", "https://localhost"+path, held, w.server.nonces.Give()))
	out := httptest.NewRecorder()
	w.public.ServeHTTP(out, r)
	var made struct {
		Transfer  string `json:"transfer"`
		Statement struct {
			Digest string `json:"sha256"`
		} `json:"statement"`
	}
	if err := json.Unmarshal(out.Body.Bytes(), &made); err != nil || out.Code != 201 {
		w.t.Fatalf("send: %d %s", out.Code, out.Body)
	}
	return made.Transfer, made.Statement.Digest
}

// transferMatrix is who may ask for what of transfers. The columns are those of
// fhirMatrix; the signing system is the receiver's, but where it sends.
func transferMatrix() []fhirRow {
	lists := [fhirRoles]int{401, 401, 401, 200, 200, 403, 401, 200}
	views := [fhirRoles]int{401, 401, 401, 403, 200, 403, 401, 200}
	relates := [fhirRoles]int{401, 401, 401, 403, 200, 403, 401, 403} // systems say it
	sends := [fhirRoles]int{401, 401, 401, 403, 201, 403, 401, 201}
	next := func() string { return day.Of(time.Now()).Add(3).String() }
	of := func(path string) func(*ward) (string, string, string, []string) {
		return func(w *ward) (string, string, string, []string) {
			name, digest := w.sentHere()
			return transfer.Base + strings.NewReplacer("NAME", name, "DIGEST", digest, "DAY", next()).Replace(path), "", "", nil
		}
	}
	return []fhirRow{
		{"POST /v1/transfers/Patient/{person}/{facility}/{until}", func(w *ward) (string, string, string, []string) {
			return transfer.Base + "/Patient/" + w.person + "/rs-99-002/" + next(), "application/json", `{"kind":"referral-letter"}`, nil
		}, sends},
		{"GET /v1/transfers", func(*ward) (string, string, string, []string) { return transfer.Base, "", "", nil }, lists},
		{"GET /v1/transfers/{transfer}", of("/NAME"), views},
		{"POST /v1/transfers/{transfer}/receipt/{digest}", of("/NAME/receipt/DIGEST"), views},
		{"POST /v1/transfers/{transfer}/relation/{until}", of("/NAME/relation/DAY"), relates},
	}
}
