-- What people are to be told of, as places of the keeper's journal: whom and what of it
-- says the keeper alone.
CREATE TABLE notice_waiting (
	place INTEGER NOT NULL PRIMARY KEY CHECK (place > 0),
	due   INTEGER NOT NULL,
	tries INTEGER NOT NULL CHECK (tries >= 0)
) STRICT;
CREATE INDEX notice_waiting_due ON notice_waiting (due, place);
