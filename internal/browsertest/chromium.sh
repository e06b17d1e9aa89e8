#!/bin/sh
# chromium.sh: Chromium without a screen, with an empty profile of its own. It
# prints one line, "ok " and the address of its remote control; any other line
# tells why there is none. When standard input is closed it ends and leaves nothing.
set -eu

chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$chromium" ]; then
	echo "chromium was not found: the Debian package chromium has it, and 'make test' installs it"
	exit 1
fi

leave() {
	kill -KILL "$browser" 2>/dev/null || true
	wait "$browser" 2>/dev/null || true
	until rm -rf "$dir" 2>/dev/null; do sleep 0.1; done # its helpers end a moment later
}

dir=$(mktemp -d /tmp/cs-browser-XXXXXX)
# No sandbox: it needs rights that neither root nor most containers have, and
# this browser sees nothing but the pages of the project's own tests.
HOME=$dir TMPDIR=$dir "$chromium" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
	--no-first-run --no-default-browser-check --disable-background-networking --disable-sync --disable-extensions \
	--disable-features=Translate,HttpsUpgrades --disable-background-timer-throttling --disable-renderer-backgrounding \
	--disable-backgrounding-occluded-windows --force-color-profile=srgb --hide-scrollbars --password-store=basic \
	--remote-debugging-port=0 --user-data-dir="$dir" about:blank >"$dir/log" 2>&1 </dev/null &
browser=$!
trap leave EXIT
trap 'exit 1' HUP INT TERM

tries=0
until [ -s "$dir/DevToolsActivePort" ]; do
	tries=$((tries + 1))
	if [ $tries -gt 600 ] || ! kill -0 "$browser" 2>/dev/null; then
		echo "chromium did not start: $(tail -n 3 "$dir/log" | tr '\n' ' ')"
		exit 1
	fi
	sleep 0.05
done
{
	read -r port
	read -r path || true # the last line has no end
} <"$dir/DevToolsActivePort"
echo "ok ws://127.0.0.1:$port$path"
exec >/dev/null 2>&1
while read -r _; do :; done
