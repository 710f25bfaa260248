package server

import "github.com/amanah-project/amanah/internal/keeper/journal"

// ErrJournal is returned for a journal that was altered where it should not end.
var ErrJournal = journal.ErrBroken

// Types of journal records.
const (
	recStart   = 1 + iota // the keeper began
	recPeople             // persons registered
	recWrites             // heads moved
	recSettled            // heads confirmed
	recColours            // colours sealed: versions moved
	recIntent             // an intent, before its keys
	recGate               // a gate session opened
	recDay                // a day's key made: its hash
	recDestroy            // a day's key destroyed
	recService            // service keys made
	recAttest             // a digest signed for an operator
)

// Types of journal records, of health records.
const (
	recEnters   = 32 + iota // health records' writes begun
	recEntered              // and known to have come to be
	recActor                // an actor enrolled, changed or ended, or waiting for a second officer
	recApproval             // a second person's word for an actor
	recRelation             // a facility treats a person
	recOpened               // a person opened for an actor, before the keys
	recExported             // people opened for an approved export, before the keys
	recSent                 // a document stated that a facility sends another
	recReceived             // a facility has it
)

// Types of journal records, of keys that end.
const (
	recWrapKey    = 48 + iota // a wrap key made: its number and hash
	recWrapGone               // wrap keys below a number destroyed
	recErase                  // a person's key destroyed
	recBackupWeek             // a week's key of backups made: its number and hash
	recWeekGone               // and destroyed
	recBackup                 // a backup ended: its number and its manifest's digest
	recRestored               // the folder was made of a backup: its number and digest
)

// Types of journal records, of the database's ledger.
const (
	recLedger = 80 + iota // how far it has come: its number and chain
)

// Types of journal records, of copies and traces.
const (
	recTraceKeys = 64 + iota // the keys of the trace index and of marks made: their hash
	recCopies                // a copy given a code or committed to, a trace begun, frozen, or naming people (copies.Made)
	recStill                 // nothing: whoever wrote it waited for what was before
	recVacant                // numbers of people that are given to nobody
)
