# make test    what is run before every commit; installs what it needs on Debian
# make check   the same, and the linters
# make help    the rest

GO       ?= go
# Packages compiled and tested at once. More means more browsers and servers side by side.
P        ?= 2
FUZZTIME ?= 30s
SHOTS    ?= $(CURDIR)/shots
# make test uses the race detector for concurrent code only: these packages, and the tests
# of the whole application that send requests concurrently, found by their names.
# The detector triples the time of a test. make soak uses it for everything.
CONCURRENT = ^countersign(/internal/(edge|childproc|ops|outbox|secret|smpp|store))?$$
# The race detector leaves out SQLite, which is C translated to Go: it manages its own
# memory, and checking it would more than double the time of every test.
UNWATCHED = -gcflags=modernc.org/sqlite/lib=-race=false
RACE      = env CGO_ENABLED=1 GORACE=atexit_sleep_ms=0 $(GO) test -race $(UNWATCHED) -count=1 -p $(P)

.DEFAULT_GOAL := help
.PHONY: help test check lint format vet test-tools build demo fuzz soak bench e2e tools scan vulnerabilities mutate

help: ## show this list
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 18

test: test-tools format vet ## format, vet and test everything, on SQLite and PostgreSQL
	scripts/with-postgres $(GO) test -count=1 -vet=off -p $(P) -parallel 6 -timeout 90m $$($(GO) list ./... | grep -vE '$(CONCURRENT)')
	scripts/with-postgres $(RACE) -vet=off -parallel 6 -timeout 90m $$($(GO) list ./... | grep -E '$(CONCURRENT)')
	scripts/with-postgres $(RACE) -vet=off -parallel 6 -timeout 90m -run 'AtOnce|TestChaos|TestRandomSequences' ./internal/apptest

check: lint test ## make test and the linters

test-tools:
	@scripts/install-test-tools

format:
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "gofmt would change:" $$unformatted >&2; exit 1; }

vet: test-tools
	$(GO) vet -p $(P) ./...

build: ## build bin/countersign, one static file
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o bin/countersign ./cmd/countersign

demo: ## run the whole product without any setup, with an inbox page
	$(GO) run ./cmd/countersign demo

fuzz: ## run every fuzz target for FUZZTIME (30s)
	scripts/fuzz $(FUZZTIME)

soak: test-tools ## long repetitions: hours
	RAPID_CHECKS=1000000 $(GO) test -count=1 -timeout 3h ./internal/policy ./internal/factor
	COUNTERSIGN_SOAK=1 scripts/with-postgres $(RACE) -timeout 6h ./...
	COUNTERSIGN_SOAK=1 scripts/with-postgres $(GO) test -count=1 -timeout 3h -run TestRandomSequences ./internal/apptest

mutate: test-tools ## change the product in one place at a time and run the tests that must fail: ten minutes
	scripts/with-postgres $(GO) run ./scripts/mutate -p $(P)

bench: test-tools ## benchmarks
	scripts/with-postgres $(GO) test -run '^$$' -bench . -benchmem -p 1 ./...

e2e: test-tools ## the tests that drive a browser, with pictures of each page in SHOTS
	COUNTERSIGN_SHOTS=$(SHOTS) scripts/with-postgres $(RACE) -v -timeout 60m \
		$$($(GO) list -f '{{.ImportPath}} {{.TestImports}} {{.XTestImports}}' ./... | grep internal/browsertest | cut -d ' ' -f 1)

tools: .cache/bin/golangci-lint .cache/bin/staticcheck .cache/bin/gosec .cache/bin/govulncheck ## build the linters into .cache/bin

LINTERS = golangci-lint=github.com/golangci/golangci-lint/v2/cmd/golangci-lint staticcheck=honnef.co/go/tools/cmd/staticcheck \
	gosec=github.com/securego/gosec/v2/cmd/gosec govulncheck=golang.org/x/vuln/cmd/govulncheck

.cache/bin/%: tools/go.mod tools/go.sum
	cd tools && $(GO) build -o ../$@ $(patsubst $*=%,%,$(filter $*=%,$(LINTERS)))

lint: .cache/bin/golangci-lint
	.cache/bin/golangci-lint run

scan: .cache/bin/gosec .cache/bin/staticcheck ## run scanners: risky code, and sqlmap and wapiti on a demo
	.cache/bin/gosec -quiet -exclude=G101,G104,G115,G304 $(patsubst %,-exclude-dir=%,tools internal/apptest internal/browsertest internal/mtatest internal/pgtest internal/childproc internal/e2e) ./...
	.cache/bin/staticcheck ./...
	scripts/scan-web

vulnerabilities: .cache/bin/govulncheck ## look for known vulnerabilities (asks vuln.go.dev)
	.cache/bin/govulncheck ./...
