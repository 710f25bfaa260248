-- What people contest. Ids ascend with time; numbers of a year have no gaps. What was
-- written is sealed to the person.
CREATE TABLE dispute_dispute (
	id        BYTEA PRIMARY KEY,
	person_id BIGINT NOT NULL CHECK (person_id > 0),
	filed     BIGINT NOT NULL,
	due       BIGINT NOT NULL,
	answered  BIGINT NOT NULL,
	year      INTEGER NOT NULL,
	count     INTEGER NOT NULL CHECK (count > 0),
	outcome   SMALLINT NOT NULL,
	digest    BYTEA NOT NULL,
	filing    BYTEA NOT NULL,
	answer    BYTEA NOT NULL
);
CREATE UNIQUE INDEX dispute_dispute_number ON dispute_dispute (year, count);
CREATE INDEX dispute_dispute_person ON dispute_dispute (person_id, id);
CREATE INDEX dispute_dispute_open ON dispute_dispute (id) WHERE outcome = 0;

CREATE TABLE dispute_count (
	year INTEGER PRIMARY KEY,
	last INTEGER NOT NULL CHECK (last > 0)
);
