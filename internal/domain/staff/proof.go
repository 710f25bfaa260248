package staff

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/amanah-project/amanah/internal/day"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/format/jose"
)

// ErrProof: text that is no proof of possession, or one whose signature does not hold.
var ErrProof = fault.New(fault.Denied, "the DPoP proof is malformed, or its signature does not hold")

// MaxProof bounds a proof's length in bytes.
const MaxProof = 2048

// Proof is a request in its sender's own words: a proof of possession (RFC 9449 §4.2)
// whose signature holds. It says what the holder of Key asked for, not who that is.
type Proof struct {
	Key     jose.Key
	ID      string // jti
	Method  string
	Origin  string // scheme and authority of the address, as https://amanah.example
	Issued  time.Time
	Purpose string // empty when it names none
	path    []string
}

// ParseProof reads a proof and checks its signature. A proof that it reads has an
// address whose path every reader splits alike: without empty, dotted or escaped
// segments, query or fragment.
func ParseProof(s string) (Proof, error) {
	if len(s) > MaxProof {
		return Proof{}, ErrProof
	}
	key, payload, err := jose.OpenEmbedded(s, "dpop+jwt")
	if err != nil {
		return Proof{}, ErrProof
	}
	o, err := jose.ParseObject(payload)
	if err != nil {
		return Proof{}, ErrProof
	}
	p := Proof{Key: key, ID: o.Text("jti"), Method: o.Text("htm"), Purpose: o.Text("purpose")}
	issued, ok := o.Whole("iat")
	p.Issued = time.Unix(issued, 0)
	if !ok || issued <= 0 || issued > 1<<40 || p.ID == "" || len(p.ID) > 64 || p.Method == "" || o["purpose"] != nil && p.Purpose == "" {
		return Proof{}, ErrProof
	}
	if p.Origin, p.path, ok = splitAddress(o.Text("htu")); !ok {
		return Proof{}, ErrProof
	}
	return p, nil
}

func splitAddress(s string) (origin string, path []string, ok bool) {
	scheme, rest, ok := strings.Cut(s, "://")
	host, after, found := strings.Cut(rest, "/")
	if !ok || !found || scheme == "" || host == "" || strings.ContainsAny(s, "?#\\ ") {
		return "", nil, false
	}
	path = strings.Split(after, "/")
	for _, p := range path {
		escaped := strings.Contains(p, "%") && !strings.HasPrefix(p, "%24") // of $everything
		if p == "" || p == "." || p == ".." || escaped {
			return "", nil, false
		}
	}
	return scheme + "://" + host, path, true
}

// Name names the proof: its key and its own id. No two good proofs have one name.
func (p Proof) Name() [16]byte {
	thumbprint := p.Key.Thumbprint()
	sum := sha256.Sum256(append([]byte("amanah ask v1\x00"), append(thumbprint[:], p.ID...)...))
	return [16]byte(sum[:])
}

// Ref is whom the proof's path names: a person by Patient/123 (FHIR) or patients/123
// (DICOMweb), one of their records by 123-65536 as any segment; with both, the record. A
// path that names two people names nobody: which of them was meant must not be for a
// server to choose.
func (p Proof) Ref() (record.Ref, bool) {
	var found record.Ref
	for i, s := range p.path {
		r, err := record.ParseRef(s)
		if err != nil || r.Number == 0 && (i == 0 || p.path[i-1] != "Patient" && p.path[i-1] != "patients") {
			continue // a version's number, or what else is counted
		}
		switch {
		case found.Person == 0, found.Person == r.Person && found.Number == 0:
			found = r
		case found != r && r.Number != 0 || found.Person != r.Person:
			return record.Ref{}, false
		}
	}
	return found, found.Person != 0
}

// Relation reads a path that ends in Patient/123/relation/2026-12-31: whom somebody
// says they treat, and until the end of which day; or in transfers/123-65540/relation/…,
// which says that they treat whom that record was sent of.
func (p Proof) Relation() (r record.Ref, until time.Time, ok bool) {
	end := p.last(4)
	if end == nil || end[0] != "Patient" && end[0] != "transfers" || end[2] != "relation" {
		return r, until, false
	}
	d, err := day.Parse(end[3])
	if err != nil {
		return r, until, false
	}
	r, ok = p.Ref()
	return r, d.Add(1).Start(), ok && (r.Number == 0) == (end[0] == "Patient")
}

// Sends reads a path that ends in transfers/Patient/123/rs-99-002/2026-12-31: to which
// facility records of that person are sent, to be fetched until the end of which day.
func (p Proof) Sends() (to FacilityID, until time.Time, ok bool) {
	end := p.last(5)
	if end == nil || end[0] != "transfers" || end[1] != "Patient" {
		return "", until, false
	}
	d, err := day.Parse(end[4])
	if err != nil {
		return "", until, false
	}
	to, err = ParseFacility(end[3])
	r, whose := p.Ref()
	return to, d.Add(1).Start(), err == nil && whose && r.Number == 0
}

// Receives reads a path that ends in transfers/123-65540/receipt/SHA256: that somebody
// has what was sent under that name, and its SHA-256 in hexadecimal.
func (p Proof) Receives() (r record.Ref, digest [32]byte, ok bool) {
	end := p.last(4)
	if end == nil || end[0] != "transfers" || end[2] != "receipt" {
		return r, digest, false
	}
	b, err := hex.DecodeString(end[3])
	if err != nil || len(b) != len(digest) || hex.EncodeToString(b) != end[3] {
		return r, digest, false
	}
	r, ok = p.Ref()
	return r, [32]byte(b), ok && r.Number != 0
}

// Approval reads a path that ends in actors/NAME/approval: for whom somebody answers.
func (p Proof) Approval() (ActorID, bool) {
	end := p.last(3)
	if end == nil || end[0] != "actors" || end[2] != "approval" {
		return "", false
	}
	id, err := ParseActor(end[1])
	return id, err == nil
}

// Enrols reports whether the proof's path ends in actors/NAME/DIGEST of that actor:
// all that is enrolled of them is signed.
func (p Proof) Enrols(a Actor) bool {
	end := p.last(3)
	return end != nil && end[0] == "actors" && end[1] == string(a.ID) && end[2] == a.Digest()
}

// last returns the last n segments of the path, or nil when there are fewer.
func (p Proof) last(n int) []string {
	if len(p.path) < n {
		return nil
	}
	return p.path[len(p.path)-n:]
}

// Digest is a SHA-256, base64url without padding, over what an officer signs of an
// actor: the lines "amanah actor v1", id, facility, the numbers of role and rights,
// the key's thumbprint (RFC 7638, base64url), and "acts" or "ended"; each ends with a
// line feed. Of an actor whose key is none, it is of no thumbprint.
func (a Actor) Digest() string {
	state := "acts"
	if !a.Ended.IsZero() {
		state = "ended"
	}
	thumbprint := ""
	if k, err := jose.ParseKey(a.Key); err == nil {
		sum := k.Thumbprint()
		thumbprint = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	text := strings.Join([]string{
		"amanah actor v1", string(a.ID), string(a.Facility), strconv.Itoa(int(a.Role)), strconv.Itoa(int(a.Rights)), thumbprint, state, "",
	}, "\n")
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
