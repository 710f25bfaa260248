#!/bin/sh
# Runs every fuzz target of the module for FUZZTIME (default 10s).
set -eu
cd "$(dirname "$0")/.."
export CGO_ENABLED=0
for pkg in $(go list ./...); do
	for target in $(go test -list '^Fuzz' "$pkg" | grep '^Fuzz' || true); do
		echo "fuzz $pkg $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-10s}" "$pkg"
	done
done
