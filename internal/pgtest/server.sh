#!/bin/sh
# server.sh: a throw-away PostgreSQL server for tests, on a unix socket in a
# directory of its own. It prints one line as soon as it takes
# connections, "ok " and the connection string of its database "postgres"; any
# other line tells why there is none. When standard input is closed, that is,
# when whoever started it has ended in whatever way, it stops and leaves nothing.
#
# COUNTERSIGN_TEST_PGBIN names the directory of initdb where it is not found.
set -eu

# PostgreSQL refuses to run as root; the package brings a user for it.
as_server() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid=postgres --regid=postgres --clear-groups env HOME="$dir" "$@"
	else
		"$@"
	fi
}

find_bin() {
	for bin in "${COUNTERSIGN_TEST_PGBIN:-/usr/lib/postgresql/15/bin}" "${COUNTERSIGN_TEST_PGBIN:-$(dirname "$(command -v initdb || echo /)")}"; do
		[ ! -x "$bin/initdb" ] || return 0
	done
	echo "initdb was not found: the Debian package postgresql-15 has it, and 'make test' installs it"
	exit 1
}

leave() {
	as_server "$bin/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1 || true
	rm -rf "$dir"
}

find_bin
dir=$(mktemp -d /tmp/cs-pg-XXXXXX) # short: the path of a socket may have 107 bytes at most
trap leave EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$dir"
[ "$(id -u)" != 0 ] || chown postgres "$dir"
cd "$dir"

if ! as_server "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$dir/log" 2>&1; then
	echo "initdb did not make a database: $(tail -n 3 "$dir/log" | tr '\n' ' ')"
	exit 1
fi
as_server tee -a "$dir/data/postgresql.conf" >/dev/null <<CONF
listen_addresses = ''
unix_socket_directories = '$dir'
max_connections = 300
fsync = off
synchronous_commit = off
full_page_writes = off
CONF
if ! as_server "$bin/pg_ctl" -D "$dir/data" -l "$dir/data/server.log" -w -t 60 start >"$dir/log" 2>&1; then
	echo "PostgreSQL did not start: $(tail -n 3 "$dir/data/server.log" | tr '\n' ' ')"
	exit 1
fi
echo "ok postgres://postgres@/postgres?host=$dir&port=5432"
exec >/dev/null 2>&1
while read -r _; do :; done
