-- A link may end by itself, and may be one for decisions only.
ALTER TABLE identity_link ADD COLUMN until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE identity_link ADD COLUMN scope INTEGER NOT NULL DEFAULT 0;
