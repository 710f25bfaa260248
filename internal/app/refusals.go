package app

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/evidence"
)

// refusals is the file of rows refused: line and reason, never a value, ascending
// by line. A batch's refusals are durable in it before the batch is in the database,
// and a run that goes on first cuts off what no batch stands behind. So each refusal
// is there once, wherever the run before was stopped.
type refusals struct{ file durable.File }

// openRefusals opens the file for a run whose first taken lines are durable, and
// returns how many of their refusals it holds.
func openRefusals(disk durable.FS, name string, taken int64) (*refusals, int64, error) {
	file, err := disk.Open(name, durable.Append)
	if err != nil {
		return nil, 0, fault.Newf(fault.Invalid, "the file for refused rows cannot be made: %v", unwrapPath(err))
	}
	held, err := cutRefusals(file, taken)
	if err == nil {
		err = disk.SyncDir("")
	}
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("prepare the file for refused rows: %w", unwrapPath(err)), file.Close())
	}
	return &refusals{file}, held, nil
}

// cutRefusals ends the file behind the last refusal of the lines taken. What is
// torn, or of a later line, belongs to a batch that never came to be.
func cutRefusals(file durable.File, taken int64) (held int64, err error) {
	size, err := file.Size()
	if err != nil || size == 0 {
		return 0, err
	}
	keep := int64(0)
	if taken > 0 {
		raw := make([]byte, size)
		if n, err := file.ReadAt(raw, 0); n < len(raw) {
			return 0, err
		}
		for line := range bytes.Lines(raw) {
			if n, ok := refusedLine(line); !ok || n > taken {
				break
			}
			keep += int64(len(line))
			held++
		}
	}
	if keep == size {
		return held, nil
	}
	return held, errors.Join(file.Truncate(keep), file.Sync())
}

// refusedLine returns the line number with which a whole line of the file begins.
func refusedLine(line []byte) (int64, bool) {
	number, _, ok := bytes.Cut(line, []byte{'\t'})
	n, err := strconv.ParseInt(string(number), 10, 64)
	return n, ok && err == nil && line[len(line)-1] == '\n'
}

// add makes one batch's refusals durable.
func (r *refusals) add(batch []evidence.Refusal) error {
	if len(batch) == 0 {
		return nil
	}
	slices.SortStableFunc(batch, func(a, b evidence.Refusal) int { return int(a.Line - b.Line) })
	var text bytes.Buffer
	for _, b := range batch {
		fmt.Fprintf(&text, "%d\t%s\n", b.Line, fault.Text(b.Reason))
	}
	_, err := r.file.Write(text.Bytes())
	if err == nil {
		err = r.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("write the file for refused rows: %w", unwrapPath(err))
	}
	return nil
}

func (r *refusals) close() error { return r.file.Close() }
