-- Tickets fetched beforehand, a row for each person of the party. Forgotten when the
-- day after their own is over; used_venue is 0 until a door reported one.
CREATE TABLE venue_pass (
	serial     BLOB NOT NULL,
	id         BLOB NOT NULL,
	day        INTEGER NOT NULL,
	who        BLOB NOT NULL,
	category   TEXT NOT NULL,
	level      INTEGER NOT NULL,
	issued     INTEGER NOT NULL,
	expires    INTEGER NOT NULL,
	party      INTEGER NOT NULL,
	decision   INTEGER NOT NULL,
	gate       BLOB NOT NULL,
	seq        INTEGER NOT NULL CHECK (seq >= 0),
	event      INTEGER NOT NULL,
	used_venue INTEGER NOT NULL CHECK (used_venue >= 0),
	used_door  INTEGER NOT NULL,
	used_at    INTEGER NOT NULL,
	PRIMARY KEY (serial, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX venue_pass_day ON venue_pass (day);
