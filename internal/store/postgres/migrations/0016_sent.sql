-- Documents that one facility sends another: which record of whom, and keyed tags of the
-- two. Who sent what to whom is sealed in the record.
CREATE TABLE record_sent (
	person_id BIGINT NOT NULL CHECK (person_id > 0),
	number    BIGINT NOT NULL CHECK (number >= 65536),
	version   BIGINT NOT NULL CHECK (version > 0),
	sent_to   BYTEA NOT NULL CHECK (length(sent_to) = 16),
	sent_from BYTEA NOT NULL CHECK (length(sent_from) = 16),
	at        BIGINT NOT NULL,
	until     BIGINT NOT NULL,
	digest    BYTEA NOT NULL CHECK (length(digest) = 32),
	size      BIGINT NOT NULL CHECK (size > 0),
	fetched   BIGINT NOT NULL,
	received  BIGINT NOT NULL,
	PRIMARY KEY (person_id, number)
);
CREATE INDEX record_sent_to ON record_sent (sent_to, at);
CREATE INDEX record_sent_from ON record_sent (sent_from, at);
