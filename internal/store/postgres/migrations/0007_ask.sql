-- Colours asked for without a visit coming of it. Who asked, by which link and for
-- which venue is in the sealed event.
CREATE TABLE venue_ask (
	at      BIGINT NOT NULL,
	seq     BIGINT NOT NULL CHECK (seq >= 0),
	day     INTEGER NOT NULL,
	times   INTEGER NOT NULL CHECK (times > 0),
	outcome SMALLINT NOT NULL,
	event   INTEGER NOT NULL,
	who     BYTEA NOT NULL,
	id      BYTEA NOT NULL,
	gate    BYTEA NOT NULL,
	PRIMARY KEY (day, who, id)
);
