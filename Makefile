# steelyard. `make help` lists the targets. run and test need nothing but Go.

GO ?= go
PACKAGES_WITH_GOROUTINES = ./balancer/... ./health/... ./metrics/... ./proxy/... ./bench/backend ./bench/load ./cmd/...

.PHONY: help run test check race e2e fuzz bench-proxy pgo build lint

help: ## list the targets
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

run: ## a gateway in front of three simulated servers, with a gentle load and a live table
	$(GO) run ./cmd/steelyard demo

test: ## all tests
	$(GO) test ./...

check: ## format, vet on Linux and macOS, the rules of the house, all tests
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "run gofmt -w on:"; echo "$$unformatted"; exit 1; }
	$(GO) vet ./...
	GOOS=darwin $(GO) vet ./...
	$(MAKE) test

race: ## the race detector over the packages with goroutines
	$(GO) test -race $(PACKAGES_WITH_GOROUTINES)

e2e: ## the real binary: the OpenAI SDK (needs Node), kills, reloads, shutdowns
	E2E=1 $(GO) test -count=1 -v ./bench/e2e

fuzz: ## each fuzz target for ten seconds
	@for p in $$($(GO) list ./...); do for t in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
		echo "$$p $$t"; $(GO) test -run xxx -fuzz "^$$t$$" -fuzztime 10s -fuzzminimizetime 5x $$p || exit 1; done; done

bench-proxy: ## cost beside nginx and HAProxy on pinned cores (installs them on Debian, as root)
	$(GO) run ./bench/overhead

pgo: ## renew the profile that the compiler optimises by
	$(GO) test -run xxx -bench 'Exchange|Chunk' -benchtime 4s -o /tmp/steelyard-pgo.test -cpuprofile cmd/steelyard/default.pgo ./proxy

build: ## a static binary in bin/steelyard
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/steelyard ./cmd/steelyard

lint: ## golangci-lint, if it is installed
	@command -v golangci-lint >/dev/null || { echo "golangci-lint is not installed: see https://golangci-lint.run"; exit 1; }
	golangci-lint run
