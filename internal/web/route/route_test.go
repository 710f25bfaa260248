package route_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/amanah-project/amanah/internal/web/problem"
	"github.com/amanah-project/amanah/internal/web/route"
)

// TestMux: what is registered is listed and served; all else is a problem document
// with the status HTTP gives it.
func TestMux(t *testing.T) {
	var m route.Mux
	said := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(text + r.PathValue("x"))) }
	}
	m.HandleFunc("GET /b/{x}", said("b"))
	m.HandleFunc("POST /a", said("a"))
	if got := m.Patterns(); !slices.Equal(got, []string{"GET /b/{x}", "POST /a"}) {
		t.Errorf("%q", got)
	}
	for _, c := range []struct {
		method, path string
		status       int
		body, allow  string
	}{
		{"POST", "/a", 200, "a", ""},
		{"GET", "/b/7", 200, "b7", ""},
		{"GET", "/a", 405, "", "POST"},
		{"PUT", "/b/7", 405, "", "GET, HEAD"},
		{"GET", "/c", 404, "", ""},
		{"GET", "/", 404, "", ""},
		{"GET", "/b/7/8", 404, "", ""},
	} {
		w := httptest.NewRecorder()
		m.ServeHTTP(w, httptest.NewRequest(c.method, c.path, nil))
		if w.Code != c.status || w.Header().Get("Allow") != c.allow {
			t.Errorf("%s %s: %d, Allow %q", c.method, c.path, w.Code, w.Header().Get("Allow"))
		}
		if c.status == 200 {
			if w.Body.String() != c.body {
				t.Errorf("%s %s: %q", c.method, c.path, w.Body)
			}
			continue
		}
		var d struct {
			Type, Title string
			Status      int
		}
		if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil || d.Status != c.status || d.Type == "" || d.Title == "" || w.Header().Get("Content-Type") != problem.Type {
			t.Errorf("%s %s: %v %s %v", c.method, c.path, w.Header(), w.Body, err)
		}
	}
}
