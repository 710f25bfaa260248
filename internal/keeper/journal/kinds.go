package journal

// Types of journal records.
const (
	KindStart   = 1 + iota // the keeper began
	KindPeople             // persons registered
	KindWrites             // heads moved
	KindSettled            // heads confirmed
	KindColours            // colours sealed: versions moved
	KindIntent             // an intent, before its keys
	KindGate               // a gate session opened
	KindDay                // a day's key made: its hash
	KindDestroy            // a day's key destroyed
	KindService            // service keys made
	KindAttest             // a digest signed for an operator
)

// Types of journal records, of health records.
const (
	KindEnters   = 32 + iota // health records' writes begun
	KindEntered              // and known to have come to be
	KindActor                // an actor enrolled, changed or ended, or waiting for a second officer
	KindApproval             // a second person's word for an actor
	KindRelation             // a facility treats a person
	KindOpened               // a person opened for an actor, before the keys
	KindExported             // people opened for an approved export, before the keys
	KindSent                 // a document stated that a facility sends another
	KindReceived             // a facility has it
)

// Types of journal records, of keys that end.
const (
	KindWrapKey    = 48 + iota // a wrap key made: its number and hash
	KindWrapGone               // wrap keys below a number destroyed
	KindErase                  // a person's key destroyed
	KindBackupWeek             // a week's key of backups made: its number and hash
	KindWeekGone               // and destroyed
	KindBackup                 // a backup ended: its number and its manifest's digest
	KindRestored               // the folder was made of a backup: its number and digest
)

// Types of journal records, of the database's ledger.
const (
	KindLedger = 80 + iota // how far it has come: its number and chain
)

// Types of journal records, of copies and traces.
const (
	KindTraceKeys = 64 + iota // the keys of the trace index and of marks made: their hash
	KindCopies                // a copy given a code or committed to, a trace begun, frozen, or naming people, or people tagged for an operator (copies.Made)
	KindStill                 // nothing: whoever wrote it waited for what was before
	KindVacant                // numbers of people that are given to nobody
)
