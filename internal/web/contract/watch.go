package contract

import (
	"bytes"
	"net/http"
	"net/http/httptest"
)

// Watch returns a handler that answers as h does, at that listener, and reports every
// answer that the contract does not have.
func (c *Contract) Watch(listener string, h http.Handler, report func(error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		body := bytes.Clone(rec.Body.Bytes())
		if err := c.Check(Answer{Method: r.Method, Path: r.URL.Path, Listener: listener, Status: rec.Code, Header: rec.Result().Header, Body: body}); err != nil {
			report(err)
		}
		for name, values := range rec.Result().Header {
			w.Header()[name] = values
		}
		w.WriteHeader(rec.Code)
		_, _ = w.Write(body) // a caller who hung up is nobody's error
	})
}
