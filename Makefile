# steelyard. `make` lists the targets; run and test need nothing but Go.

GO ?= go
SOURCES = balancer bench cmd configs health metrics proxy
# By the profile of cmd/steelyard all packages, those of Go too, would be compiled a second and a third time for its tests
# (1105 compilations instead of 464); and nobody looks at a test's binary with a debugger. The programs that tests build
# are built so too. `make check` vets all by itself, and with more analyzers than go test does.
FOR_TESTS = GOFLAGS="$$GOFLAGS -pgo=off -ldflags=-w" $(GO)
TESTS = $(FOR_TESTS) test -vet=off
# Not metrics/anomaly, autoscale itself, forecast and window: hours of virtual time in one goroutine. What takes their locks is cmd/steelyard/app.
WITH_GOROUTINES = ./balancer/... ./health/... ./metrics ./metrics/advice ./metrics/alert ./metrics/autoscale/command ./metrics/autoscale/docker ./metrics/autoscale/keda \
	./metrics/autoscale/kubernetes ./metrics/autoscale/process/... ./metrics/autoscale/webhook ./metrics/event ./metrics/history \
	./metrics/notify/... ./metrics/program ./metrics/recovery ./metrics/usage ./proxy/... ./cmd/... ./bench/alarm ./bench/backend ./bench/load
VERSION ?=

.PHONY: help run test check race e2e e2e-keda e2e-helm e2e-cluster fuzz bench-proxy bench-policies bench-hardship soak pgo build lint

help: ## list the targets
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

run: build ## a gateway in front of three simulated servers, with a gentle load and a live table
	bin/steelyard demo

# bench/conformance builds the program. Beside the other tests it would compile most packages once more, at the same time
# as go test does, so they are compiled before.
test: ## all tests that need nothing but Go
	@$(FOR_TESTS) list -export -deps ./cmd/steelyard >/dev/null
	$(TESTS) ./...

check: ## format, vet for Linux and macOS, the rules of the house, then test
	@unformatted=$$(gofmt -l $(SOURCES)); test -z "$$unformatted" || { echo "not formatted, run gofmt -w on:"; echo "$$unformatted"; exit 1; }
	$(GO) vet ./...
	GOOS=darwin $(GO) vet ./...
	$(TESTS) -count=1 ./bench/house
	$(MAKE) --no-print-directory test

race: ## the race detector over the packages with goroutines, without what takes long in virtual time (needs a C compiler)
	$(TESTS) -race -short $(WITH_GOROUTINES)

e2e: ## the real program: the OpenAI SDK (needs Node), kills, reloads, shutdowns, the commands of all pages; and what takes long
	E2E=1 $(GO) test -count=1 -p 1 -v ./bench/e2e ./bench/week ./metrics/autoscale/docker ./metrics/usage

e2e-cluster: ## a real control plane of Kubernetes (Linux, as root; the first time it is built, half an hour of CPU)
	$(GO) test -tags cluster -count=1 -timeout 90m -v ./bench/e2e/cluster

e2e-keda: ## KEDA's own client speaks to the real program (fetches KEDA's module, which is no part of ours)
	cd bench/e2e/keda && $(GO) test -count=1 -timeout 600s -v .

e2e-helm: ## Helm itself renders the chart (builds Helm, some minutes)
	cd bench/e2e/helm && $(GO) test -count=1 -timeout 1200s -v .

fuzz: ## each fuzz target for ten seconds
	@for p in $$($(GO) list ./...); do for t in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
		echo "$$p $$t"; $(GO) test -run '^$$' -fuzz "^$$t$$" -fuzztime 10s -fuzzminimizetime 5x $$p || exit 1; done; done

bench-proxy: ## cost beside nginx and HAProxy on pinned cores, ratios in one run (installs both on Debian, as root)
	$(GO) run ./bench/overhead

bench-policies: ## cost of every policy beside that of `capacity`, on pinned cores, ratios in one run
	$(GO) run ./bench/overhead -only policies

bench-hardship: ## bad days beside nginx and HAProxy, what each did and what is right (installs both on Debian, as root)
	$(GO) run ./bench/hardship

soak: build ## random faults for ten minutes (FOR=1m: shorter): nothing may grow
	bin/steelyard bench soak --for $(or $(FOR),10m) --seed $(or $(SEED),1)

pgo: ## renew the profile that the compiler optimises by
	$(GO) test -run '^$$' -bench 'Exchange|Chunk' -benchtime 4s -o /tmp/steelyard-pgo.test -cpuprofile cmd/steelyard/default.pgo ./proxy

build: ## a static program, bin/steelyard; VERSION=1.2.3 names it
	CGO_ENABLED=0 $(GO) build -trimpath $(if $(VERSION),-ldflags '-X main.buildVersion=$(VERSION)') -o bin/steelyard ./cmd/steelyard

lint: ## golangci-lint, where it is installed
	@command -v golangci-lint >/dev/null || { echo "golangci-lint is not installed; to get it:"; \
		echo "  $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@latest"; exit 1; }
	golangci-lint run
