package trace

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"io"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/leak/norm"
	"github.com/amanah-project/amanah/internal/fault"
)

// ErrPacked is returned for what Pack did not write.
var ErrPacked = fault.New(fault.Conflict, "what is kept of the observation is damaged: give an empty folder")

// packed begins what Pack writes, and says its version.
const packed = "amanah observed 2\n"

// mostPacked bounds the small part of what is packed, in bytes.
const mostPacked = 1 << 30

// Pack writes what was observed, and what is said with it as JSON: the same bytes for the same
// observation. It is small beside it, about thirty bytes for a row with five marks and its token,
// and needs no memory for what there are millions of.
func (r *Result) Pack(w io.Writer, with any) error {
	p := packer{w: bufio.NewWriterSize(w, 1<<16)}
	small := *r
	small.Patients, small.Known, small.Spans, small.Shown, small.Cells, small.Tokens, small.Strangers = nil, nil, nil, nil, nil, nil, leak.Strangers{}
	p.w.WriteString(packed)
	for _, part := range []any{&small, with} {
		raw, err := json.Marshal(part)
		if err != nil {
			return err
		}
		p.number(uint64(len(raw)))
		p.w.Write(raw)
	}
	for _, rows := range [][]leak.Row{r.Patients, r.Known} {
		packAll(&p, rows, func(v leak.Row) { p.row(v) })
	}
	packAll(&p, r.Spans, func(s Span) { p.row(leak.Row(s.From)); p.number(uint64(s.To)) })
	packAll(&p, r.Shown, func(s Shown) { p.row(s.Row); p.number(uint64(s.From)) })
	packAll(&p, r.Tokens, func(t Token) { p.row(t.Row); p.w.Write(t.Token[:]) })
	for _, tags := range r.Strangers {
		packAll(&p, tags, func(v uint64) { p.row(leak.Row(v)) })
	}
	p.last = 0
	for i := 0; i < len(r.Cells); {
		row, bits := r.Cells[i].Cell.Row, uint32(0)
		for ; i < len(r.Cells) && r.Cells[i].Cell.Row == row; i++ {
			bits |= mark(r.Cells[i].Cell.Family, r.Cells[i].Cell.Index, r.Cells[i].Symbol)
		}
		p.number(uint64(bits))
		p.row(row)
	}
	p.number(0)
	return p.w.Flush() // tells of errors before, too
}

// packer writes numbers; rows as what they are more than the last.
type packer struct {
	w    *bufio.Writer
	last uint64
	buf  [binary.MaxVarintLen64]byte
}

func (p *packer) number(n uint64) { p.w.Write(p.buf[:binary.PutUvarint(p.buf[:], n)]) }

func (p *packer) row(r leak.Row) {
	p.number(uint64(r) - p.last)
	p.last = uint64(r)
}

func packAll[T any](p *packer, all []T, one func(T)) {
	p.number(uint64(len(all)))
	p.last = 0
	for _, v := range all {
		one(v)
	}
}

// Unpack reads what Pack wrote, to its end; with takes what was said with it.
func Unpack(from io.Reader, with any) (*Result, error) {
	u := unpacker{r: bufio.NewReaderSize(from, 1<<16)}
	begin := make([]byte, len(packed))
	if _, err := io.ReadFull(u.r, begin); err != nil || string(begin) != packed {
		return nil, ErrPacked
	}
	r := new(Result)
	for _, part := range []any{r, with} {
		n := u.number()
		raw, err := io.ReadAll(io.LimitReader(u.r, int64(min(n, mostPacked))))
		if err != nil || uint64(len(raw)) != n || json.Unmarshal(raw, part) != nil {
			return nil, ErrPacked
		}
	}
	for _, rows := range []*[]leak.Row{&r.Patients, &r.Known} {
		*rows = unpackAll(&u, u.row)
	}
	r.Spans = unpackAll(&u, func() Span { return Span{norm.Minute(u.row()), norm.Minute(u.number())} })
	r.Shown = unpackAll(&u, func() Shown { return Shown{u.row(), norm.Minute(u.number())} })
	r.Tokens = unpackAll(&u, func() (t Token) {
		t.Row = u.row()
		u.full(t.Token[:])
		return t
	})
	for level := range r.Strangers {
		r.Strangers[level] = unpackAll(&u, func() uint64 { return uint64(u.row()) })
	}
	r.Cells = nil
	u.last = 0
	for bits := u.number(); bits != 0; bits = u.number() {
		r.Cells = observed(r.Cells, u.row(), uint32(bits))
	}
	if _, err := u.r.ReadByte(); u.bad || err != io.EOF {
		return nil, ErrPacked
	}
	return r, nil
}

// unpacker reads numbers; zeros after anything was wrong.
type unpacker struct {
	r    *bufio.Reader
	last uint64
	bad  bool
}

func (u *unpacker) number() uint64 {
	n, err := binary.ReadUvarint(u.r)
	if err != nil {
		u.bad = true
		return 0
	}
	return n
}

func (u *unpacker) full(b []byte) {
	if _, err := io.ReadFull(u.r, b); err != nil {
		u.bad = true
	}
}

func (u *unpacker) row() leak.Row {
	u.last += u.number()
	return leak.Row(u.last)
}

func unpackAll[T any](u *unpacker, one func() T) (out []T) {
	n := u.number()
	u.last = 0
	if n > 0 {
		out = slices.Grow(out, int(min(n, 1<<20)))
	}
	for ; n > 0 && !u.bad; n-- {
		out = append(out, one())
	}
	return out
}
