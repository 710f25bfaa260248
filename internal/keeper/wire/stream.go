package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"io"

	"github.com/amanah-project/amanah/internal/keeper"
)

// MaxFrame bounds one message.
const MaxFrame = 8 << 20

// anew is the length of a message after which both ends forget the direction it went
// in and describe the types again: a gob decoder keeps the room of its longest message.
const anew = 1 << 20

var errFrame = errors.New("keeper: not a message")

// Stream is the messages of one connection, both ways. A direction's first message
// describes the types of all that follow, so one stream end is of one type sent and one
// received. Send and Receive may each be called by one goroutine at a time. After an error
// the stream is of no use.
type Stream struct {
	out  io.Writer
	sent bytes.Buffer
	enc  *gob.Encoder

	in    io.Reader
	frame []byte
	got   bytes.Reader
	dec   *gob.Decoder
	begun bool // the types of what is received are known
}

// NewStream begins a stream; in should be buffered.
func NewStream(in io.Reader, out io.Writer) *Stream {
	s := &Stream{in: in, out: out}
	s.enc, s.dec = gob.NewEncoder(&s.sent), gob.NewDecoder(&s.got)
	return s
}

// Send writes one message. keeper.ErrTooMany: it is longer than MaxFrame, and nothing
// was written.
func (s *Stream) Send(v any) error {
	s.sent.Reset()
	s.sent.Write(make([]byte, 4))
	if err := s.enc.Encode(v); err != nil {
		return err
	}
	frame := s.sent.Bytes()
	defer clear(frame) // keys cross here
	n := len(frame) - 4
	if n > MaxFrame {
		return keeper.ErrTooMany
	}
	binary.BigEndian.PutUint32(frame, uint32(n))
	_, err := s.out.Write(frame)
	if n > anew {
		s.sent = bytes.Buffer{}
		s.enc = gob.NewEncoder(&s.sent)
	}
	return err
}

// Receive reads one message. Types are taken in with the first only: later ones would
// stay with the connection, as many as a peer likes to invent.
func (s *Stream) Receive(v any) error {
	var head [4]byte
	if _, err := io.ReadFull(s.in, head[:]); err != nil {
		return err
	}
	n := int(binary.BigEndian.Uint32(head[:]))
	if n > MaxFrame {
		return keeper.ErrTooMany
	}
	if cap(s.frame) < n {
		s.frame = make([]byte, n)
	}
	frame := s.frame[:n]
	defer clear(frame)
	if _, err := io.ReadFull(s.in, frame); err != nil {
		return err
	}
	if s.begun && describes(frame) {
		return errFrame
	}
	s.got.Reset(frame)
	if err := s.dec.Decode(v); err != nil {
		return err
	}
	if s.got.Len() > 0 {
		return errFrame
	}
	s.begun = true
	if n > anew {
		s.frame, s.begun = nil, false
		s.dec = gob.NewDecoder(&s.got)
	}
	return nil
}

// describes reports whether a gob message is of a type instead of a value: the number
// after its length, a type's, is negative then, which its lowest bit says (encoding/gob,
// "Encoding Details").
func describes(message []byte) bool {
	_, rest := number(message)
	id, _ := number(rest)
	return id&1 == 1
}

// number takes gob's unsigned number off the front: a byte below 128, or how many bytes
// follow, negated.
func number(b []byte) (last byte, rest []byte) {
	if len(b) == 0 {
		return 0, nil
	}
	n := 0
	if b[0] > 0x7f {
		n = -int(int8(b[0]))
	}
	if n >= len(b) {
		return 0, nil
	}
	return b[n], b[n+1:]
}
