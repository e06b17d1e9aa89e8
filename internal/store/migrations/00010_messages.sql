-- +goose Up
-- What became of a message: which way out has it, what the gateway calls it,
-- and what the gateway told later. network and prefix are what budgets count by.
ALTER TABLE message ADD COLUMN route TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN tag TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN receipt TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN receipt_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN network TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN prefix TEXT NOT NULL DEFAULT '';
CREATE INDEX message_by_tag ON message (tag);
CREATE INDEX message_by_agency ON message (agency_id, created, id);
CREATE INDEX message_by_channel ON message (channel, created);
CREATE TABLE dkim_key (
	agency_id TEXT    NOT NULL REFERENCES agency (id),
	domain    TEXT    NOT NULL,
	selector  TEXT    NOT NULL,
	secret    BYTEA   NOT NULL,
	created   BIGINT  NOT NULL,
	signs     BOOLEAN NOT NULL,
	PRIMARY KEY (agency_id, domain, selector)
);
-- How many text messages a day of UTC (its number since 1970) has seen: of an
-- agency, and of all. The rows are what two nodes wait for each other at.
CREATE TABLE text_day (
	agency_id TEXT   NOT NULL REFERENCES agency (id),
	day       BIGINT NOT NULL,
	sent      BIGINT NOT NULL,
	PRIMARY KEY (agency_id, day)
);
CREATE TABLE text_total (
	day  BIGINT NOT NULL PRIMARY KEY,
	sent BIGINT NOT NULL
);
CREATE TABLE text_alarm (
	agency_id TEXT   NOT NULL REFERENCES agency (id),
	what      TEXT   NOT NULL,
	raised    BIGINT NOT NULL,
	PRIMARY KEY (agency_id, what)
);
