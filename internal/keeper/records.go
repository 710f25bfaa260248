package keeper

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/leak"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/fault"
)

// Errors of health records, which cross the wire as the others do.
var (
	ErrWriting  = fault.New(fault.Busy, "another write of this person's records is under way: try again shortly")
	ErrActor    = fault.New(fault.Denied, "the keeper knows no such actor, or the proof is not theirs for this request")
	ErrSecond   = fault.New(fault.Denied, "this needs a second person's approval")
	ErrErased   = fault.New(fault.NotFound, "this person's key is destroyed")
	ErrRecords  = fault.New(fault.Invalid, "health records are named ascending, each once, from number 65536, and apart from others")
	ErrRights   = fault.New(fault.Invalid, "clients and clinicians have some of the rights enter, correct and view, officers none")
	ErrLast     = fault.New(fault.Conflict, "the last officer cannot be ended: enrol another first")
	ErrRelation = fault.New(fault.Invalid, "a facility says that it treats somebody until a day that is to come, 90 days ahead at most")
	ErrEnrolled = fault.New(fault.Conflict, "this name or this key is enrolled already, otherwise: end that one, and enrol another name")
)

// FirstRecord numbers the first health record; those below have the person's head.
const FirstRecord Record = 1 << 16

// MaxVersions bounds one person's record versions, superseded ones too: as many as a
// call's Have may list.
const MaxVersions = 100_000

// RecordsHead hashes all versions of a person's health records, ascending by Record and
// Version: the head that the keeper holds of them.
func RecordsHead(have []Version) [16]byte {
	const label = "amanah records head v1\x00"
	b := append(make([]byte, 0, len(label)+16*len(have)), label...)
	for _, v := range have {
		b = binary.BigEndian.AppendUint64(b, uint64(v.Record))
		b = binary.BigEndian.AppendUint64(b, v.Version)
	}
	sum := sha256.Sum256(b)
	return [16]byte(sum[:16])
}

// Enter asks, by WriteRecords, for keys of new versions of a person's health records: those numbered
// from 1<<16. They have a head of their own, so that who writes records and who writes
// evidence do not wait for each other. It covers every version ever written, superseded
// ones too: none of them can be put away unnoticed.
type Enter struct {
	Person  identity.PersonID
	Have    []Version // every version as the database holds them, ascending by Record and Version
	Records []Record  // to be written, ascending, each once
	// Likeness is, for each of Records, what its documents are known again by; nil where no
	// record has any.
	Likeness [][]leak.Likeness
	// Traits are what each of Records is known by besides; nil where nothing is told.
	Traits []leak.Trait
}

// Entered answers an Enter, or says why not. All versions of one Enter have the same
// number, above all earlier ones of the person's health records, also those that never
// came to be; the database must store them only when it still holds exactly Have, and
// whole. Nobody is told that a record was taken before it is settled: until then its
// absence is no roll-back.
//
// A write that is not settled keeps another over the same Have waiting for two seconds
// (ErrWriting). Which of the two came to be, if either, the next Have tells.
type Entered struct {
	Version uint64
	Keys    []Secret // in the order of Records
	Known   [][]byte // of each of Records, tags (index.ParseKnown, ParseTrait); nil when none was asked for
	Err     error    // ErrPerson, ErrErased, ErrHead, ErrWriting or past MaxVersions ErrTooMany, for this person alone
}

// Ask is a request of somebody's for what is sealed, in their own words: the keeper
// believes what they signed and not who brings it.
type Ask struct {
	// Proof is a DPoP proof (RFC 9449) by the actor's key, or by a key that Endorsement
	// endorses. Its htu names the person, or one of their records, as a segment of its
	// path (package record); its claim "purpose", when there, is the purpose, otherwise
	// that is treatment. It is taken once.
	Proof string
	// Endorsement is a passkey's assertion over the browser's key, as package staff
	// writes it; empty for systems.
	Endorsement []byte
}

// Purposes that a proof may name.
const (
	PurposeTreatment  = "treatment"
	PurposeBreakGlass = "break-glass" // an emergency without a care relationship: few, and the person is told
	// PurposeOwn is an intent's of a person who takes their own records along.
	PurposeOwn = "own-records"
)

// Enrolment makes an actor known, or ends one. The first officer is enrolled on the
// admin socket; from then on an officer signs each, and a second approves officers.
type Enrolment struct {
	Actor staff.Actor
	By    Ask // of the officer; empty on the admin socket
}

// Relation says that a facility treats a person until a moment: entered by the
// facility's own signed request, it widens what its actors may open.
type Relation struct {
	Person   identity.PersonID
	Facility staff.FacilityID
	Until    time.Time
}

// OfRecords reports whether a read is of health records, or refuses one that is of
// both.
func (r *Read) OfRecords() (bool, error) {
	health := r.Records
	for _, v := range [2][]Version{r.Want, r.Have} {
		if len(v) > 0 && v[0].Record >= FirstRecord {
			health = true
		}
	}
	for _, v := range r.Want {
		if (v.Record >= FirstRecord) != health {
			return false, ErrRecords
		}
	}
	return health, nil
}

// CountRecords returns how many of reads are of health records.
func CountRecords(reads []Read) (n int, err error) {
	for i := range reads {
		health, err := reads[i].OfRecords()
		if err != nil {
			return 0, err
		}
		if health {
			n++
		}
	}
	return n, nil
}

// CheckEnters bounds a call.
func CheckEnters(enters []Enter) error {
	records := 0
	for _, e := range enters {
		records += len(e.Records)
		last := FirstRecord - 1
		for _, r := range e.Records {
			if r <= last {
				return ErrRecords
			}
			last = r
		}
		if len(e.Records) == 0 {
			return ErrRecords
		}
	}
	if len(enters) > MaxBulk || records > MaxBulk {
		return ErrTooMany
	}
	return nil
}
