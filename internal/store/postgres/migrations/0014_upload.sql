-- Documents on their way: blobs of which it is not known yet whether a record names them.
CREATE TABLE record_upload (
	name  BYTEA PRIMARY KEY CHECK (length(name) = 32),
	begun BIGINT NOT NULL
);
CREATE INDEX record_upload_begun ON record_upload (begun);
CREATE INDEX record_version_blob ON record_version (blob) WHERE size > 0;
