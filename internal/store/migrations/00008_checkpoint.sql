-- +goose Up
-- Signed statements of how far the audit log of an agency had come (AU-03).
CREATE TABLE checkpoint (
	agency_id TEXT   NOT NULL REFERENCES agency (id),
	seq       BIGINT NOT NULL,
	digest    TEXT   NOT NULL,
	at        BIGINT NOT NULL,
	signature TEXT   NOT NULL,
	PRIMARY KEY (agency_id, seq)
);
