// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package tokens holds the tokens that requests may bring: a fixed list from the
// configuration, followed by those in a file, which may change at any time.
//
// # The file
//
// It has a token on each line. Blanks around a token are removed; blank lines and
// lines that begin with # are ignored. It may have 64 KiB and 256 tokens.
//
// The file is read every Config.Interval and compared with what was read before.
// That works for files that are written in place, replaced by a rename, or
// reached through links that change, as Kubernetes has them, and needs nothing
// from the system. A change counts once it was read twice: a file that is being
// written is not taken for a short one. While a file can't be read, has no
// token, or has something else than tokens, the last good ones stay valid, and
// the first time this is logged.
//
// # Comparison
//
// Tokens are compared by their SHA-256 hashes, in constant time, with all that
// there are: the time tells neither which token matched, nor how much of one.
package tokens

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

const (
	// maxFileSize is in bytes.
	maxFileSize = 64 << 10
	// maxTokens bounds the time of a comparison.
	maxTokens = 256
)

// Config says where tokens come from.
type Config struct {
	// Fixed are the tokens of the configuration. Blank ones are ignored, but
	// count as positions.
	Fixed []string
	// File is the path of the file with further tokens; empty where there is
	// none.
	File string
	// Interval is the time between looks at the file.
	Interval time.Duration
	// Logger is told about the file. No token is logged.
	Logger *zap.Logger
}

// Store finds the token of a request. It may be used by many goroutines at once.
type Store struct {
	cfg     Config
	fixed   []token
	current atomic.Pointer[[]token]
	// loaded is what the current tokens were read from, pending what was read
	// last; failing is set while the file is not good.
	loaded, pending []byte
	failing         bool
}

// token is a hash, and the position of its token.
type token struct {
	hash  [sha256.Size]byte
	index int
}

// Open returns a Store with the tokens. The error says what is wrong with the
// file, which has to be good at first.
func Open(cfg Config) (*Store, error) {
	s := &Store{cfg: cfg}
	for i, text := range cfg.Fixed {
		if text = trim(text); text != "" {
			s.fixed = append(s.fixed, token{sha256.Sum256([]byte(text)), i})
		}
	}
	s.current.Store(&s.fixed)
	if cfg.File == "" {
		return s, nil
	}
	data, err := readFile(cfg.File)
	if err != nil {
		return nil, err
	}
	return s, s.load(data)
}

// Len is the number of tokens that are not blank.
func (s *Store) Len() int { return len(*s.current.Load()) }

// Find returns the position of a request's token: first come those of the
// configuration, from 0, and then those of the file. Blanks around the token
// are ignored.
func (s *Store) Find(header string) (index int, ok bool) {
	var space [128]byte
	sent := sha256.Sum256(append(space[:0], trim(header)...))
	found := -1
	current := *s.current.Load()
	for i := range current {
		t := &current[i]
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(sent[:], t.hash[:]), t.index, found)
	}
	return found, found >= 0
}

// Watch looks at the file again and again, until the context is done.
func (s *Store) Watch(ctx context.Context) {
	if s.cfg.File == "" {
		return
	}
	ticker := time.NewTicker(s.cfg.Interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.look()
		}
	}
}

// look reads the file, and loads it if it has changed and was the same twice.
func (s *Store) look() {
	data, err := readFile(s.cfg.File)
	if err == nil && !bytes.Equal(data, s.loaded) {
		if !bytes.Equal(data, s.pending) {
			s.pending = data
			return
		}
		if err = s.load(data); err == nil {
			s.failing = false
			s.cfg.Logger.Info("Loaded tokens_file", zap.Int("tokens", s.Len()-len(s.fixed)))
			return
		}
	}
	if err == nil {
		s.failing, s.pending = false, nil
		return
	}
	if !s.failing {
		s.failing = true
		s.cfg.Logger.Warn("Could not load tokens_file; the last tokens stay valid", zap.Error(err))
	}
}

// load makes the tokens of the file current.
func (s *Store) load(data []byte) error {
	all := append([]token{}, s.fixed...)
	n := 0
	for line := range strings.Lines(string(data)) {
		text := trim(line)
		if text == "" || text[0] == '#' {
			continue
		}
		if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return errors.New("tokens_file: has a character that tokens can't have")
		}
		all = append(all, token{sha256.Sum256([]byte(text)), len(s.cfg.Fixed) + n})
		n++
	}
	switch {
	case n == 0:
		return errors.New("tokens_file: has no token")
	case n > maxTokens:
		return fmt.Errorf("tokens_file: has %d tokens, more than %d", n, maxTokens)
	}
	s.loaded, s.pending = data, nil
	s.current.Store(&all)
	return nil
}

func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("tokens_file: %w", err)
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, maxFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("tokens_file: %w", err)
	}
	if len(data) > maxFileSize {
		return nil, fmt.Errorf("tokens_file: is larger than %d bytes", maxFileSize)
	}
	return data, nil
}

func trim(s string) string { return strings.Trim(s, " \t\r\n") }
