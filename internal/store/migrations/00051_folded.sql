-- +goose Up
-- Forms that are compared and sorted by, made by the program: LOWER and the order of texts depend on the locale
-- of the database. Rows of before are filled at the next start; messages here, since they are many and soon gone.
ALTER TABLE users ADD COLUMN email_folded TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
ALTER TABLE factor ADD COLUMN folded TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN folded TEXT NOT NULL DEFAULT '';
UPDATE message SET folded = LOWER(recipient);
CREATE INDEX users_by_email_folded ON users (agency_id, email_folded);
CREATE INDEX factor_by_folded ON factor (agency_id, folded);
CREATE INDEX message_by_recipient_folded ON message (agency_id, folded, created);
