-- The second factor: bound numbers, who consents for whom, guesses by NIK.
CREATE TABLE identity_binding (
	person_id BIGINT PRIMARY KEY REFERENCES identity_person (id),
	phone     BYTEA NOT NULL,
	next      BYTEA NOT NULL,
	ripe      BIGINT NOT NULL,
	version   BIGINT NOT NULL CHECK (version >= 0),
	bound     BYTEA NOT NULL,
	waiting   BYTEA NOT NULL
);
CREATE INDEX identity_binding_phone ON identity_binding (phone) WHERE length(phone) > 0;
CREATE INDEX identity_binding_ripe ON identity_binding (ripe, person_id) WHERE ripe > 0;

CREATE TABLE identity_guardian (
	guardian_id BIGINT NOT NULL REFERENCES identity_person (id),
	child_id    BIGINT NOT NULL REFERENCES identity_person (id),
	recorded    BIGINT NOT NULL,
	proof       SMALLINT NOT NULL,
	office      TEXT NOT NULL,
	ended       BIGINT NOT NULL,
	PRIMARY KEY (guardian_id, child_id, recorded)
);
CREATE INDEX identity_guardian_child ON identity_guardian (child_id);

-- By the NIK's tag, somebody's or nobody's; the day is the last one.
CREATE TABLE identity_guess (
	nik   BYTEA PRIMARY KEY,
	day   BIGINT NOT NULL,
	wrong BIGINT NOT NULL CHECK (wrong >= 0),
	sent  BIGINT NOT NULL CHECK (sent >= 0)
);
CREATE INDEX identity_guess_day ON identity_guess (day, nik);
