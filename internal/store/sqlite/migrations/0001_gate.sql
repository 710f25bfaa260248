-- The gate: people, links, colours, partners, venues, visits and the access log.
-- Times are microseconds since 1970, 0 is none; a number is below 2^63.

CREATE TABLE identity_person (
	id      INTEGER PRIMARY KEY CHECK (id > 0),
	version INTEGER NOT NULL CHECK (version >= 0),
	sealed  BLOB NOT NULL
) STRICT;

CREATE TABLE identity_nik (
	tag       BLOB PRIMARY KEY,
	person_id INTEGER NOT NULL REFERENCES identity_person (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_nik_person ON identity_nik (person_id);

CREATE TABLE identity_phone (
	tag       BLOB NOT NULL,
	person_id INTEGER NOT NULL REFERENCES identity_person (id),
	PRIMARY KEY (tag, person_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_phone_person ON identity_phone (person_id);

CREATE TABLE identity_quarantine (
	id       INTEGER PRIMARY KEY CHECK (id > 0),
	against  INTEGER NOT NULL CHECK (against >= 0),
	version  INTEGER NOT NULL CHECK (version >= 0),
	sealed   BLOB NOT NULL,
	reason   TEXT NOT NULL,
	arrived  INTEGER NOT NULL,
	released INTEGER NOT NULL
) STRICT;

CREATE TABLE identity_link (
	id         BLOB PRIMARY KEY,
	partner_id INTEGER NOT NULL,
	subject    BLOB NOT NULL,
	device     BLOB NOT NULL,
	created    INTEGER NOT NULL,
	ended      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_link_subject ON identity_link (subject);

CREATE TABLE identity_progress (
	source  TEXT PRIMARY KEY,
	taken   INTEGER NOT NULL,
	added   INTEGER NOT NULL,
	refused INTEGER NOT NULL,
	updated INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE partner_partner (
	id     INTEGER PRIMARY KEY,
	name   TEXT NOT NULL,
	relay  BLOB NOT NULL,
	state  INTEGER NOT NULL,
	joined INTEGER NOT NULL
) STRICT;

CREATE TABLE status_colour (
	person_id INTEGER PRIMARY KEY CHECK (person_id > 0),
	version   INTEGER NOT NULL CHECK (version > 0),
	sealed    BLOB NOT NULL
) STRICT;

CREATE TABLE status_evidence (
	person_id INTEGER PRIMARY KEY CHECK (person_id > 0),
	version   INTEGER NOT NULL CHECK (version > 0),
	sealed    BLOB NOT NULL
) STRICT;

CREATE TABLE venue_venue (
	id       INTEGER PRIMARY KEY CHECK (id > 0),
	name     TEXT NOT NULL,
	category TEXT NOT NULL,
	district TEXT NOT NULL,
	level    INTEGER NOT NULL,
	declared INTEGER NOT NULL,
	doors    INTEGER NOT NULL
) STRICT;

CREATE TABLE venue_occupancy (
	venue_id INTEGER PRIMARY KEY REFERENCES venue_venue (id),
	inside   INTEGER NOT NULL CHECK (inside >= 0)
) STRICT;

-- Visits ascend with time.
CREATE TABLE venue_visit (
	id        BLOB PRIMARY KEY,
	venue_id  INTEGER NOT NULL CHECK (venue_id > 0),
	door      INTEGER NOT NULL,
	day       INTEGER NOT NULL,
	who       BLOB NOT NULL,
	entered   INTEGER NOT NULL,
	leaves_by INTEGER NOT NULL,
	left_at   INTEGER NOT NULL,
	party     INTEGER NOT NULL,
	decision  INTEGER NOT NULL,
	gate      BLOB NOT NULL,
	seq       INTEGER NOT NULL CHECK (seq >= 0),
	event     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX venue_visit_due ON venue_visit (leaves_by, id) WHERE left_at = 0 AND decision <> 3;

-- The one table on a check-in's way whose keys do not ascend: kept narrow.
CREATE TABLE venue_trail (
	day      INTEGER NOT NULL,
	who      BLOB NOT NULL,
	visit_id BLOB NOT NULL,
	PRIMARY KEY (day, who, visit_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE accesslog_leaf (
	gate      BLOB NOT NULL,
	seq       INTEGER NOT NULL CHECK (seq >= 0),
	prev      BLOB NOT NULL,
	root      BLOB NOT NULL,
	count     INTEGER NOT NULL,
	at        INTEGER NOT NULL,
	voided    INTEGER NOT NULL,
	signature BLOB NOT NULL,
	events    BLOB NOT NULL,
	PRIMARY KEY (gate, seq)
) STRICT;
-- Counts a gate's leaves and events without reading the events.
CREATE INDEX accesslog_leaf_tally ON accesslog_leaf (gate, seq, count);
