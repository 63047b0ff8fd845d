// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package dedup

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"sync"
)

// Key stands for a batch.
type Key [16]byte

// hasher makes keys with GMAC, the part of AES-GCM that authenticates. As its
// results are not seen by anybody, it is a universal hash: whoever does not know
// the secret finds two messages of n blocks with the same key with probability
// n/2^128. Processors have instructions for it, so that it takes a fraction of
// the time that SHA-256 does.
type hasher struct {
	secret [16]byte
	aead   cipher.AEAD
}

func newSecret() (secret [16]byte) {
	_, _ = rand.Read(secret[:]) // never fails
	return secret
}

func newHasher(secret [16]byte) (*hasher, error) {
	block, err := aes.NewCipher(secret[:])
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &hasher{secret: secret, aead: aead}, nil
}

// nonces keep the keys of different kinds apart. A nonce must not be used twice
// where its result is published; these are not.
var (
	idNonce   = []byte("batchId     ")
	bodyNonce = []byte("body        ")
	wholeKey  = []byte("body, scoped")
)

func (h *hasher) sum(nonce, message []byte) (key Key) {
	h.aead.Seal(key[:0], nonce, nil, message)
	return key
}

// BatchID is the key of a batch that has a batchId. The app scopes it: the same
// batchId of another app is another batch.
func (t *Table) BatchID(app, id string) Key {
	scratch := scratches.Get().(*[]byte)
	defer scratches.Put(scratch)
	*scratch = append(appendString((*scratch)[:0], app), id...)
	return t.hasher.sum(idNonce, *scratch) //nolint:gosec // see above: no result is seen by anybody
}

// Body is the key of a batch that has none. The sender tells apart clients that
// happen to send the same bytes, where nothing in the bytes does.
func (t *Table) Body(app string, sender [16]byte, body []byte) Key {
	inner := t.hasher.sum(bodyNonce, body) //nolint:gosec // see above: no result is seen by anybody
	scratch := scratches.Get().(*[]byte)
	defer scratches.Put(scratch)
	*scratch = append(appendString((*scratch)[:0], app), sender[:]...)
	*scratch = append(*scratch, inner[:]...)
	return t.hasher.sum(wholeKey, *scratch) //nolint:gosec // see above: no result is seen by anybody
}

// scratches are used again, since what is passed to an interface is allocated.
var scratches = sync.Pool{New: func() any { return new([]byte) }}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
