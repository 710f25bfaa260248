-- What partners' servers were told about journeys, and how often on a day.
CREATE TABLE venue_journey (
	id       BYTEA PRIMARY KEY,
	asked    INTEGER NOT NULL,
	decision SMALLINT NOT NULL
);
CREATE INDEX venue_journey_asked ON venue_journey (asked, id);

CREATE TABLE partner_decision (
	day        INTEGER NOT NULL,
	partner_id BIGINT NOT NULL,
	told       BIGINT NOT NULL CHECK (told >= 0),
	PRIMARY KEY (day, partner_id)
);
