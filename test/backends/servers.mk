# The real servers that day files can be imported into, for trying by hand:
# no test starts them. They are built from the Go module proxy because container
# images can't be pulled everywhere. Each has a go.mod of its own: their
# dependencies are none of this project's business. A server is built when it is
# missing or its go.mod has changed.

SERVERS_SRC := $(dir $(lastword $(MAKEFILE_LIST)))servers
SERVERS_DIR := .cache/servers
SERVERS := $(addprefix $(SERVERS_DIR)/,prometheus loki jaeger)

# Leaves out the clouds' service discovery: nothing here is discovered.
$(SERVERS_DIR)/prometheus: SERVER_FLAGS := -tags netgo,remove_all_sd

.PHONY: servers
servers: $(SERVERS) ## build Prometheus, Loki and Jaeger into .cache/servers, to try things by hand

$(SERVERS): $(SERVERS_DIR)/%: $(SERVERS_SRC)/%/go.mod $(SERVERS_SRC)/%/go.sum | go
	@mkdir -p $(@D)
	$(GO) build -C $(SERVERS_SRC)/$* $(SERVER_FLAGS) -trimpath -buildvcs=false -ldflags='-s -w' -o $(abspath $@) tool
