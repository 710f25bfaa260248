package notify

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/consent"
)

// Errors of an SMS gateway's settings.
var (
	ErrTemplate = fault.New(fault.Invalid, "message.sms_template must be JSON with {to} and {text} inside strings, as in {\"to\":\"{to}\",\"text\":\"{text}\"}")
	ErrHeader   = fault.New(fault.Invalid, "message.sms_header_file must hold one header, as in Authorization: Bearer ...")
)

// SMS sends through a gateway that takes JSON over HTTPS.
type SMS struct {
	url      string
	header   [2]string // name, value; empty for none
	template any
	texts    Texts
	http     *http.Client
	wait     func(ctx context.Context, attempt int) error
}

// SMSOptions say how a gateway is asked.
type SMSOptions struct {
	URL      string
	Header   string // "Name: value", a secret
	Template string // JSON in whose strings {to} and {text} stand
	Client   *http.Client
	Wait     func(ctx context.Context, attempt int) error // between attempts; nil for a growing pause
}

const (
	smsAttempts = 4
	smsTimeout  = 10 * time.Second
)

// NewSMS makes the adapter; ErrTemplate, ErrHeader.
func NewSMS(o SMSOptions, t Texts) (*SMS, error) {
	s := &SMS{url: o.URL, texts: t, http: o.Client, wait: o.Wait}
	if err := json.Unmarshal([]byte(o.Template), &s.template); err != nil {
		return nil, ErrTemplate
	}
	probe, err := json.Marshal(fill(s.template, "T\x01", "X\x01"))
	if err != nil || !bytes.Contains(probe, []byte(`T\u0001`)) || !bytes.Contains(probe, []byte(`X\u0001`)) {
		return nil, ErrTemplate
	}
	if h := strings.TrimSpace(o.Header); h != "" {
		name, value, ok := strings.Cut(h, ":")
		if !ok || strings.ContainsAny(h, "\r\n") || strings.TrimSpace(value) == "" {
			return nil, ErrHeader
		}
		s.header = [2]string{strings.TrimSpace(name), strings.TrimSpace(value)}
	}
	if s.http == nil {
		s.http = &http.Client{}
	}
	once := *s.http
	once.Timeout = smsTimeout
	// A redirect would carry the number and the code to a host that nobody chose.
	once.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.http = &once
	if s.wait == nil {
		s.wait = pause
	}
	return s, nil
}

// pause grows from a second by four, with some chance in it.
func pause(ctx context.Context, attempt int) error {
	d := time.Second << (2 * attempt)
	d += time.Duration(mathrand.Int64N(int64(d) / 2))
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// fill puts a number and a text in a template's strings.
func fill(v any, to, text string) any {
	switch v := v.(type) {
	case string:
		return strings.NewReplacer("{to}", to, "{text}", text).Replace(v)
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = fill(e, to, text)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = fill(e, to, text)
		}
		return out
	}
	return v
}

// Send implements consent.Messenger. It tries again while the gateway does not
// answer or is busy, under one Idempotency-Key, so that a gateway that knows it
// sends once.
func (s *SMS) Send(ctx context.Context, m consent.Message) error {
	body, err := json.Marshal(fill(s.template, m.To.Reveal(), s.texts.Of(m)))
	if err != nil {
		return err
	}
	key := rand.Text()
	for attempt := 0; ; attempt++ {
		again, err := s.try(ctx, body, key)
		if err == nil || !again || attempt+1 == smsAttempts {
			return err
		}
		if s.wait(ctx, attempt) != nil {
			return err
		}
	}
}

func (s *SMS) try(ctx context.Context, body []byte, key string) (again bool, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return false, ErrGateway // the error itself names the URL
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", key)
	if s.header[0] != "" {
		r.Header.Set(s.header[0], s.header[1])
	}
	resp, err := s.http.Do(r)
	if err != nil {
		return true, ErrGateway
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection serves again
	switch {
	case resp.StatusCode < 300 && resp.StatusCode >= 200:
		return false, nil
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500:
		return true, fmt.Errorf("status %d: %w", resp.StatusCode, ErrGateway)
	}
	return false, fmt.Errorf("status %d: %w", resp.StatusCode, ErrGateway)
}
