package app

import (
	"net/url"
	"os"
	"strings"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/consent"
	"github.com/amanah-project/amanah/internal/notify"
)

// Message says how messages reach people's telephones: one-time codes, and notices
// that a number is to be replaced.
type Message struct {
	// Kind is sms (a gateway that takes JSON over HTTPS), smtp (a gateway that takes
	// mail), file (trials with synthetic people only: whoever reads the file reads the
	// codes) or none, with which nobody can link by consent.
	Kind string `toml:"kind" help:"sms, smtp, file (trials only) or none." enum:"sms,smtp,file,none" default:"none"`
	// SMSURL is the gateway's address.
	SMSURL string `toml:"sms_url" name:"sms-url" help:"The SMS gateway's https URL."`
	// SMSTemplate is the JSON that the gateway takes; {to} and {text} stand in its
	// strings, the number in international form without a plus.
	SMSTemplate string `toml:"sms_template" name:"sms-template" help:"JSON that the gateway takes, with {to} and {text} in its strings." default:"{\"to\":\"{to}\",\"text\":\"{text}\"}"`
	// SMSHeaderFile is a file holding the header that authenticates us, such as
	// Authorization: Bearer ….
	SMSHeaderFile string `toml:"sms_header_file" name:"sms-header-file" help:"File holding the header that authenticates us."`
	// SMTPAddr is the mail server, host:port; it must offer STARTTLS.
	SMTPAddr string `toml:"smtp_addr" name:"smtp-addr" help:"The mail server, host:port, with STARTTLS."`
	// SMTPFrom is the sender's address.
	SMTPFrom string `toml:"smtp_from" name:"smtp-from" help:"The sender's address."`
	// SMTPTo is the address that a number is written to, with {to} for the number.
	SMTPTo string `toml:"smtp_to" name:"smtp-to" help:"Address of a number, as {to}@sms.example.id."`
	// SMTPUser authenticates with the password in SMTPPasswordFile; empty for none.
	SMTPUser string `toml:"smtp_user" name:"smtp-user" help:"User at the mail server."`
	// SMTPPasswordFile is a file holding that password.
	SMTPPasswordFile string `toml:"smtp_password_file" name:"smtp-password-file" help:"File holding that user's password."`
	// File is where kind file appends its messages.
	File string `toml:"file" help:"File that kind file appends messages to."`
}

// LinkLimit bounds the linking pages, apart from the limits of codes, which are
// fixed: 5 wrong codes an attempt, 10 a day for a NIK.
type LinkLimit struct {
	// LookupsPerHour is what the pages of one server may look up at the keeper, whose
	// own meter stops all servers together at 5,000: what is left serves the rest.
	LookupsPerHour int `toml:"lookups_per_hour" help:"Look-ups of the linking pages of one server in an hour." default:"2500"`
	// PerNetwork is what one network (IPv4 /24, IPv6 /48) may type in an hour; less
	// while many networks do. Raise it where whole towns share addresses.
	PerNetwork int `toml:"per_network" help:"NIKs typed from one network in an hour." default:"60"`
	// PerNIK is how often one NIK may be typed in an hour, whoever's it is.
	PerNIK int `toml:"per_nik" name:"per-nik" help:"How often one NIK may be typed in an hour." default:"10"`
}

func defaultMessage() Message {
	return Message{Kind: "none", SMSTemplate: `{"to":"{to}","text":"{text}"}`}
}

func (l LinkLimit) lanes() *consent.Lanes {
	return consent.NewLanes(consent.Limits{PerHour: l.LookupsPerHour, PerNetwork: l.PerNetwork, PerNIK: l.PerNIK, Burst: 100})
}

// secrets are the files that hold what nobody else may read.
func (m Message) secrets() []string { return []string{m.SMSHeaderFile, m.SMTPPasswordFile, m.File} }

// checkLink says what is wrong with how people link.
func (c Config) checkLink(say func(wrong bool, format string, args ...any)) {
	m := c.Message
	kinds := map[string]bool{"sms": true, "smtp": true, "file": true, "none": true}
	say(!kinds[m.Kind], "message.kind is sms, smtp, file or none")
	say(m.Kind == "file" && !c.Keeper.SameUser, "message.kind file writes people's codes where an operator reads them: it is for trials (keeper.same_user) only, use sms or smtp")
	say(m.Kind == "file" && m.File == "", "message.kind file needs message.file")
	say(m.Kind != "file" && m.File != "", "message.file is set but message.kind is not file: no message would be there")
	say(m.Kind == "sms" && !safeGateway(m.SMSURL), "message.sms_url must be an https URL, or http on this host: codes would cross the network in clear")
	say(m.Kind == "smtp" && (m.SMTPAddr == "" || m.SMTPFrom == "" || m.SMTPTo == ""), "message.kind smtp needs smtp_addr, smtp_from and smtp_to")
	say((m.SMTPUser == "") != (m.SMTPPasswordFile == ""), "message.smtp_user and message.smtp_password_file come together: set both or neither")
	if kinds[m.Kind] && m.Kind != "file" { // whose file would be made
		_, err := c.messenger(func(string) (string, error) { return "Name: probe", nil })
		say(err != nil, "%s", fault.Text(err))
	}
	l := c.Link
	say(l.LookupsPerHour < 10 || l.LookupsPerHour > 4500, "link.lookups_per_hour is 10 to 4500: the keeper's meter stops at 5000, and check-ins and commands need the rest")
	say(l.PerNetwork < 1 || l.PerNetwork > l.LookupsPerHour/2, "link.per_network is 1 to half of link.lookups_per_hour, or one network could stop all others")
	say(l.PerNIK < 1 || l.PerNIK > 100, "link.per_nik is 1 to 100")
}

func safeGateway(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && u.User == nil && (u.Scheme == "https" || u.Scheme == "http" && loopbackHost(u.Hostname()))
}

// messenger makes the configured messenger, with read for its secrets.
func (c Config) messenger(read func(file string) (string, error)) (consent.Messenger, error) {
	m, texts := c.Message, notify.Texts{Host: c.Host}
	secret := func(file string) (string, error) {
		if file == "" {
			return "", nil
		}
		return read(file)
	}
	switch m.Kind {
	case "sms":
		header, err := secret(m.SMSHeaderFile)
		if err != nil {
			return nil, err
		}
		return notify.NewSMS(notify.SMSOptions{URL: m.SMSURL, Header: header, Template: m.SMSTemplate}, texts)
	case "smtp":
		password, err := secret(m.SMTPPasswordFile)
		if err != nil {
			return nil, err
		}
		return notify.NewMail(notify.MailOptions{Addr: m.SMTPAddr, From: m.SMTPFrom, To: m.SMTPTo, User: m.SMTPUser, Password: password}, texts)
	case "file":
		return notify.OpenFile(m.File, texts)
	}
	return notify.None{}, nil
}

func readSecret(file string) (string, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", fault.New(fault.Invalid, "a secret of [message] cannot be read: check that its file exists and belongs to this user")
	}
	return strings.TrimSpace(string(raw)), nil
}
