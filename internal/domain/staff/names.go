package staff

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of names.
var (
	ErrNames     = fault.New(fault.Invalid, "people are named of one trace whose observation is frozen, 1 to 262,144 at a time, to an age recipient (age1…)")
	ErrNamedRows = fault.New(fault.Denied, "these are not the people whose names were approved: give the case folder that the request was made of")
)

// MaxNamed bounds the people of one request for names.
const MaxNamed = 1 << 18

// Names is whom a request names, of what one trace found, and for whom, as its body: people
// are their keyed ids, and who approves signs over all of them.
type Names struct {
	Trace     RequestID
	Observed  [32]byte // what the trace froze
	Count     int      // of people
	Rows      [32]byte // RowsDigest of them
	Recipient string   // age public key, age1…
}

// RowsDigest is SHA-256 over a name of the purpose and keyed ids, ascending.
func RowsDigest(rows []leak.Row) [32]byte {
	b := append(make([]byte, 0, 24+8*len(rows)), "amanah named rows v1\x00"...)
	for _, r := range rows {
		b = binary.BigEndian.AppendUint64(b, uint64(r))
	}
	return sha256.Sum256(b)
}

// Lists returns ErrNamedRows unless these are the people of the request, ascending.
func (n Names) Lists(rows []leak.Row) error {
	for i := range rows {
		if i > 0 && rows[i] <= rows[i-1] {
			return ErrNamedRows
		}
	}
	if len(rows) != n.Count || RowsDigest(rows) != n.Rows {
		return ErrNamedRows
	}
	return nil
}

// Observation is what a trace freezes: the sample that copies are weighed against, and whom
// and what it found, so that nobody is named afterwards whom it did not find.
type Observation struct {
	Sample  [32]byte   // leak.Frozen's digest
	Views   [32]byte   // ViewsDigest of names of single views
	Records [32]byte   // RowsDigest of records
	People  [][32]byte // RowsDigest of people, MaxNamed at a time
}

// ViewsDigest is SHA-256 over names of views, ascending.
func ViewsDigest(views []leak.ViewToken) [32]byte {
	b := append(make([]byte, 0, 24+16*len(views)), "amanah seen views v1\x00"...)
	for _, v := range views {
		b = append(b, v[:]...)
	}
	return sha256.Sum256(b)
}

// Observe makes an observation; views, people and records ascend.
func Observe(sample [32]byte, views []leak.ViewToken, people, records []leak.Row) Observation {
	o := Observation{Sample: sample, Views: ViewsDigest(views), Records: RowsDigest(records)}
	for some := range slices.Chunk(people, MaxNamed) {
		o.People = append(o.People, RowsDigest(some))
	}
	return o
}

// Digest is SHA-256 over a name of the purpose and all parts: what a trace hands in.
func (o Observation) Digest() [32]byte {
	b := append(make([]byte, 0, 96+32*len(o.People)), "amanah observation v1\x00"...)
	b = append(append(append(b, o.Sample[:]...), o.Views[:]...), o.Records[:]...)
	for _, p := range o.People {
		b = append(b, p[:]...)
	}
	return sha256.Sum256(b)
}

// Of returns ErrNamedRows unless these are people of the request, and of what its trace
// observed and froze.
func (n Names) Of(o Observation, frozen [32]byte, rows []leak.Row) error {
	if n.Observed != frozen || o.Digest() != frozen || !slices.Contains(o.People, n.Rows) {
		return ErrNamedRows
	}
	return n.Lists(rows)
}

// Body writes the names as their request's body, five lines that people can read.
func (n Names) Body() []byte {
	return []byte("trace " + n.Trace.String() + "\nobserved " + hex.EncodeToString(n.Observed[:]) + "\npeople " + strconv.Itoa(n.Count) +
		"\nlist " + hex.EncodeToString(n.Rows[:]) + "\nrecipient " + n.Recipient + "\n")
}

// ParseNames reads what Body writes, in that one spelling; ErrNames.
func ParseNames(body []byte) (Names, error) {
	lines := strings.Split(string(body), "\n")
	if len(lines) != 6 {
		return Names{}, ErrNames
	}
	id, err := ParseRequestID(strings.TrimPrefix(lines[0], "trace "))
	observed, oerr := hex.DecodeString(strings.TrimPrefix(lines[1], "observed "))
	count, cerr := strconv.Atoi(strings.TrimPrefix(lines[2], "people "))
	list, lerr := hex.DecodeString(strings.TrimPrefix(lines[3], "list "))
	n := Names{Trace: id, Count: count, Recipient: strings.TrimPrefix(lines[4], "recipient ")}
	if err != nil || oerr != nil || cerr != nil || lerr != nil || len(observed) != 32 || len(list) != 32 ||
		count < 1 || count > MaxNamed || !recipient(n.Recipient) {
		return Names{}, ErrNames
	}
	n.Observed, n.Rows = [32]byte(observed), [32]byte(list)
	if string(n.Body()) != string(body) {
		return Names{}, ErrNames
	}
	return n, nil
}
