-- Each change of a venue's count raises its version, which the MAC covers.
ALTER TABLE venue_occupancy ADD COLUMN version INTEGER NOT NULL DEFAULT 0 CHECK (version >= 0);

-- How far the counts of some venues had come when that was last noted.
CREATE TABLE venue_counted (
	shelf    INTEGER PRIMARY KEY CHECK (shelf >= 0),
	versions BLOB NOT NULL
) STRICT;
