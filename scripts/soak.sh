#!/bin/sh
# The slow trials, each with its own limit of time: all of them, or those named.
#
#	scripts/soak.sh                 all, about four hours
#	scripts/soak.sh timing linkage  these
#
# timing measures time to the microsecond: give it a machine with nothing else to do.
# Sizes are the goals' own; SOAK_TIMING (check-ins of each colour), SOAK_GUESSES, SOAK_LINKAGE
# (visits), SOAK_HUNT (patients), SOAK_IMPORT (megabytes) and SOAK_FUZZ (for each target,
# default 60s) make them smaller. import wants 30 GB of room.
set -eu
cd "$(dirname "$0")/.."

# memory is a folder whose fsync costs nothing, where there is one: the disk's own
# noise would hide what timing looks for.
memory=${TMPDIR:-/tmp}
[ -d /dev/shm ] && [ -w /dev/shm ] && memory=/dev/shm

trial() {
	echo "soak.sh: $1" >&2
	case $1 in
	timing) SOAK=1 TMPDIR=$memory go test -count=1 -v -timeout 60m ./e2e -run 'TestColourTiming|TestColourLength' ;;
	history) SOAK=1 TMPDIR=$memory go test -count=1 -v -timeout 30m ./e2e -run TestHistoryTiming ;;
	enumeration) SOAK=1 TMPDIR=$memory go test -count=1 -v -parallel 16 -timeout 180m ./internal/web/page -run TestEnumeration ;;
	linkage) SOAK=1 go test -count=1 -v -timeout 40m ./e2e -run TestTwoPartners ;;
	hunt) SOAK=1 scripts/postgres.sh go test -count=1 -v -timeout 120m ./e2e -run TestRecordsHunt ;;
	import) SOAK=1 go test -count=1 -v -timeout 120m ./e2e -run TestImportMemory ;;
	servers) SOAK=1 scripts/postgres.sh go test -count=1 -v -timeout 60m ./e2e -run TestTwoServers ;;
	kill) SOAK=1 scripts/postgres.sh go test -count=1 -v -timeout 60m ./e2e -run 'TestKill|TestTrouble' ;;
	rest) SOAK=1 scripts/postgres.sh scripts/s3.sh scripts/dicom.sh scripts/chromium.sh go test -count=1 -timeout 60m $(go list ./... | grep -v /e2e$) ;;
	edits) SOAK=1 TMPDIR=$memory scripts/postgres.sh go test -count=1 -v -timeout 180m ./internal/flow/check -run 'TestEdits$|TestEditsServed$|TestSealedServed$' ;;
	fuzz) FUZZTIME=${SOAK_FUZZ:-60s} scripts/fuzz.sh ;;
	*)
		echo "soak.sh: no trial $1: timing history enumeration linkage hunt import servers kill edits rest fuzz" >&2
		exit 2
		;;
	esac
}

[ $# -gt 0 ] || set -- timing history enumeration linkage hunt import servers kill edits rest fuzz
failed=
for name; do
	trial "$name" || failed="$failed $name"
done
[ -z "$failed" ] || { echo "soak.sh: failed:$failed" >&2; exit 1; }
