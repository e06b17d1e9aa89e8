-- +goose Up
-- The passkeys of a user. One factor row stands for all of them and goes with the last one; without it they go too.
CREATE TABLE passkey (
	id         TEXT   NOT NULL PRIMARY KEY,
	agency_id  TEXT   NOT NULL,
	user_id    TEXT   NOT NULL,
	factor_id  TEXT   NOT NULL REFERENCES factor (id) ON DELETE CASCADE,
	credential BYTEA  NOT NULL,
	name       TEXT   NOT NULL,
	sealed     BYTEA  NOT NULL,
	created    BIGINT NOT NULL,
	last_used  BIGINT NOT NULL
);
CREATE UNIQUE INDEX passkey_by_credential ON passkey (agency_id, credential);
CREATE INDEX passkey_by_user ON passkey (agency_id, user_id);
CREATE INDEX passkey_by_factor ON passkey (factor_id);
-- What the passkeys of an attempt are asked to sign: for one answer, for some minutes. An attempt that
-- nobody has begun yet, on the sign-in page, has no row of its own.
CREATE TABLE passkey_nonce (
	agency_id  TEXT   NOT NULL,
	attempt_id TEXT   NOT NULL,
	purpose    TEXT   NOT NULL,
	sealed     BYTEA  NOT NULL,
	expires    BIGINT NOT NULL,
	PRIMARY KEY (agency_id, attempt_id, purpose)
);
CREATE INDEX passkey_nonce_by_expires ON passkey_nonce (expires);
