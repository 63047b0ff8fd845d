# The servers and types that the analysis is tested with.

BACKENDS := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))

# Prometheus, Loki and Jaeger are built from source: container images can't be
# pulled everywhere. Each has its own go.mod, apart from this project's
# dependencies. A server is built if it is missing or its go.mod has changed.
SERVERS_DIR := .cache/servers
SERVERS := $(addprefix $(SERVERS_DIR)/,prometheus loki jaeger)

# Without service discovery, which is most of the build.
PROMETHEUS_FLAGS := -tags netgo,remove_all_sd
$(SERVERS_DIR)/prometheus: SERVER_FLAGS := $(PROMETHEUS_FLAGS)
$(SERVERS_DIR)/prometheus: SERVER_PACKAGE := github.com/prometheus/prometheus/cmd/prometheus

.PHONY: servers
servers: $(SERVERS) $(SERVERS_DIR)/promtool ## build Prometheus, Loki and Jaeger into .cache/servers

$(SERVERS): $(SERVERS_DIR)/%: $(BACKENDS)/servers/%/go.mod $(BACKENDS)/servers/%/go.sum | go
	@mkdir -p $(@D)
	$(GO) build -C $(BACKENDS)/servers/$* $(SERVER_FLAGS) -trimpath -buildvcs=false -ldflags='-s -w' -o $(abspath $@) $(or $(SERVER_PACKAGE),tool)

# It shares most of the build with prometheus.
$(SERVERS_DIR)/promtool: $(addprefix $(BACKENDS)/servers/prometheus/,go.mod go.sum) | go
	@mkdir -p $(@D)
	$(GO) build -C $(BACKENDS)/servers/prometheus $(PROMETHEUS_FLAGS) -trimpath -buildvcs=false -ldflags='-s -w' -o $(abspath $@) github.com/prometheus/prometheus/cmd/promtool

# npm writes this file when the installation is complete.
GRAFANA_TYPES := $(BACKENDS)/grafana/node_modules/.package-lock.json

.PHONY: test-dashboards
test-dashboards: $(GRAFANA_TYPES) ## check the dashboards with Grafana's own types
	node --test $(BACKENDS)/grafana/check.test.mjs

$(GRAFANA_TYPES): $(addprefix $(BACKENDS)/grafana/,package.json package-lock.json)
	@scripts/setup.sh node npm
	npm --prefix $(BACKENDS)/grafana ci --no-audit --no-fund
