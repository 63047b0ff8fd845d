# `make help` lists what there is. A fresh machine needs Go, make and git: the
# other tools are installed where they are missing (scripts/setup.sh), or are
# built from the versions pinned in tools/.

# Nothing outside this repository says which modules are built.
export GOWORK := off

GO            ?= go
BUILDER       := $(GO) tool -modfile=tools/builder/go.mod builder
GOLANGCI_LINT := $(GO) tool -modfile=tools/golangci-lint/go.mod golangci-lint

NAME      := otelcol-saberloop
PLATFORMS := linux/arm64 darwin/arm64 windows/amd64
FUZZTIME  ?= 60s
SOAK      ?= 10m

# builder-config.yaml owns the version; the commit is added where there is one.
COMMIT  := $(shell git describe --always --dirty --abbrev=12 --exclude='*' 2>/dev/null)
VERSION := $(shell sed -n 's/^  version: *//p' builder-config.yaml)$(COMMIT:%=+%)

# What the generated go.mod follows from, beside the Builder's configuration.
IMPORTS := go.mod $(shell find connector exporter internal receiver -name '*.go' ! -name '*_test.go' 2>/dev/null)

# Go decides what has to be compiled again; nothing is where nothing changed.
COMPILE := CGO_ENABLED=0 $(GO) build -C _build -trimpath -buildvcs=false -ldflags='-s -w'

.DELETE_ON_ERROR:
# Two at a time would compile the same packages twice.
.NOTPARALLEL:
.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##### the distribution

.PHONY: build
build: _build/main.go ## build _build/otelcol-saberloop
	@$(COMPILE) -o $(NAME) .

.PHONY: run
run: build ## start the collector here, with a curl line to try it
	@scripts/setup.sh curl
	@exec scripts/run.sh

.PHONY: cross
cross: _build/main.go ## build it for the other platforms, from the same sources
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

# Changes when the version does, and no sooner.
_build/version: FORCE
	@mkdir -p _build
	@echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' >$@

.PHONY: go
go:
	@command -v $(GO) >/dev/null || { echo 'Go 1.26 or later is needed: https://go.dev/dl/' >&2; exit 1; }

FORCE:

##### tests

.PHONY: test
test: vet test-unit test-e2e ## run every test there is, the end-to-end ones against the real binary

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

# Mounts are made where nobody else sees them, and are gone with the tests.
.PHONY: test-faults
test-faults: build ## damage the collector for SOAK (10m): kills, power cuts, full disks (Linux, root)
	@scripts/setup.sh unshare mount losetup mkfs.ext4 e2fsck
	unshare --mount --propagation=private env SOAK=$(SOAK) \
		$(GO) test -count=1 -timeout=60m -v ./test/faults/...

# Without the race detector: it would take thrice as long to compare a third of
# a million entries, and find no races in other processes.
.PHONY: test-backends
test-backends: build servers test-dashboards ## import a month into the real servers, and compare what they answer
	@scripts/setup.sh ssh sshd
	$(GO) test -count=1 -timeout=60m -v ./test/backends/...

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (60s)
	@scripts/fuzz.sh $(FUZZTIME)

##### looking at the data (analysis/README.md)

.PHONY: demo-data
demo-data: | go ## write a made-up month of day files into demo-data/
	$(GO) run ./cmd/demodata -directory demo-data

include test/backends/servers.mk

##### what reviewers should not have to say

.PHONY: lint
lint: ## look for mistakes: Go code, shell scripts
	$(GOLANGCI_LINT) run
	@scripts/setup.sh shellcheck
	shellcheck .ci/run scripts/*.sh

.PHONY: fmt
fmt: ## format the Go code
	$(GOLANGCI_LINT) fmt

.PHONY: fmt-check
fmt-check: ## show what fmt would change, and fail if there is something
	$(GOLANGCI_LINT) fmt --diff

.PHONY: tidy-check
tidy-check: ## show what `go mod tidy` would change, and fail if there is something
	@for dir in . tools/*/; do echo "$(GO) -C $$dir mod tidy -diff"; $(GO) -C "$$dir" mod tidy -diff || exit 1; done

.PHONY: clean
clean: ## remove what was built; day files and token stay
	rm -rf _build
