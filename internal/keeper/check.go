package keeper

// Head is what the keeper knows of one person's rows, for those who check them.
type Head struct {
	Known   bool   // there is such a person
	Erased  bool   // and their key is destroyed
	Stored  bool   // a row of theirs is known to have been durable
	Pending bool   // the last write is not known to be
	Version uint64 // the highest one given
	Colour  uint32 // version of the colour; zero for none
	Records uint64 // the highest version of health records ever given; zero when there were none
	// Bases are the heads that the database's health records may be at (RecordsHead): of
	// the last write that is settled, and of those that are not.
	Bases [][16]byte
}

// Seal says what became of opening something for a check, which tells nothing of it.
type Seal uint8

// What a check finds.
const (
	SealHolds  Seal = 1 + iota
	SealBroken      // altered, swapped or foreign
	SealOld         // holds, and is not the newest
	SealErased      // whose it is was erased
	SealNobody      // no such person
)

// MayCheck refuses a check that is not an operator's, or of too many.
func MayCheck(role Role, n int) error {
	switch {
	case role != RoleAdmin:
		return ErrRole
	case n > MaxBulk:
		return ErrTooMany
	}
	return nil
}

// SealOf is what a check says of what opened, or why it did not.
func SealOf(err error) Seal {
	switch err {
	case nil:
		return SealHolds
	case ErrErased:
		return SealErased
	case ErrPerson:
		return SealNobody
	}
	return SealBroken
}
