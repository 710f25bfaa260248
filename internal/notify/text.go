// Package notify brings the platform's messages to people: through an SMS gateway
// over HTTP, by mail, or into a file where nobody is real.
//
// Adapters here implement consent.Messenger. No error and no log line of theirs
// holds a number, a text or what a gateway answered.
package notify

import (
	"context"
	"fmt"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/consent"
)

// Errors of bringing messages.
var (
	ErrNone    = fault.New(fault.Unavailable, "no messenger is configured: set message.kind")
	ErrGateway = fault.New(fault.Unavailable, "the messenger did not take the message")
)

// Texts writes messages for people. Host is where they can object.
type Texts struct{ Host string }

// Of writes a message, short enough for two parts of an SMS.
func (t Texts) Of(m consent.Message) string {
	if m.Kind != consent.KindCode {
		return t.told(m)
	}
	if m.Lang == "en" {
		text := "Your Amanah code is " + m.Code.Reveal() + ", good for 10 minutes"
		if m.Partner != "" {
			text += ", to link " + m.Partner
		}
		return text + ". Tell nobody, not even staff."
	}
	text := "Kode Amanah Anda " + m.Code.Reveal() + ", berlaku 10 menit"
	if m.Partner != "" {
		text += ", untuk menautkan " + m.Partner
	}
	return text + ". Jangan beri tahu siapa pun, petugas juga tidak."
}

// told writes what somebody is told of and did not ask for: what and when, never where or
// by whom.
func (t Texts) told(m consent.Message) string {
	at := m.At.In(day.Zone())
	id, en := at.Format("02-01-2006 15:04"), at.Format("2006-01-02 15:04")
	switch m.Kind {
	case consent.KindEmergency:
		id = "rekam medis Anda dibuka dalam keadaan darurat pada " + id + " WIB. Bukan untuk perawatan Anda? Laporkan ke fasilitas kesehatan atau dinas kesehatan."
		en = "your health records were opened in an emergency on " + en + " WIB. Not for your care? Report it to a health facility or the health office."
	case consent.KindSent:
		id = "rekam medis Anda dikirim ke fasilitas kesehatan lain pada " + id + " WIB. Bukan untuk perawatan Anda? Laporkan ke fasilitas kesehatan atau dinas kesehatan."
		en = "your health records were sent to another health facility on " + en + " WIB. Not for your care? Report it to a health facility or the health office."
	case consent.KindTaken:
		id = fmt.Sprintf("rekam medis Anda diunduh dari https://%s/link/phone pada %s WIB. Bukan Anda? Laporkan ke fasilitas kesehatan, dan ganti nomor Anda di sana.", t.Host, id)
		en = fmt.Sprintf("your health records were downloaded from https://%s/link/phone on %s WIB. Not you? Report it at a health facility, and change your number there.", t.Host, en)
	default:
		id = fmt.Sprintf("nomor lain menggantikan nomor ini pada %s WIB. Bukan Anda? Batalkan sebelum itu: https://%s/link/phone", id, t.Host)
		en = fmt.Sprintf("another number replaces this one on %s WIB. Not you? Cancel it before then: https://%s/link/phone", en, t.Host)
	}
	if m.Lang == "en" {
		return "Amanah: " + en
	}
	return "Amanah: " + id
}

// None is no messenger: every message fails.
type None struct{}

// Send implements consent.Messenger.
func (None) Send(context.Context, consent.Message) error { return ErrNone }

// Kind is the metric's and log's name of a kind of message.
func Kind(k consent.Kind) string {
	switch k {
	case consent.KindNewNumber:
		return "new-number"
	case consent.KindEmergency:
		return "emergency"
	case consent.KindSent:
		return "sent"
	case consent.KindTaken:
		return "taken"
	}
	return "code"
}
