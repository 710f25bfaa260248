package notify

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/consent"
)

// ErrMail is returned for addresses that mail cannot be sent from or to.
var ErrMail = fault.New(fault.Invalid, "message.smtp_from must be a mail address, and message.smtp_to one in which {to} stands for the number, as in {to}@sms.example.id")

// Mail sends through a mail server, for gateways that make messages of mails. The
// server must offer STARTTLS with a certificate that verifies; nothing is said to
// it before.
type Mail struct {
	addr, from, to string
	user, password string
	tls            *tls.Config
	texts          Texts
}

// MailOptions say which server takes mail and how.
type MailOptions struct {
	Addr     string // host:port
	From     string
	To       string // with {to} for the number
	User     string // empty: no authentication
	Password string
	TLS      *tls.Config // nil: the system's roots
}

const mailTimeout = 30 * time.Second

// NewMail makes the adapter; ErrMail.
func NewMail(o MailOptions, t Texts) (*Mail, error) {
	probe, err1 := mail.ParseAddress(strings.ReplaceAll(o.To, "{to}", "62810"))
	from, err2 := mail.ParseAddress(o.From)
	host, _, err3 := net.SplitHostPort(o.Addr)
	if err1 != nil || err2 != nil || err3 != nil || !strings.Contains(o.To, "{to}") || probe.Address != strings.ReplaceAll(o.To, "{to}", "62810") {
		return nil, ErrMail
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.TLS != nil {
		conf = o.TLS.Clone()
	}
	conf.ServerName = host
	return &Mail{addr: o.Addr, from: from.Address, to: o.To, user: o.User, password: o.Password, tls: conf, texts: t}, nil
}

// Send implements consent.Messenger.
func (m *Mail) Send(ctx context.Context, one consent.Message) error {
	ctx, cancel := context.WithTimeout(ctx, mailTimeout)
	defer cancel()
	to := strings.ReplaceAll(m.to, "{to}", one.To.Reveal())
	body, err := m.body(to, m.texts.Of(one))
	if err != nil {
		return err
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", m.addr)
	if err != nil {
		return ErrGateway
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	c, err := smtp.NewClient(conn, m.tls.ServerName)
	if err != nil {
		_ = conn.Close() // it is of no use
		return stepError("greeting")
	}
	defer c.Close()
	if failed := m.talk(c, to, body); failed != "" {
		return stepError(failed)
	}
	return nil
}

// stepError says at which step it failed and no more: a server's own words may
// repeat an address.
func stepError(step string) error { return fmt.Errorf("mail: %s: %w", step, ErrGateway) }

// talk returns the step that failed, or "".
func (m *Mail) talk(c *smtp.Client, to string, body []byte) (failed string) {
	if offered, _ := c.Extension("STARTTLS"); !offered {
		return "STARTTLS is not offered"
	}
	if err := c.StartTLS(m.tls); err != nil {
		return "STARTTLS"
	}
	if m.user != "" {
		if err := c.Auth(smtp.PlainAuth("", m.user, m.password, m.tls.ServerName)); err != nil {
			return "authentication"
		}
	}
	if err := c.Mail(m.from); err != nil {
		return "sender"
	}
	if err := c.Rcpt(to); err != nil {
		return "recipient"
	}
	w, err := c.Data()
	if err != nil {
		return "data"
	}
	if _, err := w.Write(body); err != nil {
		return "data"
	}
	if err := w.Close(); err != nil {
		return "data"
	}
	_ = c.Quit() // the server has it
	return ""
}

func (m *Mail) body(to, text string) ([]byte, error) {
	var b bytes.Buffer
	_, domain, _ := strings.Cut(m.from, "@")
	fmt.Fprintf(&b, "From: %s\r\nTo: %s\r\nSubject: %s\r\nDate: %s\r\nMessage-ID: <%s@%s>\r\n", m.from, to,
		mime.QEncoding.Encode("utf-8", "Amanah"), time.Now().UTC().Format(time.RFC1123Z), rand.Text(), domain)
	b.WriteString("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n")
	w := quotedprintable.NewWriter(&b)
	if _, err := w.Write([]byte(text + "\r\n")); err != nil {
		return nil, err
	}
	return b.Bytes(), w.Close()
}
