-- +goose Up
-- What an agency wants its messages to say. A message without a row has the original text.
CREATE TABLE wording (
	agency_id  TEXT   NOT NULL REFERENCES agency (id),
	kind       TEXT   NOT NULL,
	subject    TEXT   NOT NULL,
	body       TEXT   NOT NULL,
	version    BIGINT NOT NULL,
	changed    BIGINT NOT NULL,
	changed_by TEXT   NOT NULL,
	PRIMARY KEY (agency_id, kind)
);
