// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	otelpipeline "go.opentelemetry.io/collector/pipeline"
	"go.opentelemetry.io/collector/receiver/receivertest"
)

// writer appends lines to a file that the receiver follows.
type writer struct {
	t    *testing.T
	dir  string
	file string
	// line is a format for the name and the value of an attribute.
	line string

	mu sync.Mutex
	n  int
}

func (w *writer) Start() {}

// Stop empties the file for the next scenario, whose receiver reads it from the
// beginning.
func (w *writer) Stop() { put(w.t, w.dir, w.file, "") }

func (w *writer) Generate() []receivertest.UniqueIDAttrVal {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n++
	id := receivertest.UniqueIDAttrVal(strconv.Itoa(w.n))
	extend(w.t, w.dir, w.file, fmt.Sprintf(w.line+"\n", receivertest.UniqueIDAttrName, id))
	return []receivertest.UniqueIDAttrVal{id}
}

func TestConsumeContract(t *testing.T) {
	t.Parallel()
	for signal, line := range map[otelpipeline.Signal]string{
		otelpipeline.SignalLogs:    `{"context":{%q:%q},"received_at":"2025-12-22T10:00:05Z"}`,
		otelpipeline.SignalTraces:  `{"attributes":{%q:%q},"received_at":"2025-12-22T10:00:05Z"}`,
		otelpipeline.SignalMetrics: `{"labels":{%q:%q},"received_at":"2025-12-22T10:00:05Z"}`,
	} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			cfg := createDefaultConfig().(*Config)
			cfg.Directory = t.TempDir()
			cfg.PollInterval = time.Millisecond
			cfg.MaxBatchLines = 3
			cfg.RetryConfig = retryConfig(time.Millisecond, time.Millisecond)
			file := filepath.Join(signal.String(), "2025-12-22.jsonl")
			put(t, cfg.Directory, file, "")
			receivertest.CheckConsumeContract(receivertest.CheckConsumeContractParams{
				T:             t,
				Factory:       NewFactory(),
				Signal:        signal,
				Config:        cfg,
				Generator:     &writer{t: t, dir: cfg.Directory, file: file, line: line},
				GenerateCount: 100,
			})
		})
	}
}
