#!/bin/sh
# Runs the tests of our own packages under the race detector. The SQLite engine
# is machine-translated C with its own locking: it is compiled without
# instrumentation, which saves many minutes and loses nothing of ours.
set -eu
cd "$(dirname "$0")/.."
cc=${CC:-cc}
if ! command -v "$cc" >/dev/null 2>&1; then
	echo "race: no C compiler ($cc): the race detector cannot run; install gcc" >&2
	exit 1
fi
export CGO_ENABLED=1
[ $# -gt 0 ] || set -- ./...
exec scripts/postgres.sh scripts/nginx.sh scripts/s3.sh scripts/dicom.sh scripts/chromium.sh go test -race -timeout 45m \
	-gcflags='modernc.org/...=-race=false' "$@"
