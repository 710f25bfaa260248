package api_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/internal/web/api"
	"github.com/amanah-project/amanah/internal/web/contract"
)

// filled puts what only a stand can make where a body names it.
func (s *stand) filled(body string) string {
	return strings.NewReplacer("CODE", s.code(entry), "NONCE", nonce(s.now), "HOLDER", b64(newKey(s.t)[32:])).Replace(body)
}

// bodyRoutes are what a device sends a body to.
func bodyRoutes() [][2]string {
	return [][2]string{
		{"POST", "/v1/visits"}, {"POST", "/v1/visits/leave"}, {"POST", "/v1/passes"}, {"POST", "/v1/disputes"}, {"PUT", "/v1/pin"},
	}
}

// FuzzDeviceBody: whatever a device sends rightly signed is answered as the contract has
// it, never as a failure of ours, and leaves its event.
func FuzzDeviceBody(f *testing.F) {
	for i, body := range []string{
		`{"code":"CODE","party":2,"nonce":"NONCE","holder":"HOLDER","with":[]}`,
		`{"code":"CODE"}`,
		`{"category":"mall","level":1,"hours":1,"party":1,"nonce":"NONCE","holder":"HOLDER"}`,
		`{"about":"colour","text":"dosis ketiga tidak tercatat","nonce":"NONCE"}`,
		`{"pin":"482915"}`,
	} {
		f.Add(uint8(i), body)
		f.Add(uint8(i), strings.Replace(body, `:"`, `:["`, 1))
		f.Add(uint8(i), body[:len(body)-1])
	}
	f.Add(uint8(0), `{"code":"CODE","party":1e400,"nonce":"NONCE","holder":"HOLDER"}`)
	f.Add(uint8(0), `{"code":"CODE","nonce":"NONCE","holder":"HOLDER","with":null,"party":-9223372036854775808}`)
	f.Add(uint8(1), `{"visit":"00000000000000000000000000000000","cover":false}`)
	f.Add(uint8(1), `{"cover":true}`)
	f.Add(uint8(2), `{"category":"mall","level":-1,"hours":2147483648,"nonce":"NONCE","holder":"HOLDER"}`)
	f.Add(uint8(3), `{"about":"\ud800","text":"\u0000","nonce":"NONCE"}`)
	f.Add(uint8(4), `null`)
	s := newStand(f)
	s.device.Holder, s.keeper.most = &holderStub{}, 1<<30
	p := s.phone(siti, 1, nil)
	f.Fuzz(func(t *testing.T, at uint8, body string) {
		s.t = t
		routes := bodyRoutes()
		route := routes[int(at)%len(routes)]
		c := s.call(p, route[0], route[1], nil)
		body = s.filled(body)
		c.raw = &body
		before := s.keeper.count()
		r := s.send(c)
		if r.Status >= 500 || r.Status < 200 {
			t.Errorf("%s %s %q: %d %s", route[0], route[1], body, r.Status, r.Body)
		}
		if n := s.keeper.count() - before; n != 1 {
			t.Errorf("%s %s %q: %d events", route[0], route[1], body, n)
		}
	})
}

// FuzzDoorBody: the same for what a door sends.
func FuzzDoorBody(f *testing.F) {
	for i, body := range []string{
		`{"nik":"9901014101900001","pin":"482915","door":1,"party":1,"nonce":"NONCE"}`,
		`{"seen":[{"door":1,"pass":"x"},{"door":65535,"pass":""}]}`,
		`{"serial":"0199a3f1c2d80f4e5a6b7c8d9e0f1a2b"}`,
	} {
		f.Add(uint8(i), body)
		f.Add(uint8(i), body[:len(body)-1])
	}
	f.Add(uint8(0), `{"card":"x","nik":"","door":18446744073709551615,"party":-1,"nonce":"NONCE"}`)
	f.Add(uint8(0), `{"card":"AMANAHCARD1:AAAA","nonce":"NONCE"}`)
	f.Add(uint8(1), `{"seen":[`+strings.Repeat(`{},`, 300)+`{}]}`)
	f.Add(uint8(1), `{"seen":null}`)
	f.Add(uint8(2), `{"serial":"0199A3F1C2D80F4E5A6B7C8D9E0F1A2B0"}`)
	f.Add(uint8(2), `{"serial":null}`)
	d := newDoor(f)
	f.Fuzz(func(t *testing.T, at uint8, body string) {
		d.t, d.desk.asked = t, nil
		routes := []string{"/v1/lookups", "/v1/doors/seen", "/v1/doors/leave"}
		path := routes[int(at)%len(routes)]
		body = d.filled(body)
		w := d.post(path, body)
		if err := d.contract.Check(contract.Answer{Method: "POST", Path: path, Status: w.Code, Header: w.Header(), Body: w.Body.Bytes()}); err != nil {
			t.Error(err)
		}
		if w.Code >= 500 {
			t.Errorf("%s %q: %d %s", path, body, w.Code, w.Body)
		}
	})
}

// FuzzApplication: an application's body is read as terms and a signature, both there,
// or refused.
func FuzzApplication(f *testing.F) {
	f.Add("application/json", `{"terms":{"name":"Toko"},"signature":"x"}`)
	f.Add("application/json; charset=utf-8", `{"terms":null,"signature":"x"}`)
	f.Add("text/plain", `{"terms":{},"signature":"x"}`)
	f.Add("application/json; =", `{}`)
	f.Fuzz(func(t *testing.T, media, body string) {
		r := httptest.NewRequest("POST", "/partners/v1/applications", strings.NewReader(body))
		r.Header.Set("Content-Type", media)
		terms, signature, err := api.ReadApplication(r)
		if err != nil {
			if err != api.ErrApplication || terms != nil || signature != "" {
				t.Errorf("refused with %v", err)
			}
			return
		}
		if len(terms) == 0 || signature == "" || !strings.Contains(body, string(terms)) {
			t.Errorf("terms %q, signature %q", terms, signature)
		}
	})
}
