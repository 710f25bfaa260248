-- Agreements, each version a row that is never changed but for the platform's
-- signature, which is added once (signed > 0).
CREATE TABLE partner_agreement (
	partner_id       INTEGER NOT NULL,
	version          INTEGER NOT NULL CHECK (version > 0),
	terms            BLOB NOT NULL,
	signature        TEXT NOT NULL,
	offered          INTEGER NOT NULL,
	until            INTEGER NOT NULL,
	seq              INTEGER NOT NULL CHECK (seq >= 0),
	signed           INTEGER NOT NULL,
	countersignature BLOB NOT NULL,
	PRIMARY KEY (partner_id, version)
) STRICT, WITHOUT ROWID;

-- Every step of a partner's life cycle, for good.
CREATE TABLE partner_step (
	partner_id INTEGER NOT NULL,
	number     INTEGER NOT NULL CHECK (number > 0),
	who        TEXT NOT NULL,
	from_state INTEGER NOT NULL,
	to_state   INTEGER NOT NULL,
	stage      INTEGER NOT NULL CHECK (stage >= 0),
	reason     TEXT NOT NULL,
	at         INTEGER NOT NULL,
	passed     INTEGER NOT NULL,
	tested     INTEGER NOT NULL,
	relay      BLOB NOT NULL,
	report     BLOB NOT NULL,
	PRIMARY KEY (partner_id, number)
) STRICT, WITHOUT ROWID;

-- Partners from before had neither stages nor agreements: the live stand in the
-- first stage, and are served again when an agreement is in force.
ALTER TABLE partner_partner ADD COLUMN stage INTEGER NOT NULL DEFAULT 0 CHECK (stage >= 0);
ALTER TABLE partner_partner ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
UPDATE partner_partner SET stage = 1;
UPDATE partner_partner SET held = 1 WHERE state = 2;

-- How many people have a link that has not ended, by partner: moved with the links.
CREATE TABLE partner_linked (
	partner_id INTEGER PRIMARY KEY,
	people     INTEGER NOT NULL CHECK (people >= 0)
) STRICT;
INSERT INTO partner_linked (partner_id, people) SELECT id, 0 FROM partner_partner;
INSERT INTO partner_linked (partner_id, people)
	SELECT partner_id, COUNT(DISTINCT subject) FROM identity_link WHERE ended = 0 GROUP BY partner_id
	ON CONFLICT (partner_id) DO UPDATE SET people = excluded.people;

-- Whether a person was registered with a NIK of province 99, which nobody has.
ALTER TABLE identity_person ADD COLUMN synthetic INTEGER NOT NULL DEFAULT 0;
ALTER TABLE identity_link ADD COLUMN synthetic INTEGER NOT NULL DEFAULT 0;
