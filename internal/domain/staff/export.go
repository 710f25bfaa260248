package staff

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of exports.
var (
	ErrExport = fault.New(fault.Invalid, "an export names an age recipient (age1…) and 1 to 5,000 people")
	ErrListed = fault.New(fault.Denied, "this is not the list of people that was approved")
)

// MaxExport bounds the people of one export.
const MaxExport = 5000

// Export is what a bulk export is of and for, as the body of its request: who approves it
// signs over all of it.
type Export struct {
	Recipient string   // age public key, age1…
	Count     int      // of people
	People    [32]byte // PeopleDigest of them
}

// PeopleDigest is SHA-256 over a name of the purpose and the numbers of people, ascending.
func PeopleDigest(people []identity.PersonID) [32]byte {
	b := append(make([]byte, 0, 24+8*len(people)), "amanah export people v1\x00"...)
	for _, p := range people {
		b = binary.BigEndian.AppendUint64(b, uint64(p))
	}
	return sha256.Sum256(b)
}

// Lists returns ErrListed unless these are the people of the export, ascending.
func (e Export) Lists(people []identity.PersonID) error {
	for i := range people {
		if i > 0 && people[i] <= people[i-1] {
			return ErrListed
		}
	}
	if len(people) != e.Count || PeopleDigest(people) != e.People {
		return ErrListed
	}
	return nil
}

// Body writes the export as its request's body, three lines that people can read.
func (e Export) Body() []byte {
	return []byte("recipient " + e.Recipient + "\npeople " + strconv.Itoa(e.Count) + "\nlist " + hex.EncodeToString(e.People[:]) + "\n")
}

// ParseExport reads what Body writes, in that one spelling; ErrExport.
func ParseExport(body []byte) (Export, error) {
	var e Export
	lines := strings.Split(string(body), "\n")
	if len(lines) != 4 {
		return e, ErrExport
	}
	e.Recipient = strings.TrimPrefix(lines[0], "recipient ")
	n, err := strconv.Atoi(strings.TrimPrefix(lines[1], "people "))
	digest, herr := hex.DecodeString(strings.TrimPrefix(lines[2], "list "))
	if err != nil || herr != nil || n < 1 || n > MaxExport || len(digest) != 32 || !recipient(e.Recipient) {
		return Export{}, ErrExport
	}
	e.Count, e.People = n, [32]byte(digest)
	if string(e.Body()) != string(body) {
		return Export{}, ErrExport
	}
	return e, nil
}

// recipient reports whether a text may be an age X25519 recipient: Bech32 in lower case.
func recipient(s string) bool {
	if len(s) != 62 || !strings.HasPrefix(s, "age1") {
		return false
	}
	return strings.Trim(s[4:], "qpzry9x8gf2tvdw0s3jn54khce6mua7l") == ""
}
