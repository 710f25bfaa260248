package notify

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"sync"
	"time"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/consent"
)

// File writes messages as lines of JSON, for demonstrations and tests with synthetic
// people: whoever reads the file reads the codes.
type File struct {
	texts Texts
	mu    sync.Mutex
	out   io.Writer
}

// Line is one message as File writes it.
type Line struct {
	At   time.Time `json:"at"`
	To   string    `json:"to"`
	Kind string    `json:"kind"`
	Text string    `json:"text"`
	Code string    `json:"code,omitempty"`
}

// NewFile writes to out, such as a console.
func NewFile(out io.Writer, t Texts) *File { return &File{texts: t, out: out} }

// OpenFile appends to a file that only this user reads. It is closed with the process.
func OpenFile(name string, t Texts) (*File, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fault.New(fault.Invalid, "message.file cannot be written: check its folder")
	}
	return NewFile(f, t), nil
}

// Send implements consent.Messenger.
func (f *File) Send(_ context.Context, m consent.Message) error {
	raw, err := json.Marshal(Line{time.Now().UTC(), "+" + m.To.Reveal(), Kind(m.Kind), f.texts.Of(m), m.Code.Reveal()})
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.out.Write(append(raw, '\n')); err != nil {
		return ErrGateway
	}
	return nil
}
