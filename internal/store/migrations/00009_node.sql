-- +goose Up
-- The nodes that run, and the master keys that each has read: a key may seal
-- only once all of them can open what it sealed (KY-02).
CREATE TABLE node (
	id      TEXT   NOT NULL PRIMARY KEY,
	host    TEXT   NOT NULL,
	seen    BIGINT NOT NULL,
	sealing TEXT   NOT NULL,
	keys    TEXT   NOT NULL
);
