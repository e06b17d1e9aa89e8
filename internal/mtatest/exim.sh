#!/bin/sh
# exim.sh DIR: the mail server exim4 with the configuration DIR/exim.conf, as
# an ordinary user. It prints one line, "ok " and its version, as soon as it
# listens; any other line tells why it does not. When standard input is closed it ends.
set -eu
dir=$1

if [ ! -x /usr/sbin/exim4 ]; then
	echo "exim4 was not found: the Debian package exim4-daemon-heavy has it, and 'make test' installs it"
	exit 1
fi
# The copy has no set-uid bit, so that it stays the user who starts it.
[ -x "$dir/exim" ] || install -m 755 /usr/sbin/exim4 "$dir/exim"
rm -f "$dir/log/main"
as=
if [ "$(id -u)" = 0 ]; then
	as="setpriv --reuid=Debian-exim --regid=Debian-exim --clear-groups"
	chown -R Debian-exim:Debian-exim "$dir"
fi

# leave ends the whole process group: conversations and deliveries under way are
# in it. They are given a moment, and what is left then may be dead already.
leave() {
	kill -s TERM -- "-$exim" 2>/dev/null || true
	wait "$exim" 2>/dev/null || true
	for _ in 1 2 3 4 5; do
		kill -s 0 -- "-$exim" 2>/dev/null || return 0
		sleep 0.05
	done
	kill -s KILL -- "-$exim" 2>/dev/null || true
}

setsid $as "$dir/exim" -C "$dir/exim.conf" -bdf -q2s >"$dir/out" 2>&1 </dev/null &
exim=$!
trap leave EXIT
trap 'exit 1' HUP INT TERM
tries=0
until grep -q 'daemon started' "$dir/log/main" 2>/dev/null; do
	tries=$((tries + 1))
	if [ $tries -gt 600 ] || ! kill -0 "$exim" 2>/dev/null; then
		echo "exim4 did not start: $(cat "$dir/out" "$dir"/log/* 2>/dev/null | tail -n 4 | tr '\n' ' ')"
		exit 1
	fi
	sleep 0.05
done
echo "ok $(grep -o 'exim [0-9.]* daemon started' "$dir/log/main" | head -n 1)"
exec >/dev/null 2>&1
while read -r _; do :; done
