-- What the documents of a version are known again by when they are leaked: masked tags
-- under the keeper's key, of random bytes to whoever lacks it.
ALTER TABLE record_version ADD COLUMN known BLOB NOT NULL DEFAULT X'';
