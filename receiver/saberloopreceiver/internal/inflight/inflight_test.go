// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package inflight

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sender is a body that arrives as a test writes it.
type sender struct {
	*io.PipeReader
	pipe    *io.PipeWriter
	request *Request
	result  chan error
}

var errCanceled = errors.New("canceled")

// send starts to receive a body and returns when it has received the bytes.
func send(b *Budget, n int) *sender {
	s := &sender{result: make(chan error, 1)}
	s.PipeReader, s.pipe = io.Pipe()
	s.request = b.Open(func() { _ = s.pipe.CloseWithError(errCanceled) })
	go func() {
		err := s.request.Receive(context.Background(), s)
		if err != nil {
			s.request.Close()
		}
		s.result <- err
	}()
	s.write(n)
	return s
}

// write returns when the bytes are received, or wait for memory.
func (s *sender) write(n int) {
	_, _ = s.pipe.Write(make([]byte, n))
	synctest.Wait()
}

// end ends the body and returns what became of it.
func (s *sender) end() error {
	_ = s.pipe.Close()
	return <-s.result
}

func TestReceive(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 511, 512, 513, 2047, 2048, 2049, 100_000, 1 << 20, 3 << 20} {
		b := New(Config{Bodies: 8 << 20, Work: 1})
		sent := bytes.Repeat([]byte("0123456789"), size/10+1)[:size]
		for _, reader := range []io.Reader{
			bytes.NewReader(sent),
			iotest.DataErrReader(bytes.NewReader(sent)),
			iotest.HalfReader(bytes.NewReader(sent)),
		} {
			r := b.Open(nil)
			require.NoError(t, r.Receive(t.Context(), reader))
			require.True(t, bytes.Equal(sent, r.Body()), size)
			assert.LessOrEqual(t, b.Usage().Bodies, int64(max(2*size, minBuffer)))
			r.ReleaseBody()
			assert.Zero(t, b.Usage())
			assert.Empty(t, r.Body())
			r.Close()
		}
	}
}

func TestReaderFails(t *testing.T) {
	t.Parallel()
	b := New(Config{Bodies: 1 << 20, Work: 1})
	r := b.Open(nil)
	fails := io.MultiReader(strings.NewReader("half"), iotest.ErrReader(errCanceled))
	require.ErrorIs(t, r.Receive(t.Context(), fails), errCanceled)
	r.Close()
	assert.Zero(t, b.Usage())
}

func TestNothingIsHeldBeforeItIsThere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := New(Config{Bodies: 1 << 20, Work: 1})
		s := send(b, 0)
		assert.Equal(t, Usage{Receiving: 1}, b.Usage())
		s.write(2048)
		assert.Equal(t, Usage{Receiving: 1, Bodies: 2048}, b.Usage())
		s.write(1)
		assert.Equal(t, Usage{Receiving: 1, Bodies: 4096}, b.Usage())
		require.NoError(t, s.end())
		assert.Equal(t, Usage{Bodies: 4096}, b.Usage())
		s.request.Close()
		assert.Zero(t, b.Usage())
	})
}

func TestExpand(t *testing.T) {
	t.Parallel()
	b := New(Config{Bodies: 8 << 20, Work: 1})
	for _, n := range []int{0, 1, 3000, 500_000, 600_000, 1 << 20} {
		r := b.Open(nil)
		require.NoError(t, r.Receive(t.Context(), strings.NewReader("packed")))
		expand := func(dst, body []byte) (int, error) {
			assert.Equal(t, "packed", string(body))
			assert.Equal(t, int64(3<<19+minBuffer), b.Usage().Bodies)
			return copy(dst, bytes.Repeat([]byte("x"), n)), nil
		}
		require.NoError(t, r.Expand(t.Context(), 1<<20, expand))
		assert.Len(t, r.Body(), n)
		assert.Equal(t, int64(cap(r.body.bytes)), b.Usage().Bodies)
		assert.LessOrEqual(t, cap(r.body.bytes), max(2*n, minBuffer))

		require.ErrorIs(t, r.Expand(t.Context(), 10, func(_, _ []byte) (int, error) { return 0, errCanceled }), errCanceled)
		assert.Len(t, r.Body(), n)
		require.ErrorIs(t, r.Expand(t.Context(), 8<<20, nil), ErrTooLarge)
		r.Close()
		assert.Zero(t, b.Usage())
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	b := New(Config{Bodies: 10_000, Work: 10})
	r := b.Open(nil)
	require.ErrorIs(t, r.Receive(t.Context(), bytes.NewReader(make([]byte, 9000))), ErrTooLarge)
	require.ErrorIs(t, r.Work(t.Context(), 11), ErrTooLarge)
	require.NoError(t, r.Work(t.Context(), 10))
	r.Close()
	assert.Zero(t, b.Usage())
}

func TestWaitsAndFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := New(Config{Bodies: 1, Work: 10, Wait: time.Second})
		first, second := b.Open(nil), b.Open(nil)
		require.NoError(t, first.Work(t.Context(), 10))
		began := time.Now()
		require.ErrorIs(t, second.Work(t.Context(), 1), ErrBusy)
		assert.Equal(t, time.Second, time.Since(began))
		time.AfterFunc(time.Second/2, first.Close)
		require.NoError(t, second.Work(t.Context(), 10))
		assert.Equal(t, 3*time.Second/2, time.Since(began))
		second.Close()
		assert.Zero(t, b.Usage())
	})
}

func TestContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := New(Config{Bodies: 1, Work: 10, Wait: time.Hour})
		first, second := b.Open(nil), b.Open(nil)
		require.NoError(t, first.Work(t.Context(), 10))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, second.Work(ctx, 1), context.DeadlineExceeded)
		first.Close()
		second.Close()
		assert.Zero(t, b.Usage())
	})
}

func TestLeastGoesFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := New(Config{Bodies: 1, Work: 100, Wait: time.Second})
		holder := b.Open(nil)
		require.NoError(t, holder.Work(t.Context(), 100))
		var order []int
		var all sync.WaitGroup
		for _, n := range []int{70, 90, 80, 71} {
			all.Go(func() {
				r := b.Open(nil)
				if r.Work(t.Context(), int64(n)) == nil {
					order = append(order, n)
				}
				time.Sleep(time.Millisecond) //nolint:forbidigo // synctest advances a fake clock, no real time passes
				r.Close()
			})
			synctest.Wait()
		}
		holder.Close()
		all.Wait()
		assert.Equal(t, []int{70, 71, 80, 90}, order)
		assert.Zero(t, b.Usage())
	})
}

// TestWholeBodiesDropHalfSentOnes is about those that wait for their senders.
func TestWholeBodiesDropHalfSentOnes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := New(Config{Bodies: 16 << 10, Work: 1, Wait: time.Second})
		small, large := send(b, 1000), send(b, 4000) // 2 and 4 KiB
		time.Sleep(5 * time.Second)                  //nolint:forbidigo // synctest advances a fake clock, no real time passes
		quick := send(b, 3000)                       // 4 KiB
		whole := b.Open(nil)
		require.NoError(t, whole.Receive(t.Context(), strings.NewReader("packed")))
		// Needs 6 KiB, of which 4 are free.
		require.NoError(t, whole.Expand(t.Context(), 4096, func(_, _ []byte) (int, error) { return 1, nil }))
		require.ErrorIs(t, large.end(), ErrDropped, "of the slow ones, it holds most")
		require.NoError(t, small.end())
		require.NoError(t, quick.end())
		small.request.Close()
		quick.request.Close()
		whole.Close()
		assert.Zero(t, b.Usage())
	})
}

// TestQuickBodiesDropSlowOnes has the places taken by bodies of which a byte
// arrives now and then.
func TestQuickBodiesDropSlowOnes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := New(Config{Bodies: 20 << 10, Work: 1, Wait: time.Second})
		var slow []*sender
		for range 10 {
			slow = append(slow, send(b, 600))
		}
		for range 3 {
			time.Sleep(time.Second) //nolint:forbidigo // synctest advances a fake clock, no real time passes
			for _, s := range slow {
				s.write(1)
			}
		}
		began := time.Now()
		for range 50 {
			quick := send(b, 1500)
			require.NoError(t, quick.end())
			quick.request.Close()
		}
		assert.Equal(t, began, time.Now(), "none waits")
		dropped := 0
		for _, s := range slow {
			if errors.Is(s.end(), ErrDropped) {
				dropped++
			} else {
				s.request.Close()
			}
		}
		assert.Equal(t, 1, dropped, "no more than had to be")
		assert.Zero(t, b.Usage())
	})
}

func TestSlowBodiesDropNoQuickOnes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := New(Config{Bodies: 8 << 10, Work: 1, Wait: time.Second})
		slow, quick := send(b, 2048), send(b, 2049) // 2 and 4 KiB
		time.Sleep(5 * time.Second)                 //nolint:forbidigo // synctest advances a fake clock, no real time passes
		quick.write(1000)
		_, _ = slow.pipe.Write([]byte("x")) // needs 4 KiB, of which 2 are free
		require.ErrorIs(t, slow.end(), ErrBusy)
		require.NoError(t, quick.end())
		quick.request.Close()
		assert.Zero(t, b.Usage())
	})
}

// TestDroppedWhileWaiting drops a body that waits for memory itself.
func TestDroppedWhileWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := New(Config{Bodies: 8 << 10, Work: 1, Wait: time.Minute})
		whole := send(b, 2049) // 4 KiB
		_ = whole.pipe.Close()
		synctest.Wait()
		slow := send(b, 2048) // 2 KiB
		slow.write(1)         // waits for 4 KiB more
		assert.Equal(t, 1, b.Usage().Waiting)
		quick := send(b, 2048)
		require.NoError(t, quick.end())
		quick.write(0)
		other := send(b, 100)
		require.ErrorIs(t, slow.end(), ErrDropped)
		require.NoError(t, other.end())
		for _, s := range []*sender{whole, quick, other} {
			s.request.Close()
		}
		assert.Zero(t, b.Usage())
	})
}

// TestBoundIsExact runs requests of all kinds at once and looks at what they
// hold.
func TestBoundIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cfg := Config{
			Bodies: int64(rapid.IntRange(4<<10, 64<<10).Draw(t, "bodies")),
			Work:   int64(rapid.IntRange(1, 1000).Draw(t, "work")),
			Wait:   time.Duration(rapid.IntRange(0, int(time.Millisecond)).Draw(t, "wait")),
		}
		b := New(cfg)
		seed := rapid.Uint64().Draw(t, "seed")
		var all sync.WaitGroup
		for i := range rapid.IntRange(2, 16).Draw(t, "clients") {
			all.Go(func() {
				random := rand.New(rand.NewPCG(seed, uint64(i)))
				for range 10 {
					work(b, cfg, random)
					usage := b.Usage()
					assert.LessOrEqual(t, usage.Bodies, cfg.Bodies)
					assert.LessOrEqual(t, usage.Work, cfg.Work)
				}
			})
		}
		all.Wait()
		assert.Zero(t, b.Usage())
		assert.Zero(t, b.leaving)
		assert.Zero(t, b.bodies.wanted)
		assert.Nil(t, b.receiving.first)
	})
}

func work(b *Budget, cfg Config, random *rand.Rand) {
	read, written := io.Pipe()
	r := b.Open(func() { _ = written.CloseWithError(errCanceled) })
	defer r.Close()
	sizes, fails := make([]int, random.IntN(4)), random.IntN(4) == 0
	for i := range sizes {
		sizes[i] = random.IntN(6000)
	}
	go func() {
		for _, size := range sizes {
			_, _ = written.Write(make([]byte, size))
		}
		if fails {
			_ = written.CloseWithError(io.ErrUnexpectedEOF)
		}
		_ = written.Close()
	}()
	defer func() { _ = read.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(random.IntN(int(time.Millisecond))))
	defer cancel()
	if r.Receive(ctx, read) != nil {
		return
	}
	if random.IntN(2) == 0 {
		size := 1 + random.IntN(20_000)
		if r.Expand(ctx, size, func(dst, _ []byte) (int, error) { return random.IntN(len(dst)), nil }) != nil {
			return
		}
	}
	if r.Work(ctx, 1+random.Int64N(cfg.Work)) != nil {
		return
	}
	if random.IntN(2) == 0 {
		r.ReleaseBody()
	}
}

func BenchmarkRequest(b *testing.B) {
	for _, bb := range []struct {
		name string
		size int
	}{{"300 B", 300}, {"3 KB", 3000}, {"60 KB", 60_000}} {
		b.Run(bb.name, func(b *testing.B) {
			budget := New(Config{Bodies: 1 << 20, Work: 1 << 20, Wait: time.Second})
			body := make([]byte, bb.size)
			reader := bytes.NewReader(body)
			cancel := func() {}
			ctx := b.Context()
			b.ReportAllocs()
			for b.Loop() {
				reader.Reset(body)
				r := budget.Open(cancel)
				if err := r.Receive(ctx, reader); err != nil {
					b.Fatal(err)
				}
				if err := r.Work(ctx, 1000); err != nil {
					b.Fatal(err)
				}
				r.ReleaseBody()
				r.Close()
			}
		})
	}
}

// BenchmarkDrop measures a request that finds all memory taken by a thousand
// bodies that are being received.
func BenchmarkDrop(b *testing.B) {
	budget := New(Config{Bodies: 1000 * minBuffer, Work: 1, Wait: time.Minute})
	var idle []*Request
	open := func() {
		r := budget.Open(func() {})
		budget.receiving.add(r)
		r.receiving = true
		if err := budget.acquire(b.Context(), &budget.bodies, r, minBuffer); err != nil {
			b.Fatal(err)
		}
		idle = append(idle, r)
	}
	for range 1000 {
		open()
	}
	b.ReportAllocs()
	for b.Loop() {
		budget.mu.Lock()
		r := budget.Open(func() {})
		cancels := budget.drop(r, minBuffer)
		budget.mu.Unlock()
		if len(cancels) != 1 {
			b.Fatal(len(cancels))
		}
		for i, v := range idle {
			if v.dropped {
				v.Close()
				idle = append(idle[:i], idle[i+1:]...)
				break
			}
		}
		open()
	}
}
