-- What partners' servers were told about journeys, and how often on a day.
CREATE TABLE venue_journey (
	id       BLOB PRIMARY KEY,
	asked    INTEGER NOT NULL,
	decision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX venue_journey_asked ON venue_journey (asked, id);

CREATE TABLE partner_decision (
	day        INTEGER NOT NULL,
	partner_id INTEGER NOT NULL,
	told       INTEGER NOT NULL CHECK (told >= 0),
	PRIMARY KEY (day, partner_id)
) STRICT, WITHOUT ROWID;
