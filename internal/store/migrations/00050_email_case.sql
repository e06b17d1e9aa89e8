-- +goose Up
-- Email addresses are compared without regard to case. The indexes are not unique:
-- addresses that were kept twice before stay.
CREATE INDEX users_by_email ON users (agency_id, LOWER(email));
CREATE INDEX factor_by_email ON factor (agency_id, LOWER(address));
CREATE INDEX message_by_folded ON message (agency_id, LOWER(recipient), created);
