package staff

import (
	"strconv"
	"strings"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/fault"
)

// ErrErasure: what no officer could approve as an erasure.
var ErrErasure = fault.New(fault.Invalid, "an erasure names one person, and for why a code of 1 to 32 lower-case letters, digits and hyphens, as own-request")

// maxErasureReason bounds the code, which stands in the certificate.
const maxErasureReason = 32

// Erasure is whose key is destroyed and why, as the body of its request: who asks and who
// approves sign over both. The number names nobody to who does not hold the database.
type Erasure struct {
	Person identity.PersonID
	Reason string
}

// Body writes the erasure as its request's body, two lines that people can read.
func (e Erasure) Body() []byte {
	return []byte("person " + strconv.FormatUint(uint64(e.Person), 10) + "\nreason " + e.Reason + "\n")
}

// ParseErasure reads what Body writes, in that one spelling; ErrErasure.
func ParseErasure(body []byte) (Erasure, error) {
	lines := strings.Split(string(body), "\n")
	if len(lines) != 3 {
		return Erasure{}, ErrErasure
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(lines[0], "person "), 10, 64)
	e := Erasure{Person: identity.PersonID(n), Reason: strings.TrimPrefix(lines[1], "reason ")}
	if err != nil || n == 0 || !plain(e.Reason) || len(e.Reason) > maxErasureReason || string(e.Body()) != string(body) {
		return Erasure{}, ErrErasure
	}
	return e, nil
}
