package keeper

// Head is what the keeper knows of one person's rows, for those who check them.
type Head struct {
	Known   bool   // there is such a person
	Erased  bool   // and their key is destroyed
	Stored  bool   // a row of theirs is known to have been durable
	Pending bool   // the last write is not known to be
	Version uint64 // the highest one given
	Colour  uint32 // version of the colour; zero for none
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
