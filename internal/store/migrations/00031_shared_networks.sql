-- +goose Up
-- A wrong guess whose user was right afterwards from the same network: the limits that a network shares leave it out.
ALTER TABLE guess ADD COLUMN forgiven BOOLEAN NOT NULL DEFAULT FALSE;
