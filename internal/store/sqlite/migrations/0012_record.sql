-- Health records: each version a row, never changed. What it says is sealed.
CREATE TABLE record_version (
	seq       INTEGER PRIMARY KEY AUTOINCREMENT,
	person_id INTEGER NOT NULL CHECK (person_id > 0),
	number    INTEGER NOT NULL CHECK (number >= 65536),
	version   INTEGER NOT NULL CHECK (version > 0),
	entered   INTEGER NOT NULL,
	sealed    BLOB NOT NULL,
	blob      BLOB NOT NULL,
	size      INTEGER NOT NULL CHECK (size >= 0)
) STRICT;
CREATE UNIQUE INDEX record_version_of ON record_version (person_id, number, version);

-- The highest version of each person: a writer moves it from what they saw, or writes
-- nothing.
CREATE TABLE record_person (
	person_id INTEGER PRIMARY KEY CHECK (person_id > 0),
	last      INTEGER NOT NULL CHECK (last > 0)
) STRICT;

-- Versions of which the colour has to follow yet.
CREATE TABLE record_follow (
	seq       INTEGER PRIMARY KEY AUTOINCREMENT,
	person_id INTEGER NOT NULL,
	number    INTEGER NOT NULL,
	version   INTEGER NOT NULL,
	entered   INTEGER NOT NULL
) STRICT;

-- Where records came from: keyed tags of the names that other systems have for them,
-- and of name and record together.
CREATE TABLE record_source (
	tag       BLOB PRIMARY KEY,
	person_id INTEGER NOT NULL CHECK (person_id > 0),
	number    INTEGER NOT NULL CHECK (number >= 0),
	checked   BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Records set aside, under a person's number of their own, and each step since.
CREATE TABLE record_aside (
	id      INTEGER PRIMARY KEY CHECK (id > 0),
	arrived INTEGER NOT NULL,
	reason  TEXT NOT NULL,
	state   INTEGER NOT NULL CHECK (state > 0)
) STRICT;
CREATE TABLE record_aside_step (
	id       INTEGER NOT NULL,
	count    INTEGER NOT NULL CHECK (count > 0),
	to_state INTEGER NOT NULL CHECK (to_state > 0),
	against  INTEGER NOT NULL CHECK (against >= 0),
	version  INTEGER NOT NULL CHECK (version >= 0),
	who      TEXT NOT NULL,
	why      TEXT NOT NULL,
	at       INTEGER NOT NULL,
	PRIMARY KEY (id, count)
) STRICT, WITHOUT ROWID;
