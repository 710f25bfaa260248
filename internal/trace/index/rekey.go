package index

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/amanah-project/amanah/internal/domain/leak/norm"
)

// A job's tag of a value is PRF_job(tag), so that what a job leaves behind can be joined
// neither with the index nor with another job's. Whoever has both keys computes it from the
// value. The few bits that are kept of some tags are drawn again together with the person's
// new tag.

func (t *Tagger) again(old Tag) Tag {
	if old == 0 {
		return 0
	}
	return t.one(tagAgain, uint64(old), 0)
}

func (t *Tagger) small(full Tag, old uint64) uint64 {
	return uint64(t.one(tagSmall, uint64(full), old))
}

func (t *Tagger) word(full Tag, w uint32) uint32 { return uint32(t.small(full, 1<<48|uint64(w))) }

// version gives a version the job's tags; full is the person's new one.
func (a *Asker) version(full Tag, v Version) Version {
	if v.Ends {
		return v
	}
	v.Record = a.job.record(full, v.Record)
	if v.Visit != 0 {
		v.Visit = a.job.visit(full, a.index.veiled(v.Row, v.Visit))
	}
	return v
}

func (t *Tagger) record(full Tag, r uint32) uint32 {
	return uint32(t.small(full, 2<<48|uint64(r))) & (1<<24 - 1)
}

func (t *Tagger) visit(full Tag, v uint16) uint16 { return uint16(t.small(full, 3<<48|uint64(v))) | 1 }

// Asker computes a job's tags of values: those of the index, keyed again. One goroutine uses
// it at a time.
type Asker struct{ index, job *Tagger }

// NewAsker takes the index's key and the job's.
func NewAsker(index, job Key) *Asker { return &Asker{NewTagger(index), NewTagger(job)} }

// Clone returns one for another goroutine.
func (a *Asker) Clone() *Asker { return &Asker{a.index.Clone(), a.job.Clone()} }

// Format redacts, whatever the verb.
func (*Asker) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[redacted]") }

// Full tags a NIK.
func (a *Asker) Full(n norm.NIK) Tag { return a.job.again(a.index.Full(n)) }

// Short tags a NIK's first fifteen digits.
func (a *Asker) Short(n norm.NIK) Tag { return a.job.again(a.index.Short(n)) }

// Ref tags the platform's own number of a person.
func (a *Asker) Ref(person uint64) Tag { return a.job.again(a.index.Ref(person)) }

// Born tags a name and a birth date together.
func (a *Asker) Born(name []byte, on norm.Date) Tag { return a.job.again(a.index.Born(name, on)) }

// Call tags a name and a telephone number together.
func (a *Asker) Call(name []byte, phone uint64) Tag { return a.job.again(a.index.Call(name, phone)) }

// Beside tags a NIK's first fifteen digits, a name and a telephone number together, zero for
// none, of people who are in no index.
func (a *Asker) Beside(n norm.NIK, name []byte, phone uint64) Tag {
	beside := a.index.one(tagBeside, n.Short(), 0)
	return a.job.again(a.index.long(tagBeside, beside, binary.BigEndian.AppendUint64(append(name[:len(name):len(name)], 0), phone)))
}

// Is reports whether the person has that number of the platform's.
func (a *Asker) Is(h *Held, person uint64) bool { return h.Ref == uint32(a.Ref(person)) }

// Name reports whether it is the person's.
func (a *Asker) Name(h *Held, name []byte) bool {
	return h.Name == uint32(a.job.again(a.index.Name(h.bind, name)))
}

// Phone reports whether it is the person's.
func (a *Asker) Phone(h *Held, phone uint64) bool {
	return h.Phone == uint32(a.job.again(a.index.Phone(h.bind, phone)))
}

// Address reports whether it is the person's.
func (a *Asker) Address(h *Held, address []byte) bool {
	return h.Address == uint32(a.job.again(a.index.Address(h.Row, address)))
}

// Word reports whether the person's name has the word.
func (a *Asker) Word(h *Held, word []byte) bool {
	w := a.job.word(h.Full, a.index.Word(h.bind, word))
	for _, have := range h.Words {
		if have == w {
			return true
		}
	}
	return false
}

// Record tags a record's number among a person's.
func (a *Asker) Record(h *Held, number uint64) uint32 {
	return a.job.record(h.Full, a.index.Record(h.bind, number))
}

// Visits tags a visit of a person, for each kind of document that may have come of it.
func (a *Asker) Visits(h *Held, visit []byte) (out [Kinds]uint16) {
	t := a.index.long(tagVisit, Tag(h.Row), visit)
	for k := range out {
		out[k] = a.job.visit(h.Full, a.index.ofKind(t, uint8(k)))
	}
	return out
}
