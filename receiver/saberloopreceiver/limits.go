// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package saberloopreceiver

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.uber.org/zap"

	"github.com/saberloop/otelcol-saberloop/internal/entry"
	"github.com/saberloop/otelcol-saberloop/receiver/saberloopreceiver/internal/clientaddr"
	"github.com/saberloop/otelcol-saberloop/receiver/saberloopreceiver/internal/dedup"
	"github.com/saberloop/otelcol-saberloop/receiver/saberloopreceiver/internal/inflight"
	"github.com/saberloop/otelcol-saberloop/receiver/saberloopreceiver/internal/quota"
	"github.com/saberloop/otelcol-saberloop/receiver/saberloopreceiver/internal/ratelimit"
)

// LimitsConfig bounds what clients can make the receiver do.
type LimitsConfig struct {
	// MaxEntries is the number of entries of a batch, refused ones included, from
	// which on it is refused. Default: 10,000.
	MaxEntries int `mapstructure:"max_entries"`

	// MaxKeys is the number of members of an object. An entry that has more is
	// refused. Default: 1,000.
	MaxKeys int `mapstructure:"max_keys"`

	// MaxStringBytes is the length of a string or key in JSON, in bytes. An entry
	// with a longer one is refused. Default: 1,048,576.
	MaxStringBytes int `mapstructure:"max_string_bytes"`

	// MaxResourceBytes is the length of a batch's resource in JSON, in bytes. A
	// batch with a longer one is refused. Default: 8,192.
	MaxResourceBytes int `mapstructure:"max_resource_bytes"`

	// MaxMemory is the memory for requests, in bytes, from the first byte of a
	// body until its data has left the pipelines. It must be at least 1,048,576,
	// 20 times max_request_body_size and 16 times max_resource_bytes. Default: 0,
	// which stands for 67,108,864, or for the least that it must be if that is
	// more.
	MaxMemory int64 `mapstructure:"max_memory"`

	// MemoryWait is how long a request waits for memory before it is refused.
	// Default: 1s.
	MemoryWait time.Duration `mapstructure:"memory_wait"`

	// MaxConnections is the number of connections. 0 is no limit. Default: 512.
	MaxConnections int `mapstructure:"max_connections"`

	// MaxConnectionsPerAddress is the number of connections of an address that is
	// not a trusted proxy. 0 is no limit. Default: 128.
	MaxConnectionsPerAddress int `mapstructure:"max_connections_per_address"`

	// PerAddress limits each client address: an IPv4 address, or the /64 network
	// of an IPv6 address.
	PerAddress RateConfig `mapstructure:"per_address"`

	// Total limits all clients together.
	Total RateConfig `mapstructure:"total"`

	// MaxAddresses is the number of addresses that are told apart at a time.
	// Each takes about 600 bytes. Default: 10,000.
	MaxAddresses int `mapstructure:"max_addresses"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// Unmarshal implements confmap.Unmarshaler, so that unknown keys are refused; see
// Config.Unmarshal.
func (l *LimitsConfig) Unmarshal(conf *confmap.Conf) error { return conf.Unmarshal(l) }

// RateConfig says how much may be sent. A limit of 0 is no limit.
type RateConfig struct {
	// RequestsPerSecond is the rate of requests with a valid token. Default: 0.
	RequestsPerSecond float64 `mapstructure:"requests_per_second"`

	// RequestBurst is the number of requests that may come at once. Ignored
	// without requests_per_second. Default: ten seconds of the rate.
	RequestBurst int `mapstructure:"request_burst"`

	// BytesPerSecond is the rate of bodies, decompressed. Default: 0.
	BytesPerSecond float64 `mapstructure:"bytes_per_second"`

	// ByteBurst is the number of bytes that may come at once. Ignored without
	// bytes_per_second. Default: ten seconds of the rate.
	ByteBurst int `mapstructure:"byte_burst"`

	// BytesPerDay is the size of what may be stored each day, in bytes, days in
	// UTC. Default: 0.
	BytesPerDay int64 `mapstructure:"bytes_per_day"`

	// EntriesPerDay is the number of entries that may be stored each day, days in
	// UTC. Default: 0.
	EntriesPerDay int64 `mapstructure:"entries_per_day"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// DuplicatesConfig says which batches are recognized when they are sent again.
type DuplicatesConfig struct {
	// Window is how long a batch that was stored is recognized. 0 stores batches
	// as often as they are sent. Default: 10m.
	Window time.Duration `mapstructure:"window"`

	// MaxBatches is the number of batches that are recognized; the oldest go
	// first. Each takes about 200 bytes. Default: 32,768.
	MaxBatches int `mapstructure:"max_batches"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// Unmarshal implements confmap.Unmarshaler, so that unknown keys are refused.
func (d *DuplicatesConfig) Unmarshal(conf *confmap.Conf) error { return conf.Unmarshal(d) }

const (
	// defaultBurst is the time in which a bucket fills.
	defaultBurst = 10 * time.Second
	// bodiesShare is the part of max_memory for bodies; the rest is for decoded
	// data, which takes more.
	bodiesShare   = 4
	defaultMemory = 64 << 20
	// maxWaiting is the number of requests that wait for the outcome of others.
	maxWaiting = 1024
)

// light and lightBytes are the rates of a browser that sends a batch now and then,
// with some to spare; a page that is closed sends 64 KiB at most. An address that
// sends no more is served even if others use up the rate of all.
var (
	light      = ratelimit.Rate{PerSecond: 1, Burst: 10}
	lightBytes = ratelimit.Rate{PerSecond: 32 << 10, Burst: 64 << 10}
)

func defaultLimits() LimitsConfig {
	return LimitsConfig{
		MaxEntries:               10_000,
		MaxKeys:                  1_000,
		MaxStringBytes:           1 << 20,
		MaxResourceBytes:         8 << 10,
		MemoryWait:               time.Second,
		MaxConnections:           512,
		MaxConnectionsPerAddress: 128,
		MaxAddresses:             10_000,
	}
}

func defaultDuplicates() DuplicatesConfig {
	return DuplicatesConfig{Window: 10 * time.Minute, MaxBatches: 32_768}
}

// leastMemory is the least max_memory. A quarter has room for a body and for what
// it is decompressed from, in buffers of up to twice their size; the rest for the
// copies of a resource, which are estimated with each batch.
func (l *LimitsConfig) leastMemory(maxBody int64) int64 {
	return max(1<<20, 20*maxBody, 16*int64(l.MaxResourceBytes))
}

func (l *LimitsConfig) validate(maxBody int64) error {
	var errs []error
	for _, positive := range []struct {
		key   string
		value int
	}{
		{"max_entries", l.MaxEntries},
		{"max_keys", l.MaxKeys},
		{"max_string_bytes", l.MaxStringBytes},
		{"max_resource_bytes", l.MaxResourceBytes},
		{"max_addresses", l.MaxAddresses},
	} {
		if positive.value <= 0 {
			errs = append(errs, fmt.Errorf("limits::%s: must be positive, not %d", positive.key, positive.value))
		}
	}
	if least := l.leastMemory(maxBody); l.MaxMemory != 0 && l.MaxMemory < least {
		errs = append(errs, fmt.Errorf("limits::max_memory: must be at least %d with this max_request_body_size and max_resource_bytes, not %d", least, l.MaxMemory))
	}
	if l.MemoryWait < 0 {
		errs = append(errs, fmt.Errorf("limits::memory_wait: must not be negative, but is %v", l.MemoryWait))
	}
	if l.MaxConnections < 0 {
		errs = append(errs, fmt.Errorf("limits::max_connections: must not be negative, but is %d", l.MaxConnections))
	}
	if l.MaxConnectionsPerAddress < 0 {
		errs = append(errs, fmt.Errorf("limits::max_connections_per_address: must not be negative, but is %d", l.MaxConnectionsPerAddress))
	}
	errs = append(errs, l.PerAddress.validate("limits::per_address"), l.Total.validate("limits::total"))
	return errors.Join(errs...)
}

func (r *RateConfig) validate(section string) error {
	var errs []error
	for _, limit := range []struct {
		key   string
		value float64
	}{
		{"requests_per_second", r.RequestsPerSecond},
		{"request_burst", float64(r.RequestBurst)},
		{"bytes_per_second", r.BytesPerSecond},
		{"byte_burst", float64(r.ByteBurst)},
		{"bytes_per_day", float64(r.BytesPerDay)},
		{"entries_per_day", float64(r.EntriesPerDay)},
	} {
		if !(limit.value >= 0) {
			errs = append(errs, fmt.Errorf("%s::%s: must not be negative, but is %v", section, limit.key, limit.value))
		}
	}
	return errors.Join(errs...)
}

func (d *DuplicatesConfig) validate() error {
	var errs []error
	if d.Window < 0 {
		errs = append(errs, fmt.Errorf("duplicates::window: must not be negative, but is %v", d.Window))
	}
	if d.MaxBatches <= 0 {
		errs = append(errs, fmt.Errorf("duplicates::max_batches: must be positive, not %d", d.MaxBatches))
	}
	return errors.Join(errs...)
}

func (c *Config) validateProxies() error {
	var errs []error
	for _, network := range c.TrustedProxies {
		if _, err := parseNetwork(network); err != nil {
			errs = append(errs, fmt.Errorf("trusted_proxies: %q is neither an IP address nor a network such as 10.0.0.0/8", network))
		}
	}
	return errors.Join(errs...)
}

// parseNetwork parses a network, or an address that stands for itself.
func parseNetwork(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return addr.Prefix(addr.BitLen())
	}
	return netip.ParsePrefix(s)
}

func newResolver(cfg *Config) *clientaddr.Resolver {
	var trusted []netip.Prefix
	for _, network := range cfg.TrustedProxies {
		if prefix, err := parseNetwork(network); err == nil { // as Validate has checked
			trusted = append(trusted, prefix)
		}
	}
	return clientaddr.NewResolver(trusted)
}

func (r *RateConfig) limits() ratelimit.Limits {
	return ratelimit.Limits{
		Requests: ratelimit.Rate{PerSecond: r.RequestsPerSecond, Burst: burst(r.RequestsPerSecond, r.RequestBurst)},
		Bytes:    ratelimit.Rate{PerSecond: r.BytesPerSecond, Burst: burst(r.BytesPerSecond, r.ByteBurst)},
	}
}

func burst(perSecond float64, configured int) int {
	if configured > 0 {
		return configured
	}
	return max(1, int(perSecond*defaultBurst.Seconds()))
}

func (r *RateConfig) budget() quota.Budget {
	return quota.Budget{Bytes: r.BytesPerDay, Entries: r.EntriesPerDay}
}

// limits holds what is left for clients. What is not limited is nil.
type limits struct {
	resolver *clientaddr.Resolver
	rate     *ratelimit.Limiter[clientaddr.Key]
	quota    *quota.Quota
	memory   *inflight.Budget
	batches  *dedup.Table
	now      func() time.Time
}

func newLimits(cfg *Config, now func() time.Time) (*limits, error) {
	c := &cfg.Limits
	memory := c.MaxMemory
	if memory == 0 {
		memory = max(defaultMemory, c.leastMemory(cfg.ServerConfig.MaxRequestBodySize))
	}
	l := &limits{
		resolver: newResolver(cfg),
		memory: inflight.New(inflight.Config{
			Bodies: memory / bodiesShare,
			Work:   memory - memory/bodiesShare,
			Wait:   c.MemoryWait,
		}),
		now: now,
	}
	rates := ratelimit.Config{Client: c.PerAddress.limits(), Total: c.Total.limits(), Light: light, LightBytes: lightBytes, MaxClients: c.MaxAddresses}
	if rates.Client.Limited() || rates.Total.Limited() {
		l.rate = ratelimit.New[clientaddr.Key](rates)
	}
	budgets := quota.Config{Client: c.PerAddress.budget(), Total: c.Total.budget(), MaxClients: c.MaxAddresses, Now: now}
	if budgets.Client != (quota.Budget{}) || budgets.Total != (quota.Budget{}) {
		l.quota = quota.New(budgets)
	}
	if cfg.Duplicates.Window == 0 {
		return l, nil
	}
	var err error
	l.batches, err = dedup.New(dedup.Config{
		Window:     cfg.Duplicates.Window,
		MaxBatches: cfg.Duplicates.MaxBatches,
		MaxWaiting: maxWaiting,
		Now:        now,
	})
	return l, err
}

// client returns the key of the client that sent r.
func (l *limits) client(r *http.Request) clientaddr.Key {
	return clientaddr.KeyOf(l.resolver.Client(r))
}

// admit decides, before the body is read, whether a client may send a request.
func (l *limits) admit(client clientaddr.Key) *answer {
	if l.rate != nil {
		switch verdict, wait := l.rate.Admit(l.now(), client); verdict {
		case ratelimit.ByClient:
			return answerTooMany(reasonAddressRate, wait)
		case ratelimit.InTotal:
			return answerTooMany(reasonTotalRate, wait)
		}
	}
	if l.quota == nil {
		return nil
	}
	return overBudget(l.quota.Check(client))
}

// charge takes the bytes of a body, once they are known.
func (l *limits) charge(client clientaddr.Key, bytes int) *answer {
	if l.rate == nil {
		return nil
	}
	if verdict, wait := l.rate.Charge(l.now(), client, bytes); verdict != ratelimit.Admitted {
		return answerTooMany(reasonTotalRate, wait)
	}
	return nil
}

// take takes the size of a batch of the daily budgets, before it is stored.
func (l *limits) take(client clientaddr.Key, amount quota.Budget) (quota.Grant, *answer) {
	if l.quota == nil {
		return quota.Grant{}, nil
	}
	grant, verdict, wait := l.quota.Take(client, amount)
	return grant, overBudget(verdict, wait)
}

// release returns what was taken for entries that are not stored, of all that
// were to be.
func (l *limits) release(grant quota.Grant, amount quota.Budget, lost int64) {
	if l.quota == nil || lost == 0 {
		return
	}
	l.quota.GiveBack(grant, quota.Budget{Bytes: amount.Bytes * lost / amount.Entries, Entries: lost})
}

func overBudget(verdict quota.Verdict, wait time.Duration) *answer {
	switch verdict {
	case quota.ByClient:
		return answerTooMany(reasonAddressBudget, wait)
	case quota.InTotal:
		return answerTooMany(reasonTotalBudget, wait)
	}
	return nil
}

const (
	// lineOverhead is what a line has besides an entry as it was sent, in bytes,
	// and attributeOverhead what an attribute of the resource has besides its
	// name and value.
	lineOverhead      = 256
	attributeOverhead = 48
)

// storedSize estimates what the entries of a batch that are still to be stored
// take in files. The resource is on every line.
func storedSize(body int, b *entry.Batch, due entry.Counts) quota.Budget {
	resource := 0
	switch {
	case b.Received.Logs > 0:
		resource = mapSize(b.Logs.ResourceLogs().At(0).Resource().Attributes())
	case b.Received.Traces > 0:
		resource = mapSize(b.Traces.ResourceSpans().At(0).Resource().Attributes())
	case b.Received.Metrics > 0:
		resource = mapSize(b.Metrics.ResourceMetrics().At(0).Resource().Attributes())
	}
	all, lines := max(1, b.Received.Total()), due.Total()
	return quota.Budget{
		Bytes:   int64(body)*int64(lines)/int64(all) + int64(lines)*int64(lineOverhead+resource),
		Entries: int64(lines),
	}
}

func mapSize(m pcommon.Map) int {
	size := 0
	for key, value := range m.All() {
		size += attributeOverhead + len(key) + valueSize(value)
	}
	return size
}

func valueSize(v pcommon.Value) int {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return len(v.Str())
	case pcommon.ValueTypeMap:
		return mapSize(v.Map())
	case pcommon.ValueTypeSlice:
		size := 0
		for _, element := range v.Slice().All() {
			size += attributeOverhead + valueSize(element)
		}
		return size
	}
	return 0
}

// warnings logs that requests are refused, once a minute for each reason.
type warnings struct {
	logger *zap.Logger
	now    func() time.Time

	mu      sync.Mutex
	reasons map[string]*warning
}

type warning struct {
	last    time.Time
	skipped int
}

const warnInterval = time.Minute

// refused counts a request, or a connection, that is refused.
func (w *warnings) refused(reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.reasons == nil {
		w.reasons = map[string]*warning{}
	}
	one := w.reasons[reason]
	if one == nil {
		one = &warning{}
		w.reasons[reason] = one
	}
	now := w.now()
	if !one.last.IsZero() && now.Sub(one.last) < warnInterval {
		one.skipped++
		return
	}
	w.logger.Warn("Refused because of a limit", zap.String("reason", reason), zap.Int("since_last_warning", one.skipped+1))
	one.last, one.skipped = now, 0
}
