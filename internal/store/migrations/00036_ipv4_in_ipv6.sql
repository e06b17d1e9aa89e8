-- +goose Up
-- Connections from IPv4 addresses that were written within IPv6: such an address is compared as the IPv4
-- address by now, so these rows equal nothing any more. Their users are asked once more.
DELETE FROM device WHERE network LIKE '64:ff9b:%' OR network LIKE '2002:%' OR network LIKE '2001:0:%';
