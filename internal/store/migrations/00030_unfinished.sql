-- +goose Up
-- Which browser began a sign-in that warns its user; empty: unknown.
ALTER TABLE warning ADD COLUMN browser_id TEXT NOT NULL DEFAULT '';
-- Sign-ins that were ended by something else, and why, until they would have expired: their page says so.
CREATE TABLE attempt_ended (
	agency_id TEXT   NOT NULL REFERENCES agency (id),
	id        TEXT   NOT NULL,
	why       TEXT   NOT NULL,
	expires   BIGINT NOT NULL,
	PRIMARY KEY (agency_id, id)
);
CREATE INDEX attempt_ended_by_expires ON attempt_ended (expires);
CREATE INDEX IF NOT EXISTS device_by_browser ON device (agency_id, browser_id);
