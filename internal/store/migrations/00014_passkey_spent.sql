-- +goose Up
-- What passkeys are asked to sign on the sign-in page has no row, since anybody may open that page. One is written
-- when an answer was paid for and is about to be judged, so that none is judged twice.
CREATE TABLE passkey_spent (
	agency_id TEXT   NOT NULL REFERENCES agency (id),
	digest    TEXT   NOT NULL,
	expires   BIGINT NOT NULL,
	PRIMARY KEY (agency_id, digest)
);
CREATE INDEX passkey_spent_by_expires ON passkey_spent (expires);
