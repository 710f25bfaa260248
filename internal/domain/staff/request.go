package staff

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/format/jose"
)

// Errors of what takes a second person.
var (
	ErrNoRequest  = fault.New(fault.NotFound, "there is no such request")
	ErrRequest    = fault.New(fault.Invalid, "a request names what it is for in 1 to 200 characters of plain text, and ends within its kind's time")
	ErrOneself    = fault.New(fault.Denied, "nobody is their own second person")
	ErrApproved   = fault.New(fault.Conflict, "you approved this before")
	ErrOver       = fault.New(fault.Denied, "the request is over: ask again")
	ErrNotYours   = fault.New(fault.Denied, "your role may not approve this")
	ErrUnapproved = fault.New(fault.Denied, "this needs a second person's approval")
)

// Ask is the kind of a request. The numbers are stored and signed over.
type Ask uint8

// Kinds of request.
const (
	AskElevate Ask = 1 + iota // an officer's powers beyond the desk, for an hour
	AskWiden                  // more than 50 people in ten minutes, for an hour
	AskExport                 // one bulk export
	AskEnrol                  // what an officer signed of somebody, for the keeper's host while there is no second officer
	AskTrace                  // tracing one leak, with the keys of the index and of all copies
	AskErase                  // destroying one person's key
	AskNames                  // who the people are that a trace found, for them to be told
)

// String names the kind.
func (a Ask) String() string {
	switch a {
	case AskElevate:
		return "elevate"
	case AskWiden:
		return "widen"
	case AskExport:
		return "export"
	case AskEnrol:
		return "enrol"
	case AskTrace:
		return "trace"
	case AskErase:
		return "erase"
	case AskNames:
		return "names"
	}
	return "unknown"
}

// ParseAsk reads a kind; ErrRequest.
func ParseAsk(s string) (Ask, error) {
	for _, a := range []Ask{AskElevate, AskWiden, AskExport} {
		if a.String() == s {
			return a, nil
		}
	}
	return 0, ErrRequest
}

// How long things last.
const (
	RequestLife = 24 * time.Hour // of a request without enough approvals
	GrantLife   = time.Hour      // of an elevation or a widening, from its approval
	ExportLife  = 72 * time.Hour // in which an approved export, trace or erasure must have ended
)

// Needs is how many different people must sign a request of the kind: of an erasure one of
// them is who asks.
func (a Ask) Needs() int {
	if a.hosted() || a == AskErase {
		return 2
	}
	return 1
}

// hosted reports whether a request is asked for by a command on the keeper's host, and
// approved by any two officers.
func (a Ask) hosted() bool { return a == AskExport || a == AskTrace || a == AskNames }

// Request is something that takes a second person. It is named by its content: who
// approves one signs over all of it, so that none of it can be changed afterwards.
type Request struct {
	Kind    Ask
	By      ActorID    // who asks; empty for a command on the keeper's host
	Place   FacilityID // theirs; empty with By
	Purpose string     // plain text
	Body    []byte     // what an export is of and for, or what an officer signed; empty for the others
	Asked   time.Time  // in whole seconds
	Until   time.Time  // in whole seconds: approvals count no longer
}

// RequestID names a request.
type RequestID [32]byte

// requestPrefix is before every number: base64url alone begins with a hyphen now and
// then, and would be taken for a flag on a command line.
const requestPrefix = "R-"

// String is the request's number, as people and commands write it: R- and 43 letters and
// digits, base64url.
func (id RequestID) String() string {
	return requestPrefix + base64.RawURLEncoding.EncodeToString(id[:])
}

// ErrNumber: text that is no request's number.
var ErrNumber = fault.New(fault.Invalid, "a request's number is R- and the 43 letters and digits that were printed when it was asked")

// ParseRequestID reads a number, with R- or without; ErrNumber.
func ParseRequestID(s string) (RequestID, error) {
	if len(s) > base64.RawURLEncoding.EncodedLen(len(RequestID{})) { // one in 4,096 begins so by itself
		s = strings.TrimPrefix(s, requestPrefix)
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(raw) != len(RequestID{}) || strings.ContainsAny(s, "\r\n") {
		return RequestID{}, ErrNumber
	}
	return RequestID(raw), nil
}

// maxBody bounds what a request holds, in bytes.
const maxBody = 16 << 10

// ID hashes the whole request, each part behind its length.
func (r Request) ID() RequestID {
	h := sha256.New()
	h.Write([]byte("amanah request v1\x00"))
	h.Write([]byte{byte(r.Kind)})
	var n [8]byte
	for _, part := range [][]byte{[]byte(r.By), []byte(r.Place), []byte(r.Purpose), r.Body} {
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write(part)
	}
	for _, at := range []time.Time{r.Asked, r.Until} {
		binary.BigEndian.PutUint64(n[:], uint64(at.Unix()))
		h.Write(n[:])
	}
	return RequestID(h.Sum(nil))
}

// Check returns ErrRequest for what nobody could approve, or nil.
func (r Request) Check() error {
	life := RequestLife
	if r.Kind.Needs() == 2 {
		life = ExportLife
	}
	switch {
	case r.Kind < AskElevate || r.Kind > AskNames,
		r.Purpose == "" || utf8.RuneCountInString(r.Purpose) > 200 || !plainText(r.Purpose),
		len(r.Body) > maxBody || (r.Kind >= AskExport) != (len(r.Body) > 0),
		r.Asked.Nanosecond() != 0 || r.Until.Nanosecond() != 0,
		!r.Asked.Before(r.Until) || r.Until.Sub(r.Asked) > life,
		r.By == "" && !r.Kind.hosted():
		return ErrRequest
	}
	return nil
}

// plainText reports whether people see all of a text: no control character and nothing
// that turns the direction of reading.
func plainText(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, c := range s {
		if c < ' ' || c >= 0x7f && c < 0xa0 || c >= 0x200b && c <= 0x200f || c >= 0x2028 && c <= 0x202e || c >= 0x2066 && c <= 0x2069 || c == 0xfeff {
			return false
		}
	}
	return true
}

// Approval is somebody's passkey's word for one request: an assertion over
// ApprovalChallenge. Like an endorsement it needs no store to be believed.
type Approval struct {
	Request RequestID
	Actor   ActorID
	At      time.Time
	Assertion
}

// ApprovalChallenge is what a passkey signs to approve a request: SHA-256 over a name of
// the purpose and the request's id.
func ApprovalChallenge(id RequestID) [32]byte {
	return sha256.Sum256(append([]byte("amanah approval v1\x00"), id[:]...))
}

// Verify returns nil when the passkey k approved the request for this site.
func (a Approval) Verify(s Site, k jose.Key) error {
	return s.Verify(k, ApprovalChallenge(a.Request), a.Assertion)
}

// MayApprove returns why somebody may not approve a request that has these approvals,
// or nil. Widenings are for whoever works at the same facility and views records, or an
// officer, and all else for officers. Who asks for an erasure signs for it as well, as one
// of the two.
func MayApprove(r Request, who Actor, had []Approval, now time.Time) error {
	switch {
	case !who.Ended.IsZero() || who.Since.IsZero() || r.Kind == AskEnrol:
		return ErrNotYours
	case !now.Before(r.Until):
		return ErrOver
	case slices.ContainsFunc(had, func(a Approval) bool { return a.Actor == who.ID }):
		return ErrApproved
	case r.By == who.ID && r.Kind.Needs() == 1:
		return ErrOneself
	case who.Role == RoleOfficer:
		return nil
	case r.Kind == AskWiden && who.Role == RoleClinician && who.Facility == r.Place && who.Rights.May(View):
		return nil
	}
	return ErrNotYours
}

// Granted returns from when until when a request is granted, or why not: approved by as
// many different people as its kind needs, one of them other than who asked, of an erasure
// one of them who asked, and not over.
func Granted(r Request, had []Approval, now time.Time) (from, until time.Time, err error) {
	var people []ActorID
	second := false
	for _, a := range had {
		if a.Request == r.ID() && !slices.Contains(people, a.Actor) {
			people = append(people, a.Actor)
			second = second || a.Actor != r.By
			if len(people) <= r.Kind.Needs() {
				from = later(from, a.At)
			}
		}
	}
	if len(people) < r.Kind.Needs() || !second || r.Kind == AskErase && !slices.Contains(people, r.By) {
		return from, until, ErrUnapproved
	}
	until = from.Add(GrantLife)
	if r.Kind.Needs() == 2 {
		until = r.Until
	}
	if now.Before(from) || !now.Before(until) {
		return from, until, ErrOver
	}
	return from, until, nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
