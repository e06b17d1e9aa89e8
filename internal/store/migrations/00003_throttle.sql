-- +goose Up
-- Guesses at passwords and tokens, paid for before they are compared. A right
-- one is removed; the windows of throttling are counted from those that stay.
CREATE TABLE guess (
	id        TEXT    NOT NULL PRIMARY KEY,
	agency_id TEXT    NOT NULL REFERENCES agency (id),
	subject   TEXT    NOT NULL,
	lane      TEXT    NOT NULL,
	network   TEXT    NOT NULL,
	wide      TEXT    NOT NULL,
	at        BIGINT  NOT NULL,
	failed    BOOLEAN NOT NULL,
	spent     BOOLEAN NOT NULL
);
CREATE INDEX guess_by_subject ON guess (agency_id, subject, at);
CREATE INDEX guess_by_network ON guess (agency_id, network, at);
CREATE INDEX guess_by_wide ON guess (agency_id, wide, at);
CREATE INDEX guess_by_agency ON guess (agency_id, at);
CREATE INDEX guess_by_at ON guess (at);
-- Failures in a row of a subject on one road, and until when it waits.
CREATE TABLE lane (
	agency_id TEXT   NOT NULL REFERENCES agency (id),
	subject   TEXT   NOT NULL,
	name      TEXT   NOT NULL,
	failures  BIGINT NOT NULL,
	until     BIGINT NOT NULL,
	closed    BIGINT NOT NULL,
	touched   BIGINT NOT NULL,
	PRIMARY KEY (agency_id, subject, name)
);
CREATE INDEX lane_by_touched ON lane (touched);
-- Sign-ins whose password was right and whose second factor was not.
CREATE TABLE warning (
	id        TEXT    NOT NULL PRIMARY KEY,
	agency_id TEXT    NOT NULL,
	user_id   TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	at        BIGINT  NOT NULL,
	ip        TEXT    NOT NULL,
	browser   TEXT    NOT NULL,
	os        TEXT    NOT NULL,
	product   TEXT    NOT NULL,
	wrong     BIGINT  NOT NULL,
	due       BIGINT  NOT NULL,
	told      BOOLEAN NOT NULL,
	seen      BOOLEAN NOT NULL
);
CREATE INDEX warning_by_user ON warning (agency_id, user_id, at);
CREATE INDEX warning_by_due ON warning (told, due);
