-- Documents that one facility sends another: which record of whom, and keyed tags of the
-- two. Who sent what to whom is sealed in the record.
CREATE TABLE record_sent (
	person_id INTEGER NOT NULL CHECK (person_id > 0),
	number    INTEGER NOT NULL CHECK (number >= 65536),
	version   INTEGER NOT NULL CHECK (version > 0),
	sent_to   BLOB NOT NULL CHECK (length(sent_to) = 16),
	sent_from BLOB NOT NULL CHECK (length(sent_from) = 16),
	at        INTEGER NOT NULL,
	until     INTEGER NOT NULL,
	digest    BLOB NOT NULL CHECK (length(digest) = 32),
	size      INTEGER NOT NULL CHECK (size > 0),
	fetched   INTEGER NOT NULL,
	received  INTEGER NOT NULL,
	PRIMARY KEY (person_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX record_sent_to ON record_sent (sent_to, at);
CREATE INDEX record_sent_from ON record_sent (sent_from, at);
