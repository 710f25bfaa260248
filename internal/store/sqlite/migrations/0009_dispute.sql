-- What people contest. Ids ascend with time; numbers of a year have no gaps. What was
-- written is sealed to the person.
CREATE TABLE dispute_dispute (
	id        BLOB PRIMARY KEY,
	person_id INTEGER NOT NULL CHECK (person_id > 0),
	year      INTEGER NOT NULL,
	count     INTEGER NOT NULL CHECK (count > 0),
	digest    BLOB NOT NULL,
	filed     INTEGER NOT NULL,
	due       INTEGER NOT NULL,
	outcome   INTEGER NOT NULL,
	answered  INTEGER NOT NULL,
	filing    BLOB NOT NULL,
	answer    BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX dispute_dispute_number ON dispute_dispute (year, count);
CREATE INDEX dispute_dispute_person ON dispute_dispute (person_id, id);
CREATE INDEX dispute_dispute_open ON dispute_dispute (id) WHERE outcome = 0;

CREATE TABLE dispute_count (
	year INTEGER PRIMARY KEY,
	last INTEGER NOT NULL CHECK (last > 0)
) STRICT;
