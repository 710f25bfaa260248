-- Colours asked for without a visit coming of it. Who asked, by which link and for
-- which venue is in the sealed event.
CREATE TABLE venue_ask (
	day     INTEGER NOT NULL,
	who     BLOB NOT NULL,
	id      BLOB NOT NULL,
	at      INTEGER NOT NULL,
	outcome INTEGER NOT NULL,
	times   INTEGER NOT NULL CHECK (times > 0),
	gate    BLOB NOT NULL,
	seq     INTEGER NOT NULL CHECK (seq >= 0),
	event   INTEGER NOT NULL,
	PRIMARY KEY (day, who, id)
) STRICT, WITHOUT ROWID;
