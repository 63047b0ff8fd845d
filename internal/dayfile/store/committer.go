// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
)

// committer makes appends durable in rounds. A round takes all appends that are
// waiting, writes the lines of each file with one write, and then syncs these files
// at the same time: the file system commits its journal once for all of them.
// Appends that come during a round wait for the next one.
//
// One of the waiting appends leads the round, so there is no goroutine in the
// background.
//
// Invariants:
//
//   - At most one round runs.
//   - While an append waits, a round runs or an append has been woken to lead one.
type committer struct {
	mu      sync.Mutex
	waiting []*commit // appends of the next round
	leading bool      // a round runs, or its leader has been woken

	// The leader owns the fields below.
	round  []*commit
	groups []group // of the round
	buf    []byte
}

// group is the appends of a round that have lines for one file only.
type group struct {
	appender *appender
	members  []*commit
	err      error
}

// commit is an append that waits until it is durable.
type commit struct {
	appenders []*appender
	parts     []Part
	err       error
	// wake receives true if the append has to lead the next round, and false when
	// err is set.
	wake chan bool
}

var commits = sync.Pool{New: func() any { return &commit{wake: make(chan bool, 1)} }}

// errInterrupted is the result of a round that panicked.
var errInterrupted = errors.New("commit was interrupted")

// append returns when the parts are durable, or when that has failed.
func (c *committer) append(appenders []*appender, parts []Part) error {
	own := commits.Get().(*commit)
	own.appenders, own.parts, own.err = appenders, parts, errInterrupted

	c.mu.Lock()
	c.waiting = append(c.waiting, own)
	lead := !c.leading
	c.leading = true
	c.mu.Unlock()
	if !lead {
		lead = <-own.wake
	}
	if lead {
		c.lead(own)
	}

	err := own.err
	own.appenders, own.parts, own.err = nil, nil, nil
	commits.Put(own)
	return err
}

// lead runs a round, which includes the leader's own append.
func (c *committer) lead(own *commit) {
	// Goroutines that are ready to run may want to join: the other signals of the
	// same request, or requests that arrived during the previous round. This costs
	// nothing if there are none.
	runtime.Gosched()
	c.mu.Lock()
	c.round, c.waiting = c.waiting, c.round[:0]
	c.mu.Unlock()
	defer c.finish(own)
	c.commit()
}

// finish wakes the members of the round, and the leader of the next one.
func (c *committer) finish(own *commit) {
	for _, member := range c.round {
		if member != own {
			member.wake <- false
		}
	}
	clear(c.round)
	if cap(c.buf) > maxJoined {
		c.buf = nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 {
		c.leading = false
		return
	}
	c.waiting[0].wake <- true
}

// maxJoined is the largest buffer that is kept for the next round.
const maxJoined = 1 << 20

// commit writes and syncs the files of the round.
func (c *committer) commit() {
	c.groups = c.groups[:0]
	for _, member := range c.round {
		if len(member.parts) == 1 {
			g := c.groupOf(member.appenders[0])
			g.members = append(g.members, member)
		}
	}
	c.commitGroups()
	for i := range c.groups {
		g := &c.groups[i]
		for _, member := range g.members {
			member.err = g.err
		}
		if errors.Is(g.err, errJoined) {
			// On an almost full disk a smaller append can succeed.
			for _, member := range g.members {
				member.commit()
			}
		}
		clear(g.members)
	}
	for _, member := range c.round {
		if len(member.parts) != 1 {
			member.commit()
		}
	}
}

// groupOf returns the group of a file.
func (c *committer) groupOf(a *appender) *group {
	for i := range c.groups {
		if c.groups[i].appender == a {
			return &c.groups[i]
		}
	}
	n := len(c.groups)
	if n == cap(c.groups) {
		c.groups = append(c.groups, group{})
	}
	c.groups = c.groups[:n+1] // with the members slice of an earlier round
	g := &c.groups[n]
	*g = group{appender: a, members: g.members[:0]}
	return g
}

// commitGroups writes the files of the groups and syncs them at the same time. The
// files stay locked until they are synced; in the meantime appends only join the
// next round.
func (c *committer) commitGroups() {
	var others sync.WaitGroup
	var last *group
	for i := range c.groups {
		g := &c.groups[i]
		// Only here, and nowhere else in this mode, several appenders are locked.
		g.appender.mu.Lock()
		defer g.appender.mu.Unlock()
		g.err = c.write(g)
	}
	for i := range c.groups {
		g := &c.groups[i]
		if g.err != nil {
			continue
		}
		if last != nil {
			others.Go(last.sync)
		}
		last = g
	}
	if last != nil {
		last.sync()
	}
	others.Wait()
}

// errJoined is returned for a failed write of several appends.
var errJoined = errors.New("write of several appends")

// write writes the lines of a group with one write.
func (c *committer) write(g *group) error {
	if len(g.members) == 1 {
		return g.appender.write(g.members[0].parts[0].Lines)
	}
	c.buf = c.buf[:0]
	for _, member := range g.members {
		c.buf = append(c.buf, member.parts[0].Lines...)
	}
	if err := g.appender.write(c.buf); err != nil {
		return fmt.Errorf("%w: %w", errJoined, err)
	}
	return nil
}

func (g *group) sync() { g.err = g.appender.commit(len(g.members)) }

// commit writes and syncs one append alone: one that has lines of several days, which
// are written or taken back together, or one whose group could not be written.
func (m *commit) commit() {
	for _, a := range m.appenders {
		a.mu.Lock()
		defer a.mu.Unlock()
	}
	if m.err = write(m.appenders, m.parts); m.err != nil {
		return
	}
	for _, a := range m.appenders {
		m.err = errors.Join(m.err, a.commit(1))
	}
}
