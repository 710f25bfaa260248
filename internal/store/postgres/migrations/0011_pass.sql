-- Tickets fetched beforehand, a row for each person of the party. Forgotten when the
-- day after their own is over; used_venue is 0 until a door reported one.
CREATE TABLE venue_pass (
	serial     BYTEA NOT NULL,
	id         BYTEA NOT NULL,
	day        BIGINT NOT NULL,
	who        BYTEA NOT NULL,
	category   TEXT NOT NULL,
	level      BIGINT NOT NULL,
	issued     BIGINT NOT NULL,
	expires    BIGINT NOT NULL,
	party      BIGINT NOT NULL,
	decision   BIGINT NOT NULL,
	gate       BYTEA NOT NULL,
	seq        BIGINT NOT NULL CHECK (seq >= 0),
	event      BIGINT NOT NULL,
	used_venue BIGINT NOT NULL CHECK (used_venue >= 0),
	used_door  BIGINT NOT NULL,
	used_at    BIGINT NOT NULL,
	PRIMARY KEY (serial, id)
);
CREATE INDEX venue_pass_day ON venue_pass (day);
