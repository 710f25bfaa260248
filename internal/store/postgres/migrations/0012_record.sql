-- Health records: each version a row, never changed. What it says is sealed.
CREATE TABLE record_version (
	seq       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	person_id BIGINT NOT NULL CHECK (person_id > 0),
	number    BIGINT NOT NULL CHECK (number >= 65536),
	version   BIGINT NOT NULL CHECK (version > 0),
	entered   BIGINT NOT NULL,
	sealed    BYTEA NOT NULL,
	blob      BYTEA NOT NULL,
	size      BIGINT NOT NULL CHECK (size >= 0)
);
ALTER TABLE record_version ALTER COLUMN sealed SET STORAGE EXTERNAL; -- ciphertext does not compress
CREATE UNIQUE INDEX record_version_of ON record_version (person_id, number, version);

-- The highest version of each person: a writer moves it from what they saw, or writes
-- nothing.
CREATE TABLE record_person (
	person_id BIGINT PRIMARY KEY CHECK (person_id > 0),
	last      BIGINT NOT NULL CHECK (last > 0)
);

-- Versions of which the colour has to follow yet.
CREATE TABLE record_follow (
	seq       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	person_id BIGINT NOT NULL,
	number    BIGINT NOT NULL,
	version   BIGINT NOT NULL,
	entered   BIGINT NOT NULL
);

-- Where records came from: keyed tags of the names that other systems have for them,
-- and of name and record together.
CREATE TABLE record_source (
	tag       BYTEA PRIMARY KEY,
	person_id BIGINT NOT NULL CHECK (person_id > 0),
	number    BIGINT NOT NULL CHECK (number >= 0),
	checked   BYTEA NOT NULL
);

-- Records set aside, under a person's number of their own, and each step since.
CREATE TABLE record_aside (
	id      BIGINT PRIMARY KEY CHECK (id > 0),
	arrived BIGINT NOT NULL,
	reason  TEXT NOT NULL,
	state   SMALLINT NOT NULL CHECK (state > 0)
);
CREATE TABLE record_aside_step (
	id       BIGINT NOT NULL,
	count    BIGINT NOT NULL CHECK (count > 0),
	to_state SMALLINT NOT NULL CHECK (to_state > 0),
	against  BIGINT NOT NULL CHECK (against >= 0),
	version  BIGINT NOT NULL CHECK (version >= 0),
	who      TEXT NOT NULL,
	why      TEXT NOT NULL,
	at       BIGINT NOT NULL,
	PRIMARY KEY (id, count)
);
