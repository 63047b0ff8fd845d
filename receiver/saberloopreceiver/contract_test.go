// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/config/confignet"
	"go.opentelemetry.io/collector/pipeline"
	"go.opentelemetry.io/collector/receiver/receivertest"
)

// browser generates batches like a client that retries after a 503.
type browser struct {
	t      *testing.T
	socket string
	// entry is the format of a batch with one entry and its id.
	entry string

	endpoint endpoint
	ids      atomic.Int64
}

func (b *browser) Start() {
	b.endpoint = endpoint{address: "socket", client: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", b.socket)
		},
	}}}
}

func (b *browser) Stop() { b.endpoint.client.CloseIdleConnections() }

func (b *browser) Generate() []receivertest.UniqueIDAttrVal {
	id := receivertest.UniqueIDAttrVal(strconv.FormatInt(b.ids.Add(1), 10))
	batch := fmt.Sprintf(b.entry, receivertest.UniqueIDAttrName, id)
	for {
		got := b.endpoint.do(b.t, request{body: strings.NewReader(batch)})
		if got.status != http.StatusServiceUnavailable {
			assert.Contains(b.t, []int{http.StatusOK, http.StatusInternalServerError}, got.status, got.body)
			return []receivertest.UniqueIDAttrVal{id}
		}
	}
}

func TestConsumeContract(t *testing.T) {
	t.Parallel()
	for signal, entry := range map[pipeline.Signal]string{
		pipeline.SignalLogs:    `{"logs":[{"context":{%q:%q}}]}`,
		pipeline.SignalTraces:  `{"traces":[{"attributes":{%q:%q}}]}`,
		pipeline.SignalMetrics: `{"metrics":[{"labels":{%q:%q}}]}`,
	} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			cfg := testConfig()
			cfg.ServerConfig.NetAddr = confignet.AddrConfig{
				Endpoint:  filepath.Join(t.TempDir(), "socket"),
				Transport: confignet.TransportTypeUnix,
			}
			receivertest.CheckConsumeContract(receivertest.CheckConsumeContractParams{
				T:             t,
				Factory:       NewFactory(),
				Signal:        signal,
				Config:        cfg,
				Generator:     &browser{t: t, socket: cfg.ServerConfig.NetAddr.Endpoint, entry: entry},
				GenerateCount: 200,
			})
		})
	}
}
