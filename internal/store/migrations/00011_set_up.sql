-- +goose Up
-- Somebody left the set-up wizard before its end: the rest is offered once more,
-- at his next sign-in. Who set up before this column existed is not asked.
ALTER TABLE users ADD COLUMN set_up_left BOOLEAN NOT NULL DEFAULT FALSE;
