# Few targets; each is one line of what it does.
export CGO_ENABLED = 0
GO ?= go

.PHONY: all build test vet lint race fuzz soak bench clean

all: vet lint test

build: ## the one binary, at bin/amanah
	$(GO) build -trimpath -o bin/amanah ./cmd/amanah

test: ## everything, with a throw-away PostgreSQL cluster, S3 server, image server, nginx and Chromium
	@[ "$$SKIP_DISK_FULL" != 1 ] || echo "make: WARNING: SKIP_DISK_FULL=1: NOTHING IS TESTED ON A FULL DISK" >&2
	scripts/postgres.sh scripts/nginx.sh scripts/s3.sh scripts/dicom.sh scripts/chromium.sh $(GO) test -timeout 30m ./...

vet:
	$(GO) vet ./...

lint: ## staticcheck, pinned in tools/go.mod; settings in staticcheck.conf
	scripts/lint.sh

race: ## the race detector over our own packages; needs a C compiler
	scripts/race.sh

fuzz: ## every fuzz target for FUZZTIME each (default 10s)
	scripts/fuzz.sh

soak: ## the slow trials, each with a limit of its own; TRIALS="timing linkage" runs some
	scripts/soak.sh $(TRIALS)

bench: ## the gate's table, as in docs/performance.md
	$(GO) run ./cmd/amanah bench gate

clean:
	rm -rf bin
