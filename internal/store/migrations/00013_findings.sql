-- +goose Up
-- What was found on the way of a test mail, as JSON; empty for all other messages.
ALTER TABLE message ADD COLUMN findings TEXT NOT NULL DEFAULT '';
