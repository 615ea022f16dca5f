# fettle needs git, make and Go. With a C compiler the tests run with the race
# detector. What else is needed is built or installed by the targets below.

GO       ?= go
VERSION  ?= 0.1.0-dev
REVISION ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
ARGS     ?=

stamp   := github.com/prometheus/common/version
ldflags := -s -w -X $(stamp).Version=$(VERSION) -X $(stamp).Revision=$(REVISION)

# Go turns cgo off where it finds no C compiler, and the race detector needs cgo.
race = $(if $(filter 1,$(shell $(GO) env CGO_ENABLED)),-race)

# The server tests start real servers and share few cores: one package at a time.
server_flags    := -tags servers -vet=all -count=1 -p 1 -timeout 20m
server_packages  = $(shell grep -rl --include='*_test.go' '^//go:build servers' */ 2>/dev/null | xargs -r -n1 dirname | sort -u | sed 's,^,./,')
# Where the versions of etcd, Prometheus and Alertmanager are of no matter, once is enough.
once_packages    = $(filter-out ./cluster/etcd,$(filter ./cluster/% ./probe ./internal/consoletest ./internal/mongodbtest ./internal/doctest ./dashboards ./exporter ./exporter/% ./internal/hungmount ./internal/mongodbtest ./internal/service,$(server_packages)))
fault_packages   = $(shell grep -rl --include='*_test.go' '^//go:build faults' */ 2>/dev/null | xargs -r -n1 dirname | sort -u | sed 's,^,./,')
bench_packages   = $(shell grep -rl --include='*_test.go' '^func Benchmark' */ 2>/dev/null | xargs -r -n1 dirname | sort -u | sed 's,^,./,')

# Debian's servers, and the pinned ones whatever is installed.
oldest := FETTLE_PROGRAMS=path FETTLE_ETCD=/usr/bin/etcd FETTLE_PROMETHEUS=/usr/bin/prometheus FETTLE_PROMTOOL=/usr/bin/promtool FETTLE_ALERTMANAGER=/usr/bin/prometheus-alertmanager
newest := FETTLE_PROGRAMS=pinned FETTLE_ETCD= FETTLE_PROMETHEUS= FETTLE_PROMTOOL= FETTLE_ALERTMANAGER=

linter := .cache/bin/golangci-lint
nfpm   := .cache/bin/nfpm

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/fettle and bin/fettle_exporter
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '$(ldflags)' -o bin/ ./cmd/fettle ./cmd/fettle_exporter

.PHONY: man
man: build ## Write the manual pages into bin/man
	@mkdir -p bin/man
	bin/fettle man >bin/man/fettle.1
	bin/fettle_exporter --man >bin/man/fettle_exporter.8

.PHONY: demo
demo: build ## Show one whole repair of a real etcd cluster (ARGS="--keep" and so on)
	bin/fettle demo $(ARGS)

.PHONY: test
test: ## Run the tests: no root, no system package; of the real servers only etcd
	@$(if $(race),,echo "no C compiler: the tests run without the race detector")
	$(newest) $(GO) run ./tools/programs etcd
	$(newest) $(GO) test $(race) -vet=all -timeout 15m ./...
	$(GO) test -tags mutants -timeout 10m -run TestMutantsAreCaught ./sim

SEEDS      ?= 10000
SEED_START ?= 0
PROFILE    ?= mixed

.PHONY: simulate
simulate: ## Simulate the engine, seed by seed (SEEDS=N SEED_START=M PROFILE=mixed|clocks)
	$(GO) run ./sim/simulate -seeds=$(SEEDS) -start=$(SEED_START) -profile=$(PROFILE)

.PHONY: test-servers
test-servers: ## Run the tests with real servers and systemd, oldest and newest versions (root, Debian 12)
	@[ "$$(id -u)" = 0 ] || { echo "make test-servers needs root: it starts a systemd and network namespaces of its own" >&2; exit 1; }
	tools/install-servers.sh
	$(newest) $(GO) run ./tools/programs
	@echo "== the oldest supported versions"
	$(oldest) $(GO) test $(server_flags) $(filter-out $(once_packages),$(server_packages))
	@echo "== the newest versions"
	@$(newest) GO=$(GO) tools/tagged-tests.sh $(server_flags) -- $(server_packages)
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory site-links; fi
	@echo "== the release"
	@$(MAKE) --no-print-directory test-release
	@$(MAKE) --no-print-directory bench
	@$(MAKE) --no-print-directory bench-demo || echo "bench-demo: a limit was missed: see above"
	@$(MAKE) --no-print-directory bench-webhook ARGS=--short || echo "bench-webhook: a limit was missed: see above"
	@$(MAKE) --no-print-directory bench-exporter ARGS="--rounds=1 --endurance=10000" || echo "bench-exporter: a limit was missed: see above"
	@$(MAKE) --no-print-directory bench-rules ARGS=--instances=500 || echo "bench-rules: a limit was missed: see above"
	@$(MAKE) --no-print-directory bench-systems ARGS=-short || echo "bench-systems: a limit was missed: see above"

# A benchmark prints the limit that it missed; on a busy machine that says
# little, so it is for people to read and fails nothing.
.PHONY: bench
bench: ## Run each benchmark once
	@[ -z "$(bench_packages)" ] || $(newest) $(GO) test -tags servers -run '^$$' -bench . -benchtime 1x -p 1 -timeout 20m $(bench_packages) || \
		echo "bench: a limit was missed, or a benchmark failed: see above"

.PHONY: bench-demo
bench-demo: build ## Ten repairs in a row, each figure beside its limit; exits 1 on a miss
	$(newest) bin/fettle demo --cycles=10 --strict

.PHONY: bench-webhook
bench-webhook: build ## Webhook, journal and engine under load, each figure beside its limit; exits 1 on a miss
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -o .cache/webhookbench/ ./internal/webhookbench/...
	.cache/webhookbench/webhookbench $(ARGS)

.PHONY: bench-console
bench-console: ## The console's pages over a journal of a million records, each beside its limit; exits 1 on a miss
	$(GO) test -run '^$$' -bench '^BenchmarkConsole$$' -benchtime 1x -timeout 20m ./internal/consoletest -args -records=1000000

.PHONY: bench-rules
bench-rules: ## All rules over 10,000 generated instances, each group beside its limit; exits 1 on a miss
	$(GO) run ./internal/rulesbench $(ARGS)

node_exporter := .cache/bin/node_exporter

.PHONY: bench-exporter
bench-exporter: build $(node_exporter) ## fettle_exporter beside node_exporter: CPU time, memory, latency; exits 1 on a miss
	$(GO) run ./internal/exporterbench $(ARGS)

redis_exporter := .cache/bin/redis_exporter

# As root: PostgreSQL and MariaDB run as users of their own.
.PHONY: bench-systems
bench-systems: build $(redis_exporter) ## A scrape of etcd, MariaDB, PostgreSQL and Redis beside a bare client's (root); exits 1 on a miss
	tools/install-servers.sh
	CGO_ENABLED=0 $(GO) build -tags bench -trimpath -buildvcs=false -ldflags '-s -w' -o .cache/systemsbench/ ./internal/systemsbench/bareclient
	$(newest) $(GO) test -tags bench -count=1 -v -timeout 30m -run '^TestSystems$$' $(ARGS) ./internal/systemsbench

$(redis_exporter): tools/redis_exporter/go.mod tools/redis_exporter/go.sum
	cd tools/redis_exporter && CGO_ENABLED=0 GOWORK=off $(GO) build -trimpath -buildvcs=false -ldflags '-s -w' -o ../../$@ github.com/oliver006/redis_exporter

$(node_exporter): tools/node_exporter/go.mod tools/node_exporter/go.sum
	cd tools/node_exporter && CGO_ENABLED=0 GOWORK=off $(GO) build -trimpath -buildvcs=false -ldflags '-s -w' -o ../../$@ github.com/prometheus/node_exporter

# Kill -9, failed system calls, full disks. FETTLE_SCORECARD is where the figures go.
.PHONY: faults
faults: export FETTLE_SCORECARD ?= $(CURDIR)/.cache/scorecard
faults: ## Break the real program in every way of docs/faults.md (as root: full disks too)
	@command -v strace >/dev/null && command -v mkfs.ext4 >/dev/null || { apt-get -q update && apt-get -q -y install --no-install-recommends strace e2fsprogs; }
	@mkdir -p $(FETTLE_SCORECARD)
	$(GO) test -tags faults -vet=all -count=1 -p 1 -v -timeout 90m $(if $(filter 0,$(shell id -u)),,-skip '^TestDiskIsFull$$') $(fault_packages)
	@awk -F '": ' '/"row"/ {row = $$2} /"figure"/ {printf "row %s %s\n", row, $$2}' $(FETTLE_SCORECARD)/*.json

FUZZTIME ?= 10m

.PHONY: fuzz
fuzz: export FETTLE_SCORECARD ?= $(CURDIR)/.cache/scorecard
fuzz: ## Run every fuzzer for FUZZTIME (10m)
	@mkdir -p $(FETTLE_SCORECARD)
	@grep -ro '^func Fuzz[A-Za-z0-9]*' --include='*_test.go' --exclude-dir=.cache . | sed 's/func //' | sort | while IFS=: read -r file name; do \
		echo "== $$name in $$(dirname $$file)"; $(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x ./$$(dirname $$file) || exit 1; done >.cache/fuzz.log 2>&1 || { cat .cache/fuzz.log; exit 1; }
	$(GO) test -count=1 -v -run '^TestFuzzed$$' ./internal/scorecard -args -fuzz-log $(CURDIR)/.cache/fuzz.log

.PHONY: soak
soak: export FETTLE_SCORECARD ?= $(CURDIR)/.cache/scorecard
soak: ## Let it repair for 20 minutes, and tell how its memory grows
	@mkdir -p $(FETTLE_SCORECARD)
	$(GO) test -tags faults -count=1 -v -timeout 30m -run '^TestSoak$$' ./internal/faults -args -soak 20m

.PHONY: scorecard
scorecard: ## Measure everything in docs/scorecard.md again, and write it
	FETTLE_SCORECARD=$(CURDIR)/internal/scorecard/figures $(MAKE) test test-servers simulate fuzz bench-webhook faults soak
	$(GO) test -count=1 ./internal/scorecard -update -complete

.PHONY: lint
lint: $(linter) ## Run the linters, and vet the exporter for the other platforms
	$(linter) run
	@for os in darwin freebsd windows; do GOOS=$$os CGO_ENABLED=0 $(GO) vet ./exporter/... ./cmd/fettle_exporter || { echo "lint: go vet for $$os" >&2; exit 1; }; done

$(linter): tools/golangci-lint/go.mod tools/golangci-lint/go.sum
	cd tools/golangci-lint && CGO_ENABLED=0 GOWORK=off $(GO) build -trimpath -buildvcs=false -ldflags '-s -w' -o ../../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

# Everything in it has the time of the commit: two builds give the same bytes.
.PHONY: dist
dist: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
dist: $(nfpm) ## Make a release in dist/: archives, deb, rpm, SBOM, checksums (VERSION=1.2.3)
	$(GO) run ./tools/dist -version=$(VERSION) -revision=$(REVISION) -nfpm=$(CURDIR)/$(nfpm) $(ARGS)

$(nfpm): tools/nfpm/go.mod tools/nfpm/go.sum
	cd tools/nfpm && CGO_ENABLED=0 GOWORK=off $(GO) build -trimpath -buildvcs=false -ldflags '-s -w' -o ../../$@ github.com/goreleaser/nfpm/v2/cmd/nfpm

# With the newest versions of the servers: the oldest ones are for test-servers.
.PHONY: test-release
test-release: $(nfpm) ## Make the release twice and compare it, install it in a clean Debian, and repair a first cluster (root)
	@[ "$$(id -u)" = 0 ] || { echo "make test-release needs root: it starts a systemd of its own" >&2; exit 1; }
	tools/install-servers.sh
	$(newest) $(GO) test -tags release -vet=all -count=1 -p 1 -timeout 30m ./tools/dist ./deploy ./internal/installtest

.PHONY: dashboards
dashboards: ## Make the Grafana dashboards anew, with the thresholds of the rules (needs the module proxy once)
	cd dashboards/generate && GOWORK=off $(GO) run .

hugo := .cache/bin/hugo

.PHONY: site
site: $(hugo) ## Build the documentation's site into .cache/site
	@rm -rf .cache/site
	@$(hugo) --logLevel warn --panicOnWarning --noBuildLock --source tools/hugo/site --destination $(CURDIR)/.cache/site

$(hugo): tools/hugo/go.mod tools/hugo/go.sum
	cd tools/hugo && CGO_ENABLED=0 GOWORK=off $(GO) build -trimpath -buildvcs=false -ldflags '-s -w' -o ../../$@ github.com/gohugoio/hugo

# A Go test follows them too; this one is somebody else's eyes, where npm is there.
.PHONY: site-links
site-links: site ## Follow every link of the site, with fragments (npm)
	@mkdir -p .cache/linkinator && cp tools/linkinator/package.json tools/linkinator/package-lock.json .cache/linkinator/
	@cd .cache/linkinator && npm ci --ignore-scripts --no-audit --no-fund --silent
	.cache/linkinator/node_modules/.bin/linkinator .cache/site --recurse --check-fragments --verbosity error --skip '^https?://(?!localhost)'

.PHONY: clean
clean: ## Remove what was built, the pinned programs too
	rm -rf bin dist .cache
