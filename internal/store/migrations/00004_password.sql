-- +goose Up
-- Who asked for a link to choose a new password. The row waits until the letter
-- is written; whether such a user exists is looked up only then.
CREATE TABLE link_ask (
	id        TEXT   NOT NULL PRIMARY KEY,
	agency_id TEXT   NOT NULL REFERENCES agency (id),
	login     BYTEA  NOT NULL,
	ip        TEXT   NOT NULL,
	family    TEXT   NOT NULL,
	os        TEXT   NOT NULL,
	request   TEXT   NOT NULL,
	at        BIGINT NOT NULL
);
CREATE INDEX link_ask_by_at ON link_ask (at);
-- How often a network asked, in the hour that began at since.
CREATE TABLE link_network (
	agency_id TEXT   NOT NULL REFERENCES agency (id),
	network   TEXT   NOT NULL,
	since     BIGINT NOT NULL,
	asked     BIGINT NOT NULL,
	PRIMARY KEY (agency_id, network)
);
-- The password's hash, sealed under the master key; users.password is empty from now on.
ALTER TABLE users ADD COLUMN password_sealed BYTEA;
