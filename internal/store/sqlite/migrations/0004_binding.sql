-- The second factor: bound numbers, who consents for whom, guesses by NIK.
CREATE TABLE identity_binding (
	person_id INTEGER PRIMARY KEY REFERENCES identity_person (id),
	phone     BLOB NOT NULL,
	next      BLOB NOT NULL,
	ripe      INTEGER NOT NULL,
	version   INTEGER NOT NULL CHECK (version >= 0),
	bound     BLOB NOT NULL,
	waiting   BLOB NOT NULL
) STRICT;
CREATE INDEX identity_binding_phone ON identity_binding (phone) WHERE length(phone) > 0;
CREATE INDEX identity_binding_ripe ON identity_binding (ripe, person_id) WHERE ripe > 0;

CREATE TABLE identity_guardian (
	guardian_id INTEGER NOT NULL REFERENCES identity_person (id),
	child_id    INTEGER NOT NULL REFERENCES identity_person (id),
	recorded    INTEGER NOT NULL,
	proof       INTEGER NOT NULL,
	office      TEXT NOT NULL,
	ended       INTEGER NOT NULL,
	PRIMARY KEY (guardian_id, child_id, recorded)
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_guardian_child ON identity_guardian (child_id);

-- By the NIK's tag, somebody's or nobody's; the day is the last one.
CREATE TABLE identity_guess (
	nik   BLOB PRIMARY KEY,
	day   INTEGER NOT NULL,
	wrong INTEGER NOT NULL CHECK (wrong >= 0),
	sent  INTEGER NOT NULL CHECK (sent >= 0)
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_guess_day ON identity_guess (day, nik);
