-- Facilities, and who works there as the server knows them: the keeper decides.
CREATE TABLE staff_facility (
	id    TEXT COLLATE "C" PRIMARY KEY,
	name  TEXT COLLATE "C" NOT NULL,
	since BIGINT NOT NULL,
	ended BIGINT NOT NULL
);

CREATE TABLE staff_member (
	id         TEXT COLLATE "C" PRIMARY KEY,
	facility   TEXT COLLATE "C" NOT NULL,
	role       BIGINT NOT NULL,
	rights     BIGINT NOT NULL,
	key        BYTEA NOT NULL,
	credential BYTEA NOT NULL,
	registered BIGINT NOT NULL,
	since      BIGINT NOT NULL,
	ended      BIGINT NOT NULL
);
CREATE UNIQUE INDEX staff_member_credential ON staff_member (credential) WHERE length(credential) > 0;

-- Invitations and sessions, each under the hash of what its holder shows.
CREATE TABLE staff_invitation (
	code      BYTEA PRIMARY KEY,
	actor     TEXT COLLATE "C" NOT NULL,
	facility  TEXT COLLATE "C" NOT NULL,
	role      BIGINT NOT NULL,
	rights    BIGINT NOT NULL,
	inviter   TEXT COLLATE "C" NOT NULL,
	made      BIGINT NOT NULL,
	until     BIGINT NOT NULL,
	challenge BYTEA NOT NULL,
	used      BIGINT NOT NULL
);
CREATE INDEX staff_invitation_actor ON staff_invitation (actor, code);
CREATE INDEX staff_invitation_until ON staff_invitation (until, code);

CREATE TABLE staff_session (
	token       BYTEA PRIMARY KEY,
	actor       TEXT COLLATE "C" NOT NULL,
	browser     BYTEA NOT NULL,
	endorsement BYTEA NOT NULL,
	began       BIGINT NOT NULL,
	until       BIGINT NOT NULL,
	ended       BIGINT NOT NULL
);
CREATE INDEX staff_session_actor ON staff_session (actor, began, token);
CREATE INDEX staff_session_until ON staff_session (until, token);

-- What takes a second person, named by the hash of its content, and who approved it.
CREATE TABLE staff_request (
	id      BYTEA PRIMARY KEY,
	kind    BIGINT NOT NULL,
	asker   TEXT COLLATE "C" NOT NULL,
	place   TEXT COLLATE "C" NOT NULL,
	purpose TEXT COLLATE "C" NOT NULL,
	body    BYTEA NOT NULL,
	asked   BIGINT NOT NULL,
	until   BIGINT NOT NULL
);
CREATE INDEX staff_request_asked ON staff_request (asked, id);

CREATE TABLE staff_approval (
	request_id  BYTEA NOT NULL,
	actor       TEXT COLLATE "C" NOT NULL,
	at          BIGINT NOT NULL,
	auth_data   BYTEA NOT NULL,
	client_data BYTEA NOT NULL,
	signature   BYTEA NOT NULL,
	PRIMARY KEY (request_id, actor)
);
