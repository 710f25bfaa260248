-- Attempts to link. Ids ascend with time; code is empty until one is given.
CREATE TABLE identity_authorization (
	id         BYTEA PRIMARY KEY,
	partner_id BIGINT NOT NULL,
	version    BIGINT NOT NULL CHECK (version > 0),
	expires    BIGINT NOT NULL,
	tries      BIGINT NOT NULL CHECK (tries >= 0),
	used       SMALLINT NOT NULL,
	code       BYTEA NOT NULL,
	link_id    BYTEA NOT NULL,
	sealed     BYTEA NOT NULL
);
CREATE UNIQUE INDEX identity_authorization_code ON identity_authorization (code) WHERE length(code) > 0;
CREATE INDEX identity_authorization_expires ON identity_authorization (expires, id);
