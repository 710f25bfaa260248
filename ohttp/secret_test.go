package ohttp_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/amanah-project/amanah/ohttp"
)

func TestSecretsPrintRedacted(t *testing.T) {
	key := newKey(t, 1, ohttp.X25519)
	request, x := encapsulate(t, key.Config(), message(t, "a"))
	_, r, err := newGateway(t, key).Open(request)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]any{
		"PrivateKey": key, "PrivateKey value": *key, "Exchange": x, "Exchange value": *x, "Responder": r,
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
			if got := fmt.Sprintf(verb, v); got != "[redacted]" {
				t.Errorf("%s with %s: %s", name, verb, got)
			}
		}
		b := must[[]byte](t)(json.Marshal(map[string]any{"k": v}))
		if string(b) != `{"k":"[redacted]"}` {
			t.Errorf("%s: %s", name, b)
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "k", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "k", v)
		if strings.Count(log.String(), "[redacted]") != 2 {
			t.Errorf("%s: %s", name, log.String())
		}
	}
}
