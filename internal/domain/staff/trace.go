package staff

import (
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/amanah-project/amanah/internal/fault"
)

// ErrTrace: what no officer could approve as a trace.
var ErrTrace = fault.New(fault.Invalid, "a trace is of 1 to 1,000,000 files of evidence, named by their hash")

// MaxTraced bounds the files of one trace.
const MaxTraced = 1_000_000

// Trace is what a trace looks into, as the body of its request: who approves it signs over
// the evidence. Whom it finds, it names by keyed ids alone (Names).
type Trace struct {
	Evidence [32]byte // SHA-256 of the list of files with their hashes
	Files    int
	Size     int64 // bytes of them all
}

// Body writes the trace as its request's body, three lines that people can read.
func (t Trace) Body() []byte {
	return []byte("evidence " + hex.EncodeToString(t.Evidence[:]) + "\nfiles " + strconv.Itoa(t.Files) +
		"\nbytes " + strconv.FormatInt(t.Size, 10) + "\n")
}

// ParseTrace reads what Body writes, in that one spelling; ErrTrace.
func ParseTrace(body []byte) (Trace, error) {
	var t Trace
	lines := strings.Split(string(body), "\n")
	if len(lines) != 4 {
		return t, ErrTrace
	}
	digest, err := hex.DecodeString(strings.TrimPrefix(lines[0], "evidence "))
	files, ferr := strconv.Atoi(strings.TrimPrefix(lines[1], "files "))
	size, serr := strconv.ParseInt(strings.TrimPrefix(lines[2], "bytes "), 10, 64)
	if err != nil || ferr != nil || serr != nil || len(digest) != 32 || files < 1 || files > MaxTraced || size < 0 {
		return t, ErrTrace
	}
	t = Trace{[32]byte(digest), files, size}
	if string(t.Body()) != string(body) {
		return Trace{}, ErrTrace
	}
	return t, nil
}
