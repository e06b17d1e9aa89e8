-- +goose Up
-- Recovery codes and enrolment codes, as keyed digests only.
CREATE TABLE recovery_code (
	user_id   TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	digest    TEXT   NOT NULL,
	agency_id TEXT   NOT NULL,
	made      BIGINT NOT NULL,
	used      BIGINT NOT NULL,
	PRIMARY KEY (user_id, digest)
);
CREATE TABLE enrolment_code (
	user_id   TEXT   NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
	agency_id TEXT   NOT NULL,
	digest    TEXT   NOT NULL,
	made      BIGINT NOT NULL,
	made_by   TEXT   NOT NULL,
	expires   BIGINT NOT NULL,
	tries     BIGINT NOT NULL,
	used      BIGINT NOT NULL
);
-- How often a reset was opened with the password alone, and the address that
-- the profile had before.
ALTER TABLE users ADD COLUMN reset_openings BIGINT NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN email_before TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN email_changed BIGINT NOT NULL DEFAULT 0;
-- The digest of the link that disowns a session.
ALTER TABLE session ADD COLUMN link TEXT NOT NULL DEFAULT '';
CREATE INDEX session_by_link ON session (agency_id, link);
