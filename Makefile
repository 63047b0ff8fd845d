# `make help` lists the targets. A fresh machine needs Go, make and git. Other
# tools are installed if they are missing (scripts/setup.sh), or built from the
# versions pinned in tools/.

# A go.work outside this repository must not change what is built.
export GOWORK := off

GO            ?= go
BUILDER       := $(GO) tool -modfile=tools/builder/go.mod builder
GOLANGCI_LINT := $(GO) tool -modfile=tools/golangci-lint/go.mod golangci-lint

NAME      := otelcol-saberloop
PLATFORMS := linux/arm64 darwin/arm64 windows/amd64
FUZZTIME  ?= 60s
SOAK      ?= 10m
ATTACKS   ?= short

# The version is in builder-config.yaml. In a git checkout the commit is added.
COMMIT  := $(shell git describe --always --dirty --abbrev=12 --exclude='*' 2>/dev/null)
VERSION := $(shell sed -n 's/^  version: *//p' builder-config.yaml)$(COMMIT:%=+%)

# The Builder generates go.mod from its configuration and the imports of these.
IMPORTS := go.mod $(shell find connector exporter internal processor receiver -name '*.go' ! -name '*_test.go' 2>/dev/null)

# Go compiles only what has changed.
COMPILE := CGO_ENABLED=0 $(GO) build -C _build -trimpath -buildvcs=false -ldflags='-s -w'

.DELETE_ON_ERROR:
# Parallel targets would compile the same packages twice.
.NOTPARALLEL:
.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##### the distribution

.PHONY: build
build: _build/main.go ## build _build/otelcol-saberloop
	@$(COMPILE) -o $(NAME) .

.PHONY: run
run: build ## start the collector, and print a curl command to try it
	@scripts/setup.sh curl
	@exec scripts/run.sh

.PHONY: cross
cross: _build/main.go ## build the collector for the other platforms
	@for platform in $(PLATFORMS); do \
		os=$${platform%/*} arch=$${platform#*/}; \
		case $$os in windows) suffix=.exe ;; *) suffix= ;; esac; \
		echo "_build/$(NAME)_$${os}_$$arch$$suffix"; \
		GOOS=$$os GOARCH=$$arch $(COMPILE) -o "$(NAME)_$${os}_$$arch$$suffix" . || exit 1; \
	done

_build/main.go: builder-config.yaml tools/builder/go.mod _build/version $(IMPORTS) | go
	@echo "Generating the sources of $(NAME) $(VERSION)"
	@env 'dist.version=$(VERSION)' $(BUILDER) --config=builder-config.yaml \
		--skip-strict-versioning=false --skip-compilation 2>_build/builder.log || { cat _build/builder.log >&2; exit 1; }

# This file changes only when the version does.
_build/version: FORCE
	@mkdir -p _build
	@echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' >$@

.PHONY: go
go:
	@command -v $(GO) >/dev/null || { echo 'Go 1.26 or later is needed: https://go.dev/dl/' >&2; exit 1; }

FORCE:

##### tests

.PHONY: test
test: vet test-unit test-e2e test-client ## run go vet, the unit tests and the end-to-end tests

.PHONY: vet
vet:
	$(GO) vet ./...

.PHONY: test-unit
test-unit: ## run the tests that need no binary
	@scripts/setup.sh gcc
	CGO_ENABLED=1 $(GO) test -race $$($(GO) list ./... | grep -v /test/)

.PHONY: test-e2e
test-e2e: build ## run the tests against the real binary
	@scripts/setup.sh gcc chromium
	CGO_ENABLED=1 $(GO) test -race -count=1 ./test/config/... ./test/e2e/... ./test/harness/...

.PHONY: test-client
test-client: client/node_modules ## check the browser client: lint, types, unit tests, sizes, package
	@cd client && npm run --silent lint && npm run --silent build && npm test --silent && npm run --silent test:package

# Its example app has an installation of its own, as an app would.
.PHONY: test-client-e2e
test-client-e2e: build client/node_modules client/examples/vite-app/node_modules ## run the browser client in Chromium against the real binary
	@scripts/setup.sh chromium
	@cd client && npm run --silent test:e2e
	@cd client/examples/vite-app && npm run --silent check

%/node_modules: %/package-lock.json
	@scripts/setup.sh node npm
	@cd $* && npm ci --silent --no-progress
	@touch $@

# The mounts are in a namespace of their own, which ends with the tests. SEED
# repeats the random faults of an earlier run. Syncs are scheduled differently on
# one core, which is what most servers have.
ON_ONE_CORE := TestFullDisk|TestFailingDisk|TestFiles|TestKill$$|TestPowerCut|TestShutdown$$|TestReload|TestSoak
.PHONY: test-faults
test-faults: build ## kills, power cuts, full disks, and random faults for SOAK (10m) (Linux, root)
	@scripts/setup.sh unshare mount losetup mkfs.ext4 e2fsck
	unshare --mount --propagation=private env SOAK=$(SOAK) \
		$(GO) test -count=1 -timeout=60m -v ./test/faults/...
	unshare --mount --propagation=private env SOAK=30s GOMAXPROCS=1 \
		$(GO) test -count=1 -timeout=10m -run='$(ON_ONE_CORE)' ./test/faults/
	$(GO) test -count=1 -run='TestNothingIsLost|TestEveryLineOnceWhateverHappens' \
		./internal/dayfile/store ./internal/dayfile/reader -rapid.checks=1000

# ATTACKS=long lasts minutes instead of seconds per test.
.PHONY: test-attacks
test-attacks: build ## attack the collector on one core with 256 MB, ATTACKS=long for minutes (Linux, root)
	@scripts/setup.sh unshare mount taskset nginx
	unshare --mount --propagation=private env ATTACKS=$(ATTACKS) \
		$(GO) test -count=1 -timeout=60m -v ./test/attacks/...

# Without the race detector: it finds no races in other processes, and comparing
# 300,000 entries would take three times as long.
.PHONY: test-backends
test-backends: build servers test-dashboards ## import a month into Loki, Prometheus and Jaeger, and compare their answers
	@scripts/setup.sh ssh sshd
	$(GO) test -count=1 -timeout=60m -v ./test/backends/...

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (60s)
	@scripts/fuzz.sh $(FUZZTIME)

##### looking at the data (analysis/README.md)

.PHONY: demo-data
demo-data: | go ## write a month of generated day files into demo-data/
	$(GO) run ./cmd/demodata -directory demo-data

include test/backends/servers.mk

##### checks of the sources

.PHONY: lint
lint: ## run the linters for Go code and shell scripts
	$(GOLANGCI_LINT) run
	@scripts/setup.sh shellcheck
	shellcheck .ci/run scripts/*.sh

.PHONY: fmt
fmt: ## format the Go code
	$(GOLANGCI_LINT) fmt

.PHONY: fmt-check
fmt-check: ## fail if fmt would change something, and show it
	$(GOLANGCI_LINT) fmt --diff

.PHONY: tidy-check
tidy-check: ## fail if go mod tidy would change something, and show it
	@for dir in . tools/*/; do echo "$(GO) -C $$dir mod tidy -diff"; $(GO) -C "$$dir" mod tidy -diff || exit 1; done

.PHONY: clean
clean: ## remove what was built, but not day files and the token
	rm -rf _build
