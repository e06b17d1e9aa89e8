-- +goose Up
-- Why a message was not taken, in a word of our own; empty: it was, or nobody knows yet.
ALTER TABLE message ADD COLUMN reason TEXT NOT NULL DEFAULT '';
-- Earlier versions kept the words of servers and gateways, which may have quoted the message.
-- Those of messages that were held back are codes of our own.
UPDATE message SET answer = '', findings = '' WHERE state <> 'held';
