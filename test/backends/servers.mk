# The real servers that `make test-backends` fills, built from the Go module
# proxy because container images can't be pulled everywhere. Each has a go.mod
# of its own: their dependencies are none of this project's business. A server
# is built when it is missing or its go.mod has changed; all three cold take
# about 15 minutes on two cores.

SERVERS_SRC := $(dir $(lastword $(MAKEFILE_LIST)))servers
SERVERS_DIR := .cache/servers
SERVERS := $(addprefix $(SERVERS_DIR)/,prometheus loki jaeger)

# Leaves out the clouds' service discovery: nothing here is discovered.
$(SERVERS_DIR)/prometheus: SERVER_FLAGS := -tags netgo,remove_all_sd

.PHONY: servers
servers: $(SERVERS)

$(SERVERS): $(SERVERS_DIR)/%: $(SERVERS_SRC)/%/go.mod $(SERVERS_SRC)/%/go.sum
	@mkdir -p $(@D)
	go build -C $(SERVERS_SRC)/$* $(SERVER_FLAGS) -trimpath -buildvcs=false -ldflags='-s -w' -o $(abspath $@) tool
