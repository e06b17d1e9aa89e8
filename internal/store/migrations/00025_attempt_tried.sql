-- +goose Up
-- When the last of the three tries was paid for. A try that is not settled yet is no failure: for as long as it
-- may still be judged, the sign-in is not over.
ALTER TABLE attempt ADD COLUMN tried BIGINT NOT NULL DEFAULT 0;
