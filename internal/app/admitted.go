package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/amanah-project/amanah/client"
	"github.com/amanah-project/amanah/internal/fault"
)

// Admitted is a door's list of the passes it admitted without network: a file with one
// JSON object a line, which is only ever added to, and beside it how much of it was
// reported. A scan is on the disk before the guard is told to admit, and stays until
// somebody removes the file.
type Admitted struct{ name string }

// OpenAdmitted names a list; it need not be there yet.
func OpenAdmitted(name string) Admitted { return Admitted{name} }

func (l Admitted) mark() string { return l.name + ".reported" }

// Add writes one pass at the end, durably.
func (l Admitted) Add(a client.Admitted) error {
	raw, err := json.Marshal(a)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(l.name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return l.unwritable(err)
	}
	defer f.Close()
	end, err := f.Stat()
	if err != nil {
		return l.unwritable(err)
	}
	line := append(raw, '\n')
	last := []byte{'\n'}
	if n := end.Size(); n > 0 {
		if _, err := f.ReadAt(last, n-1); err != nil {
			return l.unwritable(err)
		}
	}
	if last[0] != '\n' { // of somebody who was cut off: a line of its own, which will be refused
		line = append([]byte{'\n'}, line...)
	}
	_, err = f.Write(line)
	if err := errors.Join(err, f.Sync()); err != nil {
		return l.unwritable(err)
	}
	return nil
}

func (l Admitted) unwritable(err error) error {
	return fault.Newf(fault.Unavailable, "%s cannot be written, so nobody may be admitted by it: %v", filepath.Base(l.name), unwrapPath(err))
}

// All reads every pass of the list.
func (l Admitted) All() (all []client.Admitted, err error) {
	text, err := l.read()
	all, _ = lines(text)
	return all, err
}

// Waiting reads the passes that were not reported yet, and returns what to tell Settle
// when they are.
func (l Admitted) Waiting() (waiting []client.Admitted, end int64, err error) {
	text, err := l.read()
	if err != nil {
		return nil, 0, err
	}
	raw, err := os.ReadFile(l.mark())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, 0, fault.New(fault.Invalid, "the mark beside the list cannot be read")
	}
	from, err := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64)
	if err != nil || from < 0 || from > int64(len(text)) {
		from = 0 // another list of that name, or no mark: to report again counts nothing twice
	}
	waiting, n := lines(text[from:])
	return waiting, from + int64(n), nil
}

// Settle notes that all up to an end of Waiting was reported, after writing what must
// be reported again to the list's end.
func (l Admitted) Settle(end int64, again []client.Admitted) error {
	for _, a := range again {
		if err := l.Add(a); err != nil {
			return err
		}
	}
	return ReplaceFile(l.mark(), []byte(strconv.FormatInt(end, 10)+"\n"))
}

func (l Admitted) read() ([]byte, error) {
	text, err := os.ReadFile(l.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "the list of admitted passes cannot be read")
	}
	return text, nil
}

// lines reads whole lines and returns how many bytes they take. One that is no JSON is
// kept as it is: the platform says of it that it is no scan.
func lines(text []byte) (out []client.Admitted, size int) {
	for {
		line, _, whole := bytes.Cut(text[size:], []byte{'\n'})
		if !whole {
			return out, size
		}
		size += len(line) + 1
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var a client.Admitted
		if json.Unmarshal(line, &a) != nil || a.Screen == "" {
			a = client.Admitted{Door: 1, Screen: string(line[:min(len(line), 300)])}
		}
		out = append(out, a)
	}
}
