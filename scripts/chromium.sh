#!/bin/sh
# Runs a command with TEST_CHROMIUM set to a Chromium, for the test of the staff's
# console in a real browser (docs/staff.md):
#
#	scripts/chromium.sh go test ./internal/app -run TestRealBrowser
#
# Without one it installs the package, as root on Debian alone and saying so; elsewhere
# it fails and says what to install. With SKIP_BROWSER=1 it says so once, loudly, and
# runs the command.
set -eu

fail() {
	echo "chromium.sh: $*" >&2
	exit 1
}

[ $# -gt 0 ] || fail "usage: $0 command [argument ...]"

if [ "${SKIP_BROWSER:-}" = 1 ]; then
	echo "chromium.sh: WARNING: SKIP_BROWSER=1: NOTHING IS TESTED IN A BROWSER" >&2
	unset TEST_CHROMIUM
	exec "$@"
fi

find_chromium() {
	command -v chromium || command -v chromium-browser || command -v google-chrome || true
}

chromium=$(find_chromium)
if [ -z "$chromium" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	echo "chromium.sh: no Chromium here: installing the package chromium" >&2
	(apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium) >&2 ||
		fail "could not install the package chromium"
	chromium=$(find_chromium)
fi
[ -n "$chromium" ] || fail "no Chromium in PATH: install the package chromium, or set SKIP_BROWSER=1 to leave the console untested in a browser"

TEST_CHROMIUM=$chromium
export TEST_CHROMIUM
exec "$@"
