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

// checkpoint is how far a day of a signal was delivered.
//
// Invariant: every line before Position was taken by the pipeline, or is a bad
// line that was reported, or lies in Refused.
type checkpoint struct {
	reader.Position
	// Files is the version of the day's files that were read to their end,
	// empty where they were not.
	Files string `json:"files,omitempty"`
	// Refused are the lines that the pipeline refused for good. They are
	// handed to it again when the receiver starts.
	Refused []span `json:"refused,omitempty"`
}

// span is consecutive lines of a day.
type span struct {
	From reader.Position `json:"from"`
	// To is the offset of their end.
	To int64 `json:"to"`
}

// maxSpans bounds how large a checkpoint gets.
const maxSpans = 64

// refuse notes lines that were refused. Where there are too many spans to
// remember, the last one grows over lines that were taken: better twice than
// never.
func (c *checkpoint) refuse(s span) {
	if n := len(c.Refused); n > 0 && (c.Refused[n-1].To == s.From.Offset || n >= maxSpans) {
		c.Refused[n-1].To = s.To
		return
	}
	c.Refused = append(c.Refused, s)
}

func (c *checkpoint) encode() ([]byte, error) { return json.Marshal(c) }

var errNoCheckpoint = errors.New("it says nothing that can be so")

// decodeCheckpoint reads what encode wrote.
func decodeCheckpoint(data []byte) (checkpoint, error) {
	var c checkpoint
	if err := json.Unmarshal(data, &c); err != nil {
		return checkpoint{}, err
	}
	if !c.Valid() {
		return checkpoint{}, errNoCheckpoint
	}
	end := int64(0)
	for _, s := range c.Refused {
		if !s.From.Valid() || s.From.Offset < end || s.To <= s.From.Offset || s.To > c.Offset {
			return checkpoint{}, errNoCheckpoint
		}
		end = s.To
	}
	return c, nil
}

// checkpoints keeps the checkpoints of all days. The storage holds one entry
// per signal and day, a few hundred bytes each; they are never deleted, so that
// a day that is downloaded once more is not delivered once more.
type checkpoints struct{ client storage.Client }

// openCheckpoints finds the storage extension, if one is configured.
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
		return nil, fmt.Errorf("storage: %q is no storage extension", id)
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

// load returns the checkpoint of a day, which is zero where there is none.
func (c *checkpoints) load(ctx context.Context, signal dayfile.Signal, day dayfile.Day) (checkpoint, error) {
	data, err := c.client.Get(ctx, checkpointKey(signal, day))
	if err != nil {
		return checkpoint{}, fmt.Errorf("load position: %w", err)
	}
	if data == nil {
		return checkpoint{}, nil
	}
	decoded, err := decodeCheckpoint(data)
	if err != nil {
		return checkpoint{}, &badCheckpointError{err}
	}
	return decoded, nil
}

// badCheckpointError is what is wrong with a checkpoint that was found.
type badCheckpointError struct{ err error }

func (e *badCheckpointError) Error() string { return "read position: " + e.err.Error() }
func (e *badCheckpointError) Unwrap() error { return e.err }

func (c *checkpoints) save(ctx context.Context, signal dayfile.Signal, day dayfile.Day, point *checkpoint) error {
	data, err := point.encode()
	if err != nil {
		return fmt.Errorf("save position: %w", err)
	}
	if err := c.client.Set(ctx, checkpointKey(signal, day), data); err != nil {
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
