package dump

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/amanah-project/amanah/internal/trace/dump/chunk"
)

// Options bound a walk; zero values are the defaults.
type Options struct {
	Workers  int                // goroutines that read and call the Sink; default 1
	From     *State             // go on from there; nil: from the beginning
	Due      func() bool        // whether how far the walk is by now is to be kept; by the goroutine that called Walk
	Keep     func(*State) error // keeps it when all before has passed; by the goroutine that calls Passed
	Progress func(read int64)   // bytes of files, now and then, from the goroutine that called Walk
	Depth    int                // archives within archives; default 4
	Unpacked int64              // most bytes that one file may unpack to; default 1 TiB
	Ratio    int64              // most bytes for each packed one, beyond the first 64 MiB; default 250
	Memory   int64              // most bytes of a file that must be held whole (PDF, image, archive in an archive); default 32 MiB
	Pixels   int                // most pixels of an image that is decoded, and likeness.MaxJPEG of a JPEG file; default 32 Mi
	Entries  int                // most files and entries; default 4 Mi
}

func (o Options) withDefaults() Options {
	set := func(v *int64, d int64) {
		if *v <= 0 {
			*v = d
		}
	}
	set(&o.Unpacked, 1<<40)
	set(&o.Ratio, 250)
	set(&o.Memory, 32<<20)
	if o.Workers <= 0 {
		o.Workers = 1
	}
	if o.Depth <= 0 {
		o.Depth = 4
	}
	if o.Pixels <= 0 {
		o.Pixels = 32 << 20
	}
	if o.Entries <= 0 {
		o.Entries = 4 << 20
	}
	return o
}

// Reasons of files.
const (
	Rest        Reason = "behind the end of what the format says is in the file"
	Damaged     Reason = "damaged from here on"
	Unreadable  Reason = "the disk does not give it"
	Binary      Reason = "binary, in no format that is read here; compared by its hash"
	Bomb        Reason = "unpacks to far more than it is"
	TooNested   Reason = "an archive within too many others: unpack it first"
	TooLarge    Reason = "too large to be looked into as a whole: unpack or convert it first"
	TooMany     Reason = "more entries than one walk takes: give fewer files at once"
	Locked      Reason = "protected by a password: unpack it first"
	OtherPacker Reason = "an archive of another kind (7z, rar, xz, zstd): unpack it first"
	HalfChar    Reason = "half a character at the end"
	PGCustom    Reason = "a dump of PostgreSQL in its custom format: turn it into SQL with pg_restore"
	Undecoded   Reason = "not decoded; compared by its hash"
	NoText      Reason = "a stream of a PDF file that is no text, or is packed otherwise"
	NoCells     Reason = "a part of a spreadsheet that holds no cells"
	Broken      Reason = "not whole, or not what its first bytes say"
)

// walker is one walk.
type walker struct {
	o      Options
	p      *pipe
	report *Report
	read   int64
}

// Walk reads files, and folders in the order of names, and gives what they hold to sink. It
// fails when a path is not there, when the sink fails, and when it cannot go on from
// Options.From; what is wrong within files is in the report.
func Walk(ctx context.Context, paths []string, sink Sink, o Options) (*Report, error) {
	w := &walker{o: o.withDefaults(), report: &Report{}}
	w.p = newPipe(ctx, sink, &w.o, w.report)
	err := w.paths(paths)
	if err == nil && w.p.behind() {
		err = ErrChanged
	}
	if err != nil {
		w.p.cancel(err)
	}
	if closed := w.p.close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, err
	}
	return w.report, nil
}

func (w *walker) paths(paths []string) error {
	for _, root := range paths {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() {
				return nil
			}
			if d.Type()&fs.ModeSymlink != 0 && path != root || d.Type()&^fs.ModeSymlink != 0 {
				return nil // links lead to what is walked itself or was not meant; devices have no end
			}
			return w.file(path)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) file(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	left := min(w.o.Unpacked, 64<<20+w.o.Ratio*info.Size())
	return w.source(entry{parent: -1, name: path, r: f, at: f, size: info.Size(), left: &left})
}

// entry is something to be read: a file, or a part of an archive.
type entry struct {
	parent int
	name   string
	r      io.Reader
	at     io.ReaderAt // of a file; nil within archives
	size   int64       // of at
	depth  int         // of archives around it
	left   *int64      // bytes that the file around it may still unpack to
	// through says that the archive goes on behind it, and not at a place that it knows.
	through bool
}

// input counts and hashes what is read of an entry.
type input struct {
	n     int64
	sum   hash.Hash
	tell  func(int) // of progress, for files
	err   error
	from  io.Reader
	ends  bool      // note where reads end
	reads []readEnd // there, ascending
}

// Read implements io.Reader.
func (in *input) Read(p []byte) (int, error) {
	in.noteEnd()
	n, err := in.from.Read(p)
	in.n += int64(n)
	in.sum.Write(p[:n])
	if in.tell != nil {
		in.tell(n)
	}
	if err != nil && err != io.EOF {
		in.err = err
	}
	return n, err
}

// headSize is what a decision about a format rests on.
const headSize = 64 << 10

// opened is a source while it is read.
type opened struct {
	entry
	*input
	in     *bufio.Reader
	number int
	head   []byte
}

// source reads one entry, whatever it is.
func (w *walker) source(e entry) error {
	if len(w.report.Sources) >= w.o.Entries {
		return nil
	}
	if w.o.From.ended(len(w.report.Sources)) {
		return w.again(e)
	}
	s := &opened{entry: e, input: &input{from: e.r, sum: sha256.New()}, number: len(w.report.Sources)}
	if e.parent < 0 && w.o.Progress != nil {
		s.tell = w.tell
	}
	s.ends = e.at != nil && w.o.Due != nil
	s.in = bufio.NewReaderSize(s.input, headSize)
	s.head, _ = s.in.Peek(headSize)
	if err := w.add(Source{Number: s.number, Parent: e.parent, Name: e.name}); err != nil {
		return err
	}
	kind := magic(s.head)
	w.report.Sources[s.number].Kind = kind
	if err := w.dispatch(s, kind); err != nil {
		return err
	}
	return w.finish(s)
}

// tell notes that bytes of files are done with.
func (w *walker) tell(n int) {
	w.read += int64(n)
	w.o.Progress(w.read)
}

// add appends a source and its account. Accounts grow only when no job reads them.
func (w *walker) add(s Source) error {
	w.report.Sources = append(w.report.Sources, s)
	return w.p.noted(func() {
		w.report.Accounts = append(w.report.Accounts, Account{Source: s.Number})
		w.p.known.begun(s)
	})
}

func (w *walker) dispatch(s *opened, kind Kind) error {
	switch kind {
	case Empty:
		return nil
	case Text:
		return w.text(s)
	case Gzip, Bzip2, Tar, Zip:
		if s.depth >= w.o.Depth {
			return w.skip(s, TooNested)
		}
		return w.archive(s, kind)
	}
	return w.document(s, kind)
}

// finish reads what is left of a source, for its hash.
func (w *walker) finish(s *opened) error {
	before := s.read()
	_, err := io.Copy(io.Discard, s.in)
	if err != nil && s.input.err == nil {
		s.input.err = err
	}
	src := &w.report.Sources[s.number]
	src.Size = s.n
	s.sum.Sum(src.SHA256[:0])
	size := s.n
	why := Rest
	lost := int64(0)
	if s.input.err != nil && s.at != nil && s.size > s.n {
		lost = s.size - s.n
		src.Size = s.size
	}
	whole, end := *src, endOf(s)
	return w.p.noted(func() {
		w.p.known.ended(whole, end)
		a := &w.report.Accounts[s.number]
		if known := a.Parsed + a.Lost(); known < size {
			a.skip(max(before, known), size, why)
			if short := size - a.Parsed - a.Lost(); short > 0 {
				a.Parsed += short
			}
		}
		a.skip(size, size+lost, Unreadable)
	})
}

// rest reads a source to its end, of which all up to at was read, and the rest not.
func (w *walker) rest(s *opened, at int64, why Reason) error {
	if _, err := io.Copy(io.Discard, s.in); err != nil && s.input.err == nil {
		s.input.err = err
	}
	n := s.n
	return w.p.noted(func() {
		a := &w.report.Accounts[s.number]
		if why == Damaged || why == Bomb {
			at = max(0, min(at, n-1)) // a file that was cut at its last byte is said to be, too
		}
		a.Parsed += at
		a.skip(at, n, why)
	})
}

// read is how far a source has been read.
func (s *opened) read() int64 { return s.n - int64(s.in.Buffered()) }

// skip accounts for all of a source that is not read otherwise.
func (w *walker) skip(s *opened, why Reason) error { return w.rest(s, 0, why) }

// text cuts a text into pieces and sends them.
func (w *walker) text(s *opened) error {
	charset, mark := charsetOf(s.head)
	src := &w.report.Sources[s.number]
	src.Charset = charset
	_, _ = s.in.Discard(mark)
	var r io.Reader = s.in
	base, from := int64(mark), int64(mark)
	wide := wider(s, charset)
	head := s.head[mark:]
	if wide != nil {
		base = 0
		in := bufio.NewReaderSize(wide, headSize)
		head, _ = in.Peek(headSize)
		r = in
	}
	shape, format := chunk.Sniff(head)
	src.Kind = []Kind{Text, Table, JSON, NDJSON, SQL}[shape]
	kind := src.Kind
	if t, ok := format.(*chunk.Table); ok {
		src.Header = t.Names
	}
	if err := w.p.noted(func() { w.report.Accounts[s.number].Parsed += int64(mark) }); err != nil {
		return err
	}
	t := texts{kind: kind, charset: charset, base: base, from: from, r: r, format: format, buffer: w.p.get()}
	if at := w.o.From.place(s); at != nil {
		if err := w.goOn(s, &t, at); err != nil {
			return err
		}
		if wide = wider(s, charset); wide != nil {
			t.r = bufio.NewReaderSize(wide, headSize)
		}
	}
	err := w.pieces(s, t)
	if err == nil && wide != nil && wide.odd > 0 {
		n := s.n
		err = w.p.noted(func() { w.report.Accounts[s.number].skip(n-wide.odd, n, HalfChar) })
	}
	return err
}

// texts is a text that is cut into pieces.
type texts struct {
	kind    Kind
	charset string
	base    int64 // of the next piece in the text
	from    int64 // and in the source
	r       io.Reader
	format  chunk.Format
	buffer  []byte // for the next piece
}

// pieces cuts a text. An error of its reader ends it where it stands: the account has it.
func (w *walker) pieces(s *opened, t texts) error {
	have := 0
	for last := false; !last || have > 0; {
		buf := t.buffer
		if !last {
			n, err := io.ReadFull(t.r, buf[have:])
			have += n
			last = err != nil
		}
		if have == 0 {
			break
		}
		n, piece := t.format.Cut(buf[:have], last, len(buf) >= mostRow)
		if n == 0 {
			if last {
				return errors.New("dump: a format cut nothing of the last piece")
			}
			t.buffer = append(buf[:have:have], make([]byte, len(buf))...)
			continue
		}
		t.buffer = w.p.get()
		if have-n > len(t.buffer) {
			t.buffer = make([]byte, have-n+pieceSize)
		}
		copy(t.buffer, buf[n:have])
		j := &job{kind: t.kind, charset: t.charset, buffer: buf, text: buf[:n:n], base: t.base, from: t.from, piece: piece}
		t.base += int64(n)
		t.from += sourceLength(t.charset, j.text)
		j.mark.Source, j.mark.Offset = s.number, t.from
		j.place = func() *Place { return s.placeOf(&t) }
		if err := w.p.send(j, j.text); err != nil {
			return err
		}
		s.forget(t.from)
		have -= n
	}
	w.p.put(t.buffer)
	return nil
}
