-- Agreements, each version a row that is never changed but for the platform's
-- signature, which is added once (signed > 0).
CREATE TABLE partner_agreement (
	partner_id       BIGINT NOT NULL,
	version          BIGINT NOT NULL CHECK (version > 0),
	terms            BYTEA NOT NULL,
	signature        TEXT NOT NULL,
	offered          BIGINT NOT NULL,
	until            BIGINT NOT NULL,
	seq              BIGINT NOT NULL CHECK (seq >= 0),
	signed           BIGINT NOT NULL,
	countersignature BYTEA NOT NULL,
	PRIMARY KEY (partner_id, version)
);

-- Every step of a partner's life cycle, for good.
CREATE TABLE partner_step (
	partner_id BIGINT NOT NULL,
	number     BIGINT NOT NULL CHECK (number > 0),
	who        TEXT NOT NULL,
	from_state BIGINT NOT NULL,
	to_state   BIGINT NOT NULL,
	stage      BIGINT NOT NULL CHECK (stage >= 0),
	reason     TEXT NOT NULL,
	at         BIGINT NOT NULL,
	passed     BIGINT NOT NULL,
	tested     BIGINT NOT NULL,
	relay      BYTEA NOT NULL,
	report     BYTEA NOT NULL,
	PRIMARY KEY (partner_id, number)
);

-- Partners from before had neither stages nor agreements: the live stand in the
-- first stage, and are served again when an agreement is in force.
ALTER TABLE partner_partner ADD COLUMN stage BIGINT NOT NULL DEFAULT 0 CHECK (stage >= 0);
ALTER TABLE partner_partner ADD COLUMN held SMALLINT NOT NULL DEFAULT 0;
UPDATE partner_partner SET stage = 1;
UPDATE partner_partner SET held = 1 WHERE state = 2;

-- How many people have a link that has not ended, by partner: moved with the links.
CREATE TABLE partner_linked (
	partner_id BIGINT PRIMARY KEY,
	people     BIGINT NOT NULL CHECK (people >= 0)
);
INSERT INTO partner_linked (partner_id, people) SELECT id, 0 FROM partner_partner;
INSERT INTO partner_linked (partner_id, people)
	SELECT partner_id, COUNT(DISTINCT subject) FROM identity_link WHERE ended = 0 GROUP BY partner_id
	ON CONFLICT (partner_id) DO UPDATE SET people = excluded.people;

-- Whether a person was registered with a NIK of province 99, which nobody has.
ALTER TABLE identity_person ADD COLUMN synthetic SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE identity_link ADD COLUMN synthetic SMALLINT NOT NULL DEFAULT 0;
