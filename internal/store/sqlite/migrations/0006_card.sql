-- People without a phone: printed cards, PINs as tags, and what doors asked.
CREATE TABLE identity_card (
	id        BLOB PRIMARY KEY,
	person_id INTEGER NOT NULL CHECK (person_id > 0),
	issued    INTEGER NOT NULL,
	expires   INTEGER NOT NULL,
	revoked   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_card_person ON identity_card (person_id, id);
CREATE INDEX identity_card_expires ON identity_card (expires, id);

CREATE TABLE identity_pin (
	person_id INTEGER PRIMARY KEY CHECK (person_id > 0),
	tag       BLOB NOT NULL
) STRICT;

-- Wrong PINs of a day, of NIKs that are registered and of those that are not.
CREATE TABLE identity_pin_try (
	day   INTEGER NOT NULL,
	nik   BLOB NOT NULL,
	tries INTEGER NOT NULL CHECK (tries >= 0),
	PRIMARY KEY (day, nik)
) STRICT, WITHOUT ROWID;

CREATE TABLE venue_lookup (
	venue_id INTEGER PRIMARY KEY REFERENCES venue_venue (id),
	hour     INTEGER NOT NULL,
	used     INTEGER NOT NULL CHECK (used >= 0),
	mark     INTEGER NOT NULL CHECK (mark >= 0),
	before   INTEGER NOT NULL CHECK (before >= 0)
) STRICT;

-- Parties that ever checked in by themselves: look-ups grow with them.
ALTER TABLE venue_occupancy ADD COLUMN entered INTEGER NOT NULL DEFAULT 0 CHECK (entered >= 0);
