-- The ledger: each change of a row that says who may do what, in a chain under a key of
-- the keeper's.
CREATE TABLE store_ledger (
	seq     INTEGER PRIMARY KEY CHECK (seq > 0),
	name    TEXT NOT NULL,
	row_key BLOB NOT NULL,
	mac     BLOB NOT NULL,
	chain   BLOB NOT NULL
) STRICT;

CREATE TABLE store_ledger_end (
	id    INTEGER PRIMARY KEY CHECK (id = 1),
	seq   INTEGER NOT NULL,
	chain BLOB NOT NULL
) STRICT;
