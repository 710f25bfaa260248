-- When a child comes of age would tell their date of birth: it is in sealed tokens
-- alone.
ALTER TABLE identity_link DROP COLUMN until;
-- The highest generation of each link's refresh tokens that was presented.
CREATE TABLE identity_refresh (
	link_id    BYTEA PRIMARY KEY,
	generation BIGINT NOT NULL CHECK (generation > 0)
);
