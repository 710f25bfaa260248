#!/bin/sh
# Formats, imports and staticcheck over the whole module.
set -eu
cd "$(dirname "$0")/.."
unformatted=$(gofmt -l cmd client e2e internal ohttp verify 2>/dev/null || true)
if [ -n "$unformatted" ]; then
	echo "lint: not gofmt-ed:" "$unformatted" >&2
	exit 1
fi
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
(cd tools && CGO_ENABLED=0 go build -o "$bin/staticcheck" honnef.co/go/tools/cmd/staticcheck)
CGO_ENABLED=0 "$bin/staticcheck" ./...
