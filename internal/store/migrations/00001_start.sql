-- +goose Up
-- One text for SQLite and PostgreSQL. Instants are BIGINT milliseconds UTC, 0 = never.
CREATE TABLE agency (
	id        TEXT   NOT NULL PRIMARY KEY,
	code      TEXT   NOT NULL UNIQUE,
	name      TEXT   NOT NULL,
	product   TEXT   NOT NULL,
	mail_from TEXT   NOT NULL,
	zone      TEXT   NOT NULL,
	created   BIGINT NOT NULL
);
CREATE TABLE agency_host (
	host      TEXT   NOT NULL PRIMARY KEY,
	agency_id TEXT   NOT NULL REFERENCES agency (id),
	position  BIGINT NOT NULL
);
CREATE TABLE users (
	id           TEXT    NOT NULL PRIMARY KEY,
	agency_id    TEXT    NOT NULL REFERENCES agency (id),
	login        TEXT    NOT NULL,
	folded       TEXT    NOT NULL,
	name         TEXT    NOT NULL,
	email        TEXT    NOT NULL,
	mobile       TEXT    NOT NULL,
	search       TEXT    NOT NULL,
	password     TEXT    NOT NULL,
	password_at  BIGINT  NOT NULL,
	disabled     BOOLEAN NOT NULL,
	reset_until  BIGINT  NOT NULL,
	reset_at     BIGINT  NOT NULL,
	reset_by     TEXT    NOT NULL,
	version      BIGINT  NOT NULL,
	created      BIGINT  NOT NULL,
	last_sign_in BIGINT  NOT NULL
);
CREATE UNIQUE INDEX users_by_login ON users (agency_id, folded);
CREATE INDEX users_by_name ON users (agency_id, name, id);
CREATE TABLE user_right (
	agency_id TEXT NOT NULL,
	user_id   TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	name      TEXT NOT NULL,
	PRIMARY KEY (user_id, name)
);
CREATE TABLE user_group (
	agency_id TEXT NOT NULL,
	user_id   TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	name      TEXT NOT NULL,
	PRIMARY KEY (user_id, name)
);
CREATE TABLE preference (
	agency_id  TEXT   NOT NULL REFERENCES agency (id),
	code       TEXT   NOT NULL,
	value      TEXT   NOT NULL,
	version    BIGINT NOT NULL,
	changed    BIGINT NOT NULL,
	changed_by TEXT   NOT NULL,
	reason     TEXT   NOT NULL,
	PRIMARY KEY (agency_id, code)
);
CREATE TABLE factor (
	id         TEXT    NOT NULL PRIMARY KEY,
	agency_id  TEXT    NOT NULL,
	user_id    TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	method     TEXT    NOT NULL,
	address    TEXT    NOT NULL,
	secret     BYTEA   NOT NULL,
	state      BIGINT  NOT NULL,
	verified   BIGINT  NOT NULL,
	last_used  BIGINT  NOT NULL,
	is_default BOOLEAN NOT NULL
);
CREATE UNIQUE INDEX factor_by_method ON factor (user_id, method);
CREATE INDEX factor_by_address ON factor (agency_id, address);
CREATE TABLE browser (
	id        TEXT   NOT NULL PRIMARY KEY,
	agency_id TEXT   NOT NULL REFERENCES agency (id),
	digest    TEXT   NOT NULL,
	created   BIGINT NOT NULL,
	seen      BIGINT NOT NULL
);
CREATE TABLE device (
	id            TEXT    NOT NULL PRIMARY KEY,
	agency_id     TEXT    NOT NULL,
	user_id       TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	browser_id    TEXT    NOT NULL,
	family        TEXT    NOT NULL,
	os            TEXT    NOT NULL,
	product       TEXT    NOT NULL,
	network       TEXT    NOT NULL,
	ip            TEXT    NOT NULL,
	first_seen    BIGINT  NOT NULL,
	last_seen     BIGINT  NOT NULL,
	proved        BIGINT  NOT NULL,
	last_token    BIGINT  NOT NULL,
	forgotten     BIGINT  NOT NULL,
	forgotten_why TEXT    NOT NULL,
	declined      BOOLEAN NOT NULL
);
CREATE UNIQUE INDEX device_by_key ON device (user_id, browser_id, family, os, product, network);
CREATE INDEX device_by_agency ON device (agency_id, proved);
CREATE TABLE attempt (
	id         TEXT   NOT NULL PRIMARY KEY,
	agency_id  TEXT   NOT NULL,
	user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	purpose    TEXT   NOT NULL,
	session_id TEXT   NOT NULL,
	failures   BIGINT NOT NULL,
	hints      BIGINT NOT NULL,
	body       BYTEA  NOT NULL,
	started    BIGINT NOT NULL,
	expires    BIGINT NOT NULL
);
CREATE INDEX attempt_by_user ON attempt (user_id, purpose);
CREATE INDEX attempt_by_expires ON attempt (expires);
CREATE TABLE session (
	id        TEXT   NOT NULL PRIMARY KEY,
	agency_id TEXT   NOT NULL,
	user_id   TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	device_id TEXT   NOT NULL,
	ip        TEXT   NOT NULL,
	family    TEXT   NOT NULL,
	os        TEXT   NOT NULL,
	product   TEXT   NOT NULL,
	proof     TEXT   NOT NULL,
	proved_at BIGINT NOT NULL,
	started   BIGINT NOT NULL,
	last_seen BIGINT NOT NULL,
	expires   BIGINT NOT NULL,
	ended     BIGINT NOT NULL,
	ended_why TEXT   NOT NULL
);
CREATE INDEX session_by_user ON session (user_id, ended);
CREATE INDEX session_by_agency ON session (agency_id, ended, expires);
CREATE TABLE message (
	id        TEXT    NOT NULL PRIMARY KEY,
	agency_id TEXT    NOT NULL REFERENCES agency (id),
	user_id   TEXT    NOT NULL,
	kind      TEXT    NOT NULL,
	channel   TEXT    NOT NULL,
	recipient TEXT    NOT NULL,
	data      BYTEA   NOT NULL,
	reference TEXT    NOT NULL,
	urgent    BOOLEAN NOT NULL,
	created   BIGINT  NOT NULL,
	due       BIGINT  NOT NULL,
	expires   BIGINT  NOT NULL,
	claimed   BIGINT  NOT NULL,
	tries     BIGINT  NOT NULL,
	state     TEXT    NOT NULL,
	server    TEXT    NOT NULL,
	answer    TEXT    NOT NULL,
	done      BIGINT  NOT NULL,
	used      BOOLEAN NOT NULL
);
CREATE INDEX message_by_state ON message (state, due);
CREATE INDEX message_by_user ON message (user_id, created);
CREATE INDEX message_by_recipient ON message (agency_id, recipient, created);
CREATE TABLE event (
	agency_id TEXT   NOT NULL,
	seq       BIGINT NOT NULL,
	at        BIGINT NOT NULL,
	action    TEXT   NOT NULL,
	actor     TEXT   NOT NULL,
	subject   TEXT   NOT NULL,
	method    TEXT   NOT NULL,
	result    TEXT   NOT NULL,
	reason    TEXT   NOT NULL,
	ip        TEXT   NOT NULL,
	browser   TEXT   NOT NULL,
	os        TEXT   NOT NULL,
	request   TEXT   NOT NULL,
	detail    TEXT   NOT NULL,
	digest    TEXT   NOT NULL,
	PRIMARY KEY (agency_id, seq)
);
CREATE INDEX event_by_subject ON event (agency_id, subject, seq);
CREATE TABLE event_head (
	agency_id TEXT   NOT NULL PRIMARY KEY REFERENCES agency (id),
	seq       BIGINT NOT NULL,
	digest    TEXT   NOT NULL
);
CREATE TABLE link (
	digest    TEXT   NOT NULL PRIMARY KEY,
	agency_id TEXT   NOT NULL REFERENCES agency (id),
	user_id   TEXT   NOT NULL,
	purpose   TEXT   NOT NULL,
	created   BIGINT NOT NULL,
	expires   BIGINT NOT NULL,
	used      BIGINT NOT NULL
);
CREATE INDEX link_by_user ON link (agency_id, user_id, purpose);
