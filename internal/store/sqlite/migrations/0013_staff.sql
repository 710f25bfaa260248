-- Facilities, and who works there as the server knows them: the keeper decides.
CREATE TABLE staff_facility (
	id    TEXT PRIMARY KEY,
	name  TEXT NOT NULL,
	since INTEGER NOT NULL,
	ended INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE staff_member (
	id         TEXT PRIMARY KEY,
	facility   TEXT NOT NULL,
	role       INTEGER NOT NULL,
	rights     INTEGER NOT NULL,
	key        BLOB NOT NULL,
	credential BLOB NOT NULL,
	registered INTEGER NOT NULL,
	since      INTEGER NOT NULL,
	ended      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX staff_member_credential ON staff_member (credential) WHERE length(credential) > 0;

-- Invitations and sessions, each under the hash of what its holder shows.
CREATE TABLE staff_invitation (
	code      BLOB PRIMARY KEY,
	actor     TEXT NOT NULL,
	facility  TEXT NOT NULL,
	role      INTEGER NOT NULL,
	rights    INTEGER NOT NULL,
	inviter   TEXT NOT NULL,
	made      INTEGER NOT NULL,
	until     INTEGER NOT NULL,
	challenge BLOB NOT NULL,
	used      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX staff_invitation_actor ON staff_invitation (actor, code);
CREATE INDEX staff_invitation_until ON staff_invitation (until, code);

CREATE TABLE staff_session (
	token       BLOB PRIMARY KEY,
	actor       TEXT NOT NULL,
	browser     BLOB NOT NULL,
	endorsement BLOB NOT NULL,
	began       INTEGER NOT NULL,
	until       INTEGER NOT NULL,
	ended       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX staff_session_actor ON staff_session (actor, began, token);
CREATE INDEX staff_session_until ON staff_session (until, token);

-- What takes a second person, named by the hash of its content, and who approved it.
CREATE TABLE staff_request (
	id      BLOB PRIMARY KEY,
	kind    INTEGER NOT NULL,
	asker   TEXT NOT NULL,
	place   TEXT NOT NULL,
	purpose TEXT NOT NULL,
	body    BLOB NOT NULL,
	asked   INTEGER NOT NULL,
	until   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX staff_request_asked ON staff_request (asked, id);

CREATE TABLE staff_approval (
	request_id  BLOB NOT NULL,
	actor       TEXT NOT NULL,
	at          INTEGER NOT NULL,
	auth_data   BLOB NOT NULL,
	client_data BLOB NOT NULL,
	signature   BLOB NOT NULL,
	PRIMARY KEY (request_id, actor)
) STRICT, WITHOUT ROWID;
