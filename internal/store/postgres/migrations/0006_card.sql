-- People without a phone: printed cards, PINs as tags, and what doors asked.
CREATE TABLE identity_card (
	id        BYTEA PRIMARY KEY,
	person_id BIGINT NOT NULL CHECK (person_id > 0),
	issued    BIGINT NOT NULL,
	expires   BIGINT NOT NULL,
	revoked   BIGINT NOT NULL
);
CREATE INDEX identity_card_person ON identity_card (person_id, id);
CREATE INDEX identity_card_expires ON identity_card (expires, id);

CREATE TABLE identity_pin (
	person_id BIGINT PRIMARY KEY CHECK (person_id > 0),
	tag       BYTEA NOT NULL
);

-- Wrong PINs of a day, of NIKs that are registered and of those that are not.
CREATE TABLE identity_pin_try (
	day   INTEGER NOT NULL,
	tries INTEGER NOT NULL CHECK (tries >= 0),
	nik   BYTEA NOT NULL,
	PRIMARY KEY (day, nik)
);

CREATE TABLE venue_lookup (
	venue_id BIGINT PRIMARY KEY REFERENCES venue_venue (id),
	hour     BIGINT NOT NULL,
	mark     BIGINT NOT NULL CHECK (mark >= 0),
	before   BIGINT NOT NULL CHECK (before >= 0),
	used     INTEGER NOT NULL CHECK (used >= 0)
);

-- Parties that ever checked in by themselves: look-ups grow with them.
ALTER TABLE venue_occupancy ADD COLUMN entered BIGINT NOT NULL DEFAULT 0 CHECK (entered >= 0);
