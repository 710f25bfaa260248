-- Where each version stands in the order in which they came carries a MAC.
ALTER TABLE record_version ADD COLUMN mac BYTEA NOT NULL DEFAULT '';
