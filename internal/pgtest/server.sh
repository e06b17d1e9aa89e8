#!/bin/sh
# server.sh: a throw-away PostgreSQL server for tests, on a unix socket in a
# directory of its own. It prints one line as soon as it takes connections,
# "ok " and the connection string of its database "postgres"; any other line
# tells why there is none. When standard input is closed, that is, when whoever
# started it has ended in whatever way, it stops and leaves nothing.
#
# server.sh DIR keeps its data in DIR, which stays, and takes care of what it
# has acknowledged: it may be stopped, as by a power cut, and started again.
#
# COUNTERSIGN_TEST_PGBIN names the directory of initdb where it is not found.
set -eu

for bin in "${COUNTERSIGN_TEST_PGBIN:-/usr/lib/postgresql/15/bin}" "${COUNTERSIGN_TEST_PGBIN:-$(dirname "$(command -v initdb || echo /)")}"; do
	[ ! -x "$bin/initdb" ] || break
done
if [ ! -x "$bin/initdb" ]; then
	echo "initdb was not found: the Debian package postgresql-15 has it, and 'make test' installs it"
	exit 1
fi

leave() {
	[ -z "$server" ] || kill -QUIT "$server" 2>/dev/null || true # at once: nothing is to be kept
	[ -z "$server" ] || wait "$server" 2>/dev/null || true
	[ -n "$keep" ] || rm -rf "$dir"
}

server=
keep=${1:-}
dir=${keep:-$(mktemp -d /tmp/cs-pg-XXXXXX)} # short: the path of a socket may have 107 bytes at most
commit=off
[ -z "$keep" ] || commit=on
trap leave EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$dir"
cd "$dir"
as=
if [ "$(id -u)" = 0 ]; then # PostgreSQL refuses to run as root; its package brings a user for it
	as="setpriv --reuid=postgres --regid=postgres --clear-groups env HOME=$dir"
	chown postgres "$dir"
fi

if [ ! -d "$dir/data" ] && ! $as "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >log 2>&1; then
	echo "initdb did not make a database: $(tail -n 3 log | tr '\n' ' ')"
	exit 1
fi
$as "$bin/postgres" -D "$dir/data" -c listen_addresses= -c "unix_socket_directories=$dir" -c max_connections=300 \
	-c fsync=off -c synchronous_commit=$commit -c full_page_writes=off >log 2>&1 </dev/null &
server=$!
tries=0
until "$bin/pg_isready" -q -h "$dir"; do
	tries=$((tries + 1))
	if [ $tries -gt 600 ] || ! kill -0 "$server" 2>/dev/null; then
		echo "PostgreSQL did not start: $(tail -n 3 log | tr '\n' ' ')"
		exit 1
	fi
	sleep 0.05
done
echo "ok postgres://postgres@/postgres?host=$dir&port=5432"
exec >/dev/null 2>&1
while read -r _; do :; done
