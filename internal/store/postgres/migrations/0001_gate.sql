-- The gate: people, links, colours, partners, venues, visits and the access log.
-- Times are microseconds since 1970, 0 is none; a number is below 2^63.

CREATE TABLE identity_person (
	id      BIGINT PRIMARY KEY CHECK (id > 0),
	version BIGINT NOT NULL CHECK (version >= 0),
	sealed  BYTEA NOT NULL
);

CREATE TABLE identity_nik (
	tag       BYTEA PRIMARY KEY,
	person_id BIGINT NOT NULL REFERENCES identity_person (id)
);
CREATE INDEX identity_nik_person ON identity_nik (person_id);

CREATE TABLE identity_phone (
	tag       BYTEA NOT NULL,
	person_id BIGINT NOT NULL REFERENCES identity_person (id),
	PRIMARY KEY (tag, person_id)
);
CREATE INDEX identity_phone_person ON identity_phone (person_id);

CREATE TABLE identity_quarantine (
	id       BIGINT PRIMARY KEY CHECK (id > 0),
	against  BIGINT NOT NULL CHECK (against >= 0),
	version  BIGINT NOT NULL CHECK (version >= 0),
	sealed   BYTEA NOT NULL,
	reason   TEXT NOT NULL,
	arrived  BIGINT NOT NULL,
	released SMALLINT NOT NULL
);

CREATE TABLE identity_link (
	id         BYTEA PRIMARY KEY,
	partner_id BIGINT NOT NULL,
	subject    BYTEA NOT NULL,
	device     BYTEA NOT NULL,
	created    BIGINT NOT NULL,
	ended      BIGINT NOT NULL
);
CREATE INDEX identity_link_subject ON identity_link (subject);

CREATE TABLE identity_progress (
	source  TEXT PRIMARY KEY,
	taken   BIGINT NOT NULL,
	added   BIGINT NOT NULL,
	refused BIGINT NOT NULL,
	updated BIGINT NOT NULL
);

CREATE TABLE partner_partner (
	id     BIGINT PRIMARY KEY,
	name   TEXT NOT NULL,
	relay  BYTEA NOT NULL,
	state  SMALLINT NOT NULL,
	joined BIGINT NOT NULL
);

CREATE TABLE status_colour (
	person_id BIGINT PRIMARY KEY CHECK (person_id > 0),
	version   BIGINT NOT NULL CHECK (version > 0),
	sealed    BYTEA NOT NULL
);

CREATE TABLE status_evidence (
	person_id BIGINT PRIMARY KEY CHECK (person_id > 0),
	version   BIGINT NOT NULL CHECK (version > 0),
	sealed    BYTEA NOT NULL
);

CREATE TABLE venue_venue (
	id       BIGINT PRIMARY KEY CHECK (id > 0),
	name     TEXT NOT NULL,
	category TEXT NOT NULL,
	district TEXT NOT NULL,
	level    SMALLINT NOT NULL,
	declared BIGINT NOT NULL,
	doors    BIGINT NOT NULL
);

-- Half of each page stays free, so that a count changes in place.
CREATE TABLE venue_occupancy (
	venue_id BIGINT PRIMARY KEY REFERENCES venue_venue (id),
	inside   BIGINT NOT NULL CHECK (inside >= 0)
) WITH (fillfactor = 50);

-- Visits ascend with time.
CREATE TABLE venue_visit (
	id        BYTEA PRIMARY KEY,
	venue_id  BIGINT NOT NULL CHECK (venue_id > 0),
	entered   BIGINT NOT NULL,
	leaves_by BIGINT NOT NULL,
	left_at   BIGINT NOT NULL,
	seq       BIGINT NOT NULL CHECK (seq >= 0),
	door      INTEGER NOT NULL,
	day       INTEGER NOT NULL,
	party     INTEGER NOT NULL,
	event     INTEGER NOT NULL,
	decision  SMALLINT NOT NULL,
	who       BYTEA NOT NULL,
	gate      BYTEA NOT NULL
);
CREATE INDEX venue_visit_due ON venue_visit (leaves_by, id) WHERE left_at = 0 AND decision <> 3;

-- The one table on a check-in's way whose keys do not ascend: kept narrow.
CREATE TABLE venue_trail (
	day      INTEGER NOT NULL,
	who      BYTEA NOT NULL,
	visit_id BYTEA NOT NULL,
	PRIMARY KEY (day, who, visit_id)
);

CREATE TABLE accesslog_leaf (
	gate      BYTEA NOT NULL,
	seq       BIGINT NOT NULL CHECK (seq >= 0),
	prev      BYTEA NOT NULL,
	root      BYTEA NOT NULL,
	count     INTEGER NOT NULL,
	at        BIGINT NOT NULL,
	voided    SMALLINT NOT NULL,
	signature BYTEA NOT NULL,
	events    BYTEA NOT NULL,
	PRIMARY KEY (gate, seq)
);
-- Sealed events do not compress.
ALTER TABLE accesslog_leaf ALTER COLUMN events SET STORAGE EXTERNAL;
-- Counts a gate's leaves and events without reading the events.
CREATE INDEX accesslog_leaf_tally ON accesslog_leaf (gate, seq, count);
