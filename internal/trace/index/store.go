package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"slices"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/trace/pages"
)

// Store is an index in a folder: sorted files of one generation, named by a head that
// is replaced whole, and a log of what came since. One process holds it at a time, and one
// goroutine calls it at a time.
type Store struct {
	fs   durable.FS
	lock io.Closer
	head head
	log  durable.File
	size int64 // of the log
}

const headName, magic = "head", "amanah trace index 3\n\x00\x00\x00"

// head says which files are the index.
type head struct {
	gen     uint64
	entries [sections]uint64
	checks  [sections]uint32
}

// Sections of an index: a file each.
const (
	secPeople = iota
	secVersions
	secDecoys
	secDocuments
	secWords
	sections
)

// sectionNames and sectionLens are of files and of their entries.
var (
	sectionNames = [sections]string{"people", "versions", "decoys", "documents", "words"}
	sectionLens  = [sections]int{identityLen, versionLen, decoyLen, documentLen, 4}
)

func (h head) name(section string) string { return fmt.Sprintf("%s-%d", section, h.gen) }

func (h head) bytes() []byte {
	b := []byte(magic)
	b = binary.LittleEndian.AppendUint64(b, h.gen)
	for _, n := range h.entries {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	for _, c := range h.checks {
		b = binary.LittleEndian.AppendUint32(b, c)
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func readHead(b []byte) (h head, err error) {
	if len(b) != len(h.bytes()) || string(b[:len(magic)]) != magic ||
		crc32.Checksum(b[:len(b)-4], castagnoli) != binary.LittleEndian.Uint32(b[len(b)-4:]) {
		return h, ErrDamaged
	}
	b = b[len(magic):]
	h.gen, b = binary.LittleEndian.Uint64(b), b[8:]
	for i := range h.entries {
		h.entries[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	for i := range h.checks {
		h.checks[i] = binary.LittleEndian.Uint32(b[8*sections+4*i:])
	}
	return h, nil
}

// OpenStore opens or makes the index of a folder; durable.ErrLocked while another process has
// it, ErrDamaged.
func OpenStore(f durable.FS) (_ *Store, err error) {
	if err := f.MkdirAll(""); err != nil {
		return nil, err
	}
	lock, err := f.Lock("lock")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, lock.Close())
		}
	}()
	s := &Store{fs: f, lock: lock}
	if err := durable.Sweep(f, ""); err != nil {
		return nil, err
	}
	raw, err := durable.ReadFile(f, headName)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		if s.head, err = readHead(raw); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(s.clear(), s.openLog()); err != nil {
		return nil, err
	}
	return s, nil
}

// clear removes files of other generations, which a crash left.
func (s *Store) clear() error {
	names, err := s.fs.List("")
	if err != nil {
		return err
	}
	keep := map[string]bool{headName: true, "lock": true}
	for _, n := range append(sectionNames[:], "log") {
		keep[s.head.name(n)] = true
	}
	for _, n := range names {
		if !keep[n] {
			if err := s.fs.Remove(n); err != nil {
				return err
			}
		}
	}
	return nil
}

// openLog cuts off what a crash tore.
func (s *Store) openLog() (err error) {
	if s.log, err = s.fs.Open(s.head.name("log"), durable.Append); err != nil {
		return err
	}
	raw, err := s.readLog()
	if err != nil {
		return errors.Join(err, s.log.Close())
	}
	rest := raw
	for ok := true; ok; {
		_, rest, ok = readBatch(rest)
	}
	s.size = int64(len(raw) - len(rest))
	if len(rest) > 0 {
		if err := errors.Join(s.log.Truncate(s.size), s.log.Sync()); err != nil {
			return errors.Join(err, s.log.Close())
		}
	}
	return s.fs.SyncDir("")
}

func (s *Store) readLog() ([]byte, error) {
	size, err := s.log.Size()
	if err != nil {
		return nil, err
	}
	raw := make([]byte, size)
	if n, err := s.log.ReadAt(raw, 0); n < len(raw) {
		return nil, err
	}
	return raw, nil
}

// Append adds a batch; it is durable when Append returns nil. After an error the store is
// to be closed: the batch may be there or not, whole.
func (s *Store) Append(b Batch) error {
	frame := appendBatch(nil, b)
	if _, err := s.log.Write(frame); err != nil {
		return err
	}
	s.size += int64(len(frame))
	return s.log.Sync()
}

// Pending returns how many bytes wait for a Merge; what they hold is in memory during one.
func (s *Store) Pending() int64 { return s.size }

// Bytes returns the size of the merged files.
func (s *Store) Bytes() (identity, versions int64) {
	e := &s.head.entries
	return int64(e[secPeople])*identityLen + int64(e[secDecoys])*decoyLen, int64(e[secVersions]) * versionLen
}

// Documents returns how many there are in the merged files, and their size in bytes.
func (s *Store) Documents() (n uint64, size int64) {
	e := &s.head.entries
	return e[secDocuments], int64(e[secDocuments])*documentLen + 4*int64(e[secWords])
}

// Entries returns how many of each the merged files hold.
func (s *Store) Entries() (people, versions, decoys uint64) {
	return s.head.entries[secPeople], s.head.entries[secVersions], s.head.entries[secDecoys]
}

// Close ends the use of the folder.
func (s *Store) Close() error { return errors.Join(s.log.Close(), s.lock.Close()) }

func (s *Store) pending() (*pending, error) {
	raw, err := s.readLog()
	if err != nil {
		return nil, err
	}
	p := new(pending)
	for len(raw) > 0 {
		b, rest, ok := readBatch(raw)
		if !ok {
			return nil, ErrDamaged
		}
		p.add(b)
		raw = rest
	}
	return p, nil
}

// Load reads all of the index, the log included.
func (s *Store) Load() (*Set, error) {
	p, err := s.pending()
	if err != nil {
		return nil, err
	}
	e := &s.head.entries
	out := &Set{
		People: room[Identity](int(e[secPeople]) + len(p.people)), Counts: room[uint32](int(e[secPeople]) + len(p.people)),
		Versions: room[Version](int(e[secVersions])), Decoys: room[Tag](int(e[secDecoys])),
	}
	return out, s.into(p, out)
}

// room is nil, or has room for some.
func room[T any](n int) []T {
	if n == 0 {
		return nil
	}
	return pages.Make[T](0, n)
}

// Whose returns the people of a patient's row: one, or as many as they had NIKs.
func (s *Store) Whose(row leak.Row) ([]Tag, error) {
	p, err := s.pending()
	if err != nil {
		return nil, err
	}
	out := &whose{row: row}
	err = s.into(p, out)
	return out.found, err
}

// whose is a sink that notes whose a row is.
type whose struct {
	row   leak.Row
	found []Tag
}

func (w *whose) person(full Tag, o *one) error {
	if slices.ContainsFunc(o.people, func(id Identity) bool { return id.Row == w.row }) {
		w.found = append(w.found, full)
	}
	return nil
}

func (*whose) decoy(Tag) error { return nil }

// into merges files and pending changes into a sink.
func (s *Store) into(p *pending, to sink) error {
	if s.head.gen == 0 {
		return merge(nothing{}, nil, p, to)
	}
	var all [sections]*section
	for i, name := range sectionNames {
		sec, err := s.section(name, s.head.entries[i], sectionLens[i])
		if err != nil {
			return err
		}
		defer sec.file.Close()
		all[i] = sec
	}
	chance := room[Tag](int(s.head.entries[secDecoys]))
	for {
		b, err := all[secDecoys].entry()
		if err != nil {
			return err
		}
		if b == nil {
			break
		}
		chance = append(chance, Tag(binary.LittleEndian.Uint64(b)))
	}
	old := &files{people: all[secPeople], versions: all[secVersions], documents: all[secDocuments], words: all[secWords]}
	if err := errors.Join(old.advance(), old.advanceDocument()); err != nil {
		return err
	}
	if err := merge(old, chance, p, to); err != nil {
		return err
	}
	for i, sec := range all {
		if !sec.ended(s.head.checks[i]) {
			return ErrDamaged
		}
	}
	return nil
}

// Merge writes the log's entries into new files. A crash leaves the old files and the log, or
// the new ones.
func (s *Store) Merge() error {
	p, err := s.pending()
	if err != nil {
		return err
	}
	next := head{gen: s.head.gen + 1}
	w, err := newWriter(s.fs, next)
	if err != nil {
		return err
	}
	if err := s.into(p, w); err != nil {
		return errors.Join(err, w.abandon())
	}
	if next, err = w.finish(); err != nil {
		return err
	}
	fresh, err := s.fs.Open(next.name("log"), durable.Create)
	if err != nil {
		return err
	}
	if err := errors.Join(fresh.Sync(), fresh.Close(), s.fs.SyncDir("")); err != nil {
		return err
	}
	if err := durable.WriteFile(s.fs, headName, next.bytes()); err != nil {
		return err
	}
	old := s.log
	s.head = next
	if err := s.openLog(); err != nil {
		return err
	}
	return errors.Join(old.Close(), s.clear())
}

// section reads one file's entries in order, a block at a time.
type section struct {
	file  durable.File
	at    int64
	left  uint64 // entries behind the block
	size  int    // of an entry
	buf   []byte
	block []byte // what is left of it
	check uint32
}

// blockSize is how many entries are read at once.
const blockSize = 1 << 13

func (s *Store) section(name string, entries uint64, size int) (*section, error) {
	f, err := s.fs.Open(s.head.name(name), durable.Read)
	if err != nil {
		return nil, err
	}
	return &section{file: f, left: entries, size: size, buf: make([]byte, int(min(entries, blockSize))*size)}, nil
}

// entry returns the next one, valid until the call after; nil at the end.
func (s *section) entry() ([]byte, error) {
	if len(s.block) == 0 {
		if s.left == 0 {
			return nil, nil
		}
		n := min(s.left, blockSize)
		s.block = s.buf[:int(n)*s.size]
		if n, _ := s.file.ReadAt(s.block, s.at); n < len(s.block) {
			return nil, ErrDamaged
		}
		s.at += int64(len(s.block))
		s.left -= n
		s.check = crc32.Update(s.check, castagnoli, s.block)
	}
	e := s.block[:s.size:s.size]
	s.block = s.block[s.size:]
	return e, nil
}

// ended reports whether all was read, and was what was written.
func (s *section) ended(check uint32) bool {
	return s.left == 0 && len(s.block) == 0 && s.check == check
}
