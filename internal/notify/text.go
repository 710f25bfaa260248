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
	if m.Kind == consent.KindNewNumber {
		at := m.At.In(day.Zone())
		if m.Lang == "en" {
			return fmt.Sprintf("Amanah: another number replaces this one on %s WIB. Not you? Cancel it before then: https://%s/link/phone",
				at.Format("2006-01-02 15:04"), t.Host)
		}
		return fmt.Sprintf("Amanah: nomor lain menggantikan nomor ini pada %s WIB. Bukan Anda? Batalkan sebelum itu: https://%s/link/phone",
			at.Format("02-01-2006 15:04"), t.Host)
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

// None is no messenger: every message fails.
type None struct{}

// Send implements consent.Messenger.
func (None) Send(context.Context, consent.Message) error { return ErrNone }

// Kind is the metric's and log's name of a kind of message.
func Kind(k consent.Kind) string {
	if k == consent.KindNewNumber {
		return "new-number"
	}
	return "code"
}
