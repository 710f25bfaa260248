-- Rows that every check-in writes carry a MAC of their own, under the ledger's key.
ALTER TABLE venue_visit ADD COLUMN mac BLOB NOT NULL DEFAULT x'';
ALTER TABLE venue_visit ADD COLUMN left_mac BLOB NOT NULL DEFAULT x'';
ALTER TABLE venue_ask ADD COLUMN mac BLOB NOT NULL DEFAULT x'';
ALTER TABLE venue_pass ADD COLUMN mac BLOB NOT NULL DEFAULT x'';
ALTER TABLE venue_pass ADD COLUMN used_mac BLOB NOT NULL DEFAULT x'';
ALTER TABLE venue_occupancy ADD COLUMN mac BLOB NOT NULL DEFAULT x'';

-- How many of a leaf's events are rows of venue_ask and venue_pass; -1 of leaves from
-- before, of which nobody knows.
ALTER TABLE accesslog_leaf ADD COLUMN asks INTEGER NOT NULL DEFAULT -1;
ALTER TABLE accesslog_leaf ADD COLUMN passes INTEGER NOT NULL DEFAULT -1;
ALTER TABLE accesslog_leaf ADD COLUMN mac BLOB NOT NULL DEFAULT x'';

-- How far each gate's chain had come when that was last noted.
CREATE TABLE accesslog_end (
	gate BLOB PRIMARY KEY,
	seq  INTEGER NOT NULL CHECK (seq >= 0)
) STRICT, WITHOUT ROWID;

-- The newest entry of a row that is held against it at each use.
CREATE INDEX store_ledger_row ON store_ledger (name, row_key, seq);
