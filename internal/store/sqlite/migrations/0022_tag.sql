-- Whose a NIK or a telephone number is carries a MAC.
ALTER TABLE identity_nik ADD COLUMN mac BLOB NOT NULL DEFAULT x'';
ALTER TABLE identity_phone ADD COLUMN mac BLOB NOT NULL DEFAULT x'';
