-- +goose Up
-- What belongs to the installation as a whole, by name.
CREATE TABLE installation (
	name  TEXT  NOT NULL PRIMARY KEY,
	value BYTEA NOT NULL
);
