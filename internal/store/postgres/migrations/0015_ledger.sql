-- The ledger: each change of a row that says who may do what, in a chain under a key of
-- the keeper's.
CREATE TABLE store_ledger (
	seq     BIGINT PRIMARY KEY CHECK (seq > 0),
	name    TEXT NOT NULL,
	row_key BYTEA NOT NULL,
	mac     BYTEA NOT NULL,
	chain   BYTEA NOT NULL
);

CREATE TABLE store_ledger_end (
	id    BIGINT PRIMARY KEY CHECK (id = 1),
	seq   BIGINT NOT NULL,
	chain BYTEA NOT NULL
);
