package notify_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/flow/consent"
	"github.com/amanah-project/amanah/internal/notify"
)

var texts = notify.Texts{Host: "health.example.id"}

func message(t *testing.T) consent.Message {
	t.Helper()
	phone, err := identity.ParsePhone("+6281012345678")
	if err != nil {
		t.Fatal(err)
	}
	code, err := identity.ParseOneTime("042137")
	if err != nil {
		t.Fatal(err)
	}
	return consent.Message{To: phone, Kind: consent.KindCode, Lang: "en", Code: code, Partner: `Toko "Maya"`}
}

func TestTexts(t *testing.T) {
	m := message(t)
	for _, c := range []struct {
		kind    consent.Kind
		lang    string
		partner string
		want    string
	}{
		{consent.KindCode, "en", "Toko Maya", "Your Amanah code is 042137, good for 10 minutes, to link Toko Maya. Tell nobody, not even staff."},
		{consent.KindCode, "id", "", "Kode Amanah Anda 042137, berlaku 10 menit. Jangan beri tahu siapa pun, petugas juga tidak."},
		{consent.KindNewNumber, "en", "", "Amanah: another number replaces this one on 2026-11-28 12:00 WIB. Not you? Cancel it before then: https://health.example.id/link/phone"},
		{consent.KindNewNumber, "id", "", "Amanah: nomor lain menggantikan nomor ini pada 28-11-2026 12:00 WIB. Bukan Anda? Batalkan sebelum itu: https://health.example.id/link/phone"},
		{consent.KindEmergency, "en", "", "Amanah: your health records were opened in an emergency on 2026-11-28 12:00 WIB. Not for your care? Report it to a health facility or the health office."},
		{consent.KindEmergency, "id", "", "Amanah: rekam medis Anda dibuka dalam keadaan darurat pada 28-11-2026 12:00 WIB. Bukan untuk perawatan Anda? Laporkan ke fasilitas kesehatan atau dinas kesehatan."},
		{consent.KindSent, "id", "", "Amanah: rekam medis Anda dikirim ke fasilitas kesehatan lain pada 28-11-2026 12:00 WIB. Bukan untuk perawatan Anda? Laporkan ke fasilitas kesehatan atau dinas kesehatan."},
		{consent.KindTaken, "en", "", "Amanah: your health records were downloaded from https://health.example.id/link/phone on 2026-11-28 12:00 WIB. Not you? Report it at a health facility, and change your number there."},
	} {
		m.Kind, m.Lang, m.Partner, m.At = c.kind, c.lang, c.partner, time.Date(2026, 11, 28, 5, 0, 0, 0, time.UTC)
		if got := texts.Of(m); got != c.want {
			t.Errorf("%q", got)
		}
	}
}

const template = `{"messages":[{"to":"+{to}","body":"{text}"}],"sender":"AMANAH","flash":false}`

func at(ctx context.Context, _ int) error { return ctx.Err() }

func gateway(t *testing.T, url string) *notify.SMS {
	t.Helper()
	s, err := notify.NewSMS(notify.SMSOptions{URL: url, Header: "Authorization: Bearer s3cret\n", Template: template, Wait: at}, texts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSMS(t *testing.T) {
	var got struct {
		Messages []struct{ To, Body string }
		Sender   string
	}
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer s3cret" || r.Method != http.MethodPost {
			t.Errorf("asked as %s, %v", r.Method, r.Header)
		}
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
	}))
	defer srv.Close()
	if err := gateway(t, srv.URL).Send(t.Context(), message(t)); err != nil {
		t.Fatal(err)
	}
	if len(got.Messages) != 1 || got.Messages[0].To != "+6281012345678" || got.Sender != "AMANAH" ||
		!strings.Contains(got.Messages[0].Body, `042137, good for 10 minutes, to link Toko "Maya"`) {
		t.Errorf("%+v", got)
	}
}

// TestSMSTriesAgain while the gateway is busy or gone, under one key, and not when
// it refuses.
func TestSMSTriesAgain(t *testing.T) {
	for name, c := range map[string]struct {
		answers []int
		asked   int
		fails   bool
	}{
		"busy, then well": {[]int{503, 429, 202}, 3, false},
		"busy for long":   {[]int{500, 500, 500, 500, 200}, 4, true},
		"refused":         {[]int{401, 200}, 1, true},
		"sent elsewhere":  {[]int{307, 200}, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			asked, keys := 0, map[string]bool{}
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				keys[r.Header.Get("Idempotency-Key")] = true
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.answers[asked])
				_, _ = w.Write([]byte("no credit for +6281012345678"))
				asked++
			}))
			defer srv.Close()
			err := gateway(t, srv.URL).Send(t.Context(), message(t))
			if (err != nil) != c.fails || asked != c.asked || len(keys) != 1 {
				t.Errorf("asked %d times under %d keys: %v", asked, len(keys), err)
			}
			quiet(t, err)
		})
	}
	srv := httptest.NewServer(nil)
	srv.Close()
	err := gateway(t, srv.URL).Send(t.Context(), message(t))
	if !errors.Is(err, notify.ErrGateway) {
		t.Errorf("gone: %v", err)
	}
	quiet(t, err)
}

// quiet fails when an error tells what it must not.
func quiet(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	for _, secret := range []string{"81012345678", "042137", "s3cret", "credit", "http:", "127.0.0.1"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error tells %s: %v", secret, err)
		}
	}
}

func TestSMSSettings(t *testing.T) {
	for _, bad := range []string{"", "{to} {text}", `{"to":"{to}"}`, `{"{to}":"{text}"}`, `{"to":{to},"text":"{text}"}`} {
		if _, err := notify.NewSMS(notify.SMSOptions{Template: bad}, texts); !errors.Is(err, notify.ErrTemplate) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	for _, bad := range []string{"Bearer x", "Authorization:", "A: b\r\nC: d"} {
		if _, err := notify.NewSMS(notify.SMSOptions{Template: template, Header: bad}, texts); !errors.Is(err, notify.ErrHeader) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "messages")
	f, err := notify.OpenFile(name, texts)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Send(t.Context(), message(t)); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var l notify.Line
	if err := json.Unmarshal(raw, &l); err != nil || l.Code != "042137" || l.To != "+6281012345678" || l.Kind != "code" {
		t.Errorf("%+v, %v", l, err)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := (notify.None{}).Send(t.Context(), message(t)); !errors.Is(err, notify.ErrNone) {
		t.Errorf("none: %v", err)
	}
}

// certificate makes one for 127.0.0.1 and the pool that trusts it.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// mailServer speaks as much SMTP as it takes and returns its address and what it
// was told.
func mailServer(t *testing.T, cert *tls.Certificate, told chan<- string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			told <- converse(c, cert)
		}
	}()
	return l.Addr().String()
}

func converse(c net.Conn, cert *tls.Certificate) string {
	defer func() { c.Close() }()
	var told strings.Builder
	in := bufio.NewReader(c)
	say := func(s string) { _, _ = io.WriteString(c, s+"\r\n") }
	say("220 here")
	secure, data := false, false
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return told.String()
		}
		told.WriteString(line)
		switch {
		case data:
			if line == ".\r\n" {
				data = false
				say("250 taken")
			}
		case strings.HasPrefix(line, "EHLO") && cert != nil && !secure:
			say("250-here\r\n250 STARTTLS")
		case strings.HasPrefix(line, "EHLO"):
			say("250-here\r\n250 AUTH PLAIN")
		case strings.HasPrefix(line, "STARTTLS"):
			say("220 go")
			s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{*cert}})
			c, secure = s, true
			in = bufio.NewReader(c)
		case strings.HasPrefix(line, "AUTH"):
			say("235 ok")
		case strings.HasPrefix(line, "DATA"):
			data = true
			say("354 go on")
		case strings.HasPrefix(line, "QUIT"):
			say("221 bye")
			return told.String()
		default:
			say("250 ok")
		}
	}
}

func TestMail(t *testing.T) {
	cert, pool := certificate(t)
	told := make(chan string, 9)
	send := func(cert *tls.Certificate, roots *x509.CertPool) error {
		m, err := notify.NewMail(notify.MailOptions{
			Addr: mailServer(t, cert, told), From: "amanah@health.example.id", To: "{to}@sms.example.id", User: "u", Password: "p4ss",
			TLS: &tls.Config{RootCAs: roots},
		}, texts)
		if err != nil {
			t.Fatal(err)
		}
		return m.Send(t.Context(), message(t))
	}
	if err := send(&cert, pool); err != nil {
		t.Fatal(err)
	}
	all := <-told
	_, raw, _ := strings.Cut(all, "DATA\r\n")
	msg, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(msg.Body)
	if err != nil || !bytes.Contains(body, []byte("042137")) || msg.Header.Get("To") != "6281012345678@sms.example.id" {
		t.Errorf("%v\n%s", msg.Header, body)
	}
	if strings.Contains(msg.Header.Get("Subject"), "042137") {
		t.Error("the code stands in the subject")
	}

	// Nothing is said to a server without STARTTLS, or of another name.
	for name, err := range map[string]error{"no STARTTLS": send(nil, pool), "not verified": send(&cert, x509.NewCertPool())} {
		if !errors.Is(err, notify.ErrGateway) {
			t.Errorf("%s: %v", name, err)
		}
		quiet(t, err)
		if s := <-told; strings.Contains(s, "RCPT") || strings.Contains(s, "AUTH PLAIN ") {
			t.Errorf("%s: it was told %q", name, s)
		}
	}
	for _, to := range []string{"", "sms@example.id", "{to}", "{to}@a, b@c"} {
		if _, err := notify.NewMail(notify.MailOptions{Addr: "h:25", From: "a@b.id", To: to}, texts); !errors.Is(err, notify.ErrMail) {
			t.Errorf("%q: %v", to, err)
		}
	}
}
