# What the analysis is tested against: the real servers, and Grafana's types.

BACKENDS := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))

# Prometheus, Loki and Jaeger are built from the Go module proxy because
# container images can't be pulled everywhere. Each has a go.mod of its own:
# their dependencies are none of this project's business. A server is built when
# it is missing or its go.mod has changed.
SERVERS_DIR := .cache/servers
SERVERS := $(addprefix $(SERVERS_DIR)/,prometheus loki jaeger)

# Leaves out the clouds' service discovery: nothing here is discovered.
$(SERVERS_DIR)/prometheus: SERVER_FLAGS := -tags netgo,remove_all_sd

.PHONY: servers
servers: $(SERVERS) ## build Prometheus, Loki and Jaeger into .cache/servers

$(SERVERS): $(SERVERS_DIR)/%: $(BACKENDS)/servers/%/go.mod $(BACKENDS)/servers/%/go.sum | go
	@mkdir -p $(@D)
	$(GO) build -C $(BACKENDS)/servers/$* $(SERVER_FLAGS) -trimpath -buildvcs=false -ldflags='-s -w' -o $(abspath $@) tool

# npm writes this file last.
GRAFANA_TYPES := $(BACKENDS)/grafana/node_modules/.package-lock.json

.PHONY: test-dashboards
test-dashboards: $(GRAFANA_TYPES) ## hold the dashboards to Grafana's own types
	node --test $(BACKENDS)/grafana/check.test.mjs

$(GRAFANA_TYPES): $(addprefix $(BACKENDS)/grafana/,package.json package-lock.json)
	@scripts/setup.sh node npm
	npm --prefix $(BACKENDS)/grafana ci --no-audit --no-fund
