-- What people are to be told of, as places of the keeper's journal: whom and what of it
-- says the keeper alone.
CREATE TABLE notice_waiting (
	place BIGINT NOT NULL PRIMARY KEY CHECK (place > 0),
	due   BIGINT NOT NULL,
	tries BIGINT NOT NULL CHECK (tries >= 0)
);
CREATE INDEX notice_waiting_due ON notice_waiting (due, place);
