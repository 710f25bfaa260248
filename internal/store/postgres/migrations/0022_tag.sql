-- Whose a NIK or a telephone number is carries a MAC.
ALTER TABLE identity_nik ADD COLUMN mac BYTEA NOT NULL DEFAULT '';
ALTER TABLE identity_phone ADD COLUMN mac BYTEA NOT NULL DEFAULT '';
