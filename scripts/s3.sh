#!/usr/bin/env bash
# Runs a command with TEST_S3 set to the URL of a throw-away S3 server, and
# TEST_S3_KEY and TEST_S3_SECRET to its credential, TEST_S3_USER_KEY and
# TEST_S3_USER_SECRET to one that may do only what a bucket's policy lets it, and removes
# the server and what it kept afterwards, whatever happens:
#
#	scripts/s3.sh go test ./internal/store/s3
#
# The server is the Versity S3 Gateway over a folder (tools/s3, pinned there), built by
# the first run and cached by the go command, listening on a random loopback port. When
# it cannot be built this fails; with SKIP_S3=1 it says so once, loudly, and runs the
# command.
set -eu

fail() {
	echo "s3.sh: $*" >&2
	exit 1
}

[ $# -gt 0 ] || fail "usage: $0 command [argument ...]"

if [ "${SKIP_S3:-}" = 1 ]; then
	echo "s3.sh: WARNING: SKIP_S3=1: NOTHING IS TESTED ON AN S3 SERVER" >&2
	unset TEST_S3 TEST_S3_KEY TEST_S3_SECRET TEST_S3_USER_KEY TEST_S3_USER_SECRET
	exec "$@"
fi

here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d "${TMPDIR:-/tmp}/amanah-s3.XXXXXX")
pid=

finish() {
	code=$?
	trap - EXIT INT TERM HUP
	[ -z "$pid" ] || kill "$pid" 2>/dev/null || true
	[ -z "$pid" ] || wait "$pid" 2>/dev/null || true
	rm -rf "$dir"
	exit "$code"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

(cd "$here/../tools/s3" && CGO_ENABLED=0 GOFLAGS= go build -o "$dir/s3" .) >&2 ||
	fail "could not build the S3 server; set SKIP_S3=1 to leave S3 untested"

TEST_S3_KEY=$(head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n')
TEST_S3_SECRET=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')
TEST_S3_USER_KEY=$(head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n')
TEST_S3_USER_SECRET=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')

# A port is free until somebody else takes it: try some.
started=
for _ in 1 2 3 4 5 6 7 8; do
	port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 20000))
	ROOT_ACCESS_KEY=$TEST_S3_KEY ROOT_SECRET_KEY=$TEST_S3_SECRET \
		USER_ACCESS_KEY=$TEST_S3_USER_KEY USER_SECRET_KEY=$TEST_S3_USER_SECRET \
		"$dir/s3" "127.0.0.1:$port" "$dir" >"$dir/log" 2>&1 &
	pid=$!
	for _ in $(seq 300); do
		kill -0 "$pid" 2>/dev/null || break
		if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
			started=yes
			break
		fi
		sleep 0.1
	done
	[ -z "$started" ] || break
	kill "$pid" 2>/dev/null || true
	pid=
done
[ -n "$started" ] || { cat "$dir/log" >&2; fail "the S3 server did not start"; }

TEST_S3="http://127.0.0.1:$port"
export TEST_S3 TEST_S3_KEY TEST_S3_SECRET TEST_S3_USER_KEY TEST_S3_USER_SECRET
"$@"
