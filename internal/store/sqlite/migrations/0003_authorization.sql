-- Attempts to link. Ids ascend with time; code is empty until one is given.
CREATE TABLE identity_authorization (
	id         BLOB PRIMARY KEY,
	partner_id INTEGER NOT NULL,
	version    INTEGER NOT NULL CHECK (version > 0),
	code       BLOB NOT NULL,
	used       INTEGER NOT NULL,
	link_id    BLOB NOT NULL,
	tries      INTEGER NOT NULL CHECK (tries >= 0),
	expires    INTEGER NOT NULL,
	sealed     BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX identity_authorization_code ON identity_authorization (code) WHERE length(code) > 0;
CREATE INDEX identity_authorization_expires ON identity_authorization (expires, id);
