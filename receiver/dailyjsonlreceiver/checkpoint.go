// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dailyjsonlreceiver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"

	"github.com/saberloop/otelcol-saberloop/internal/dayfile"
	"github.com/saberloop/otelcol-saberloop/internal/dayfile/reader"
)

// checkpoint is how far a day of a signal was replayed.
//
// Invariant: every line before Position was accepted by the pipeline, or is a
// bad line that was logged, or lies in Refused.
type checkpoint struct {
	reader.Position
	// Files is the version of the day's files that were read to their end. It is
	// empty if there is none.
	Files string `json:"files,omitempty"`
	// Refused are the lines that the pipeline refused for good. They are sent
	// again when the receiver starts.
	Refused []span `json:"refused,omitempty"`
}

// span is a range of consecutive lines of a day.
type span struct {
	From reader.Position `json:"from"`
	// To is the offset of its end.
	To int64 `json:"to"`
}

// maxSpans bounds the size of a checkpoint.
const maxSpans = 64

// refuse adds lines that were refused. Beyond maxSpans it extends the last span,
// also over lines that were accepted: sending them twice is better than losing
// the refused ones.
func (c *checkpoint) refuse(s span) {
	if n := len(c.Refused); n > 0 && (c.Refused[n-1].To == s.From.Offset || n >= maxSpans) {
		c.Refused[n-1].To = s.To
		return
	}
	c.Refused = append(c.Refused, s)
}

func (c *checkpoint) encode() ([]byte, error) { return json.Marshal(c) }

// errBadCheckpoint is returned for a stored checkpoint that is not valid.
var errBadCheckpoint = errors.New("checkpoint is not valid")

// decodeCheckpoint reads the output of encode.
func decodeCheckpoint(data []byte) (checkpoint, error) {
	var c checkpoint
	if err := json.Unmarshal(data, &c); err != nil {
		return checkpoint{}, fmt.Errorf("%w: %w", errBadCheckpoint, err)
	}
	if !c.Valid() {
		return checkpoint{}, errBadCheckpoint
	}
	end := int64(0)
	for _, s := range c.Refused {
		if !s.From.Valid() || s.From.Offset < end || s.To <= s.From.Offset || s.To > c.Offset {
			return checkpoint{}, errBadCheckpoint
		}
		end = s.To
	}
	return c, nil
}

// checkpoints stores one checkpoint of a few hundred bytes per signal and day.
// They are never deleted: a day that is downloaded again is not sent again.
type checkpoints struct{ client storage.Client }

// openCheckpoints opens the storage extension, if one is configured.
func openCheckpoints(ctx context.Context, host component.Host, id *component.ID, receiver component.ID) (*checkpoints, error) {
	if id == nil {
		return &checkpoints{client: storage.NewNopClient()}, nil
	}
	extension, ok := host.GetExtensions()[*id]
	if !ok {
		return nil, fmt.Errorf("storage: there is no extension %q", id)
	}
	store, ok := extension.(storage.Extension)
	if !ok {
		return nil, fmt.Errorf("storage: %q is not a storage extension", id)
	}
	client, err := store.GetClient(ctx, component.KindReceiver, receiver, "")
	if err != nil {
		return nil, fmt.Errorf("storage: open %q: %w", id, err)
	}
	return &checkpoints{client: client}, nil
}

func checkpointKey(signal dayfile.Signal, day dayfile.Day) string {
	return string(signal) + "/" + day.String()
}

// load returns the checkpoint of a day. It is zero if none is stored.
func (c *checkpoints) load(ctx context.Context, signal dayfile.Signal, day dayfile.Day) (checkpoint, error) {
	data, err := c.client.Get(ctx, checkpointKey(signal, day))
	if err != nil {
		return checkpoint{}, fmt.Errorf("load position: %w", err)
	}
	if data == nil {
		return checkpoint{}, nil
	}
	return decodeCheckpoint(data)
}

func (c *checkpoints) save(ctx context.Context, signal dayfile.Signal, day dayfile.Day, point *checkpoint) error {
	data, err := point.encode()
	if err == nil {
		err = c.client.Set(ctx, checkpointKey(signal, day), data)
	}
	if err != nil {
		return fmt.Errorf("save position: %w", err)
	}
	return nil
}

func (c *checkpoints) close(ctx context.Context) error {
	if err := c.client.Close(ctx); err != nil {
		return fmt.Errorf("close storage: %w", err)
	}
	return nil
}
