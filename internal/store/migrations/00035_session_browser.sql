-- +goose Up
-- The browser that a session was begun in: its device row is dropped where a user has many.
ALTER TABLE session ADD COLUMN browser_id TEXT NOT NULL DEFAULT '';
UPDATE session SET browser_id = COALESCE(
	(SELECT d.browser_id FROM device d WHERE d.agency_id = session.agency_id AND d.id = session.device_id), '');
-- What the sessions of a browser changed about their user, to be undone if a session is disowned.
CREATE TABLE session_change (
	agency_id  TEXT   NOT NULL,
	user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	browser_id TEXT   NOT NULL,
	at         BIGINT NOT NULL,
	kind       TEXT   NOT NULL,
	ref        TEXT   NOT NULL,
	was        TEXT   NOT NULL
);
CREATE INDEX session_change_by_user ON session_change (agency_id, user_id, browser_id, at);
CREATE INDEX session_change_by_at ON session_change (at);
