package app

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/web/fhir"
	"github.com/amanah-project/amanah/internal/web/route"
)

// fhirRow is one thing that may be asked for, and what each role is answered.
type fhirRow struct {
	route string
	ask   func(w *ward) (path, media, body string, header []string)
	want  [fhirRoles]int
}

// fhirMatrix is who may ask for what of health records. The columns are the roles in
// their order: nobody, device, door, bearer, signing system, ended system, thief, clinician.
func fhirMatrix() []fhirRow {
	const media = "application/fhir+json"
	enters := func(granted int) [fhirRoles]int {
		return [fhirRoles]int{401, 401, 401, granted, granted, 403, 401, granted}
	}
	views, relates := [fhirRoles]int{401, 401, 401, 403, 200, 403, 401, 200}, [fhirRoles]int{401, 401, 401, 403, 200, 403, 401, 403}
	get := func(path string) func(*ward) (string, string, string, []string) {
		return func(w *ward) (string, string, string, []string) {
			return strings.NewReplacer("PERSON", w.person, "RECORD", w.recorded).Replace(fhir.Base + path), "", "", nil
		}
	}
	post := func(path, wrap string) func(*ward) (string, string, string, []string) {
		return func(w *ward) (string, string, string, []string) {
			w.made++
			dose := w.dose(time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, w.made).Format(time.DateOnly))
			return fhir.Base + path, media, strings.Replace(wrap, "DOSE", dose, 1), nil
		}
	}
	const transaction = `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":DOSE,"request":{"method":"POST","url":"Immunization"}}]}`
	return append(append(dicomMatrix(), transferMatrix()...), []fhirRow{
		{"GET /fhir/R4/metadata", get("/metadata"), [fhirRoles]int{200, 200, 200, 200, 200, 200, 200, 200}},
		{"POST /fhir/R4", post("", transaction), enters(200)},
		{"POST /fhir/R4/", post("/", strings.Replace(transaction, "transaction", "batch", 1)), enters(200)},
		{"POST /fhir/R4/{type}", post("/Immunization", "DOSE"), enters(201)},
		{"PUT /fhir/R4/{type}/{id}", (*ward).correction, enters(200)},
		{"GET /fhir/R4/{type}", func(w *ward) (string, string, string, []string) {
			return "/fhir/R4/Patient?identifier=" + url.QueryEscape("https://fhir.kemkes.go.id/id/nik|"+w.nik), "", "", nil
		}, enters(200)},
		{"POST /fhir/R4/{type}/_search", func(w *ward) (string, string, string, []string) {
			form := url.Values{"identifier": {"https://fhir.kemkes.go.id/id/nik|" + w.nik}}
			return "/fhir/R4/Patient/_search", "application/x-www-form-urlencoded", form.Encode(), nil
		}, enters(200)},
		{"GET /fhir/R4/{type}/{id}", get("/Immunization/RECORD"), views},
		{"GET /fhir/R4/{type}/{id}/_history", get("/Immunization/RECORD/_history"), views},
		{"GET /fhir/R4/{type}/{id}/_history/{version}", get("/Immunization/RECORD/_history/1"), views},
		{"GET /fhir/R4/{type}/{id}/$everything", get("/Patient/PERSON/$everything"), views},
		{"GET /fhir/R4/{type}/{id}/{kind}", get("/Patient/PERSON/Immunization"), views},
		{"POST /fhir/R4/{type}/{id}/relation/{until}", get("/Patient/PERSON/relation/" + time.Now().AddDate(0, 0, 7).Format(time.DateOnly)), relates}, // systems say it
		{"POST /oauth2/v1/accesstoken", (*ward).access, [fhirRoles]int{401, 401, 401, 200, 200, 401, 401, 401}},
	}...)
}

// correction is of a record made for the occasion.
func (w *ward) correction() (string, string, string, []string) {
	w.t.Helper()
	out := w.send(signingOne, "POST", "/fhir/R4/Immunization", "application/fhir+json", w.dose("2022-06-01"))
	var made struct {
		ID   string
		Meta struct{ VersionID string }
	}
	if err := json.Unmarshal(out.Body.Bytes(), &made); err != nil || out.Code != 201 {
		w.t.Fatalf("enter: %d %s", out.Code, out.Body)
	}
	body := strings.Replace(w.dose("2022-06-02"), "{", `{"id":"`+made.ID+`",`, 1)
	return "/fhir/R4/Immunization/" + made.ID, "application/fhir+json", body, []string{"If-Match", `W/"` + made.Meta.VersionID + `"`}
}

// access is a system's asking for a token; who else asks has no secret.
func (w *ward) access() (string, string, string, []string) {
	return "/oauth2/v1/accesstoken?grant_type=client_credentials", mediaForm, "", nil
}

// shown is what a role shows to get a token.
func (w *ward) shown(who fhirRole) string {
	form := url.Values{"client_id": {"client-ended"}, "client_secret": {w.keyless.Reveal()}}
	switch who {
	case keylessOne:
		form.Set("client_id", "client-klinik-99-7")
	case signingOne:
		form = url.Values{"client_id": {"client-rs-99-001"}, "client_secret": {w.secret.Reveal()}}
	}
	return form.Encode()
}

// viewName is what names a view.
var viewName = regexp.MustCompile(`^amv-[0-9a-f]{32}$`)

// TestFHIRMatrix asks for health records in every role. A row that grants all is the
// control. Whatever shows somebody's records, images and their lists too, has a name of its own
// beside it, and nothing else has; what is sent on to a facility is its signed document alone.
func TestFHIRMatrix(t *testing.T) {
	w := newWard(t)
	w.entered()
	seen := map[string]bool{} // names of views
	ask := func(r fhirRow, who fhirRole) (int, string) {
		path, media, body, header := r.ask(w)
		if strings.HasPrefix(path, "/oauth2/") {
			body = w.shown(who)
			out := w.send(noSystem, "POST", path, media, body)
			return out.Code, out.Body.String()
		}
		method, _, _ := strings.Cut(r.route, " ")
		out := w.send(who, method, path, media, body, header...)
		shows := method == "GET" && r.want[keylessOne] == 403 && out.Code == 200 && !strings.Contains(r.route, "/transfers/") // viewed, and not sent on
		if name := out.Header().Get(route.ViewHeader); shows != viewName.MatchString(name) || !shows && name != "" || seen[name] {
			t.Errorf("%s, asked by %s: the view is %q", r.route, who, name)
		} else if shows {
			seen[name] = true
		}
		return out.Code, out.Body.String()
	}
	cells := 0
	for _, r := range fhirMatrix() {
		granted := false
		for who := range fhirRoles {
			if r.want[who] == 0 {
				t.Errorf("%s: nothing is said of %s", r.route, who)
			}
			cells++
			got, body := ask(r, who)
			if got != r.want[who] {
				t.Errorf("%s, asked by %s: %d %s, want %d", r.route, who, got, body, r.want[who])
			}
			granted = granted || got < 400 || got == 406 // who is admitted and asks for what nobody is given
		}
		if !granted {
			t.Errorf("%s: nobody is served, so the refusals prove nothing", r.route)
		}
	}
	t.Logf("%d cells, %d views", cells, len(seen))
	for who := range fhirRoles { // the control: what a server without any protection would answer
		if who == signingOne || who == signedIn {
			continue
		}
		if got, _ := ask(fhirRow{"GET /fhir/R4/{type}/{id}", func(w *ward) (string, string, string, []string) {
			return "/fhir/R4/Immunization/" + w.recorded, "", "", nil
		}, [fhirRoles]int{}}, who); got == 200 {
			t.Errorf("%s may open anybody's record, and the matrix does not see it", who)
		}
	}
}
