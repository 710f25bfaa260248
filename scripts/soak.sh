#!/bin/sh
# The slow trials: everything again with long kill -9 loops, then every fuzz target
# for SOAK_FUZZ each (default 60s).
set -eu
cd "$(dirname "$0")/.."
SOAK=1 scripts/postgres.sh scripts/nginx.sh go test -count=1 -timeout 60m ./...
FUZZTIME=${SOAK_FUZZ:-60s} scripts/fuzz.sh
