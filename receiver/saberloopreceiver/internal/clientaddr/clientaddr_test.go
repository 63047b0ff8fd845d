// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package clientaddr

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var proxies = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("fd00::/8"),
	netip.MustParsePrefix("::ffff:192.168.1.0/120"),
}

func request(remote string, xff, forwarded []string) *http.Request {
	return &http.Request{RemoteAddr: remote, Header: http.Header{"X-Forwarded-For": xff, "Forwarded": forwarded}}
}

func TestClient(t *testing.T) {
	t.Parallel()
	list := func(lines ...string) []string { return lines }
	tests := []struct {
		name      string
		remote    string
		xff       []string
		forwarded []string
		want      string // empty: the zero Addr
	}{
		{"peer", "203.0.113.7:1234", nil, nil, "203.0.113.7"},
		{"IPv6 peer", "[2001:db8::7]:1234", nil, nil, "2001:db8::7"},
		{"peer with a zone", "[fe80::1%eth0]:1234", nil, nil, "fe80::1"},
		{"mapped peer", "[::ffff:203.0.113.7]:1234", nil, nil, "203.0.113.7"},
		{"peer that is no proxy", "203.0.113.7:1", list("198.51.100.1"), list("for=198.51.100.1"), "203.0.113.7"},
		{"proxy without a header", "10.0.0.1:1", nil, nil, "10.0.0.1"},
		{"proxy", "10.0.0.1:1", list("203.0.113.7"), nil, "203.0.113.7"},
		{"proxy of a mapped network", "192.168.1.9:1", list("203.0.113.7"), nil, "203.0.113.7"},
		{"IPv6 proxy", "[fd00::1]:1", list("2001:db8::7"), nil, "2001:db8::7"},
		{"what the client claimed is not read", "10.0.0.1:1", list("1.1.1.1, 203.0.113.7"), nil, "203.0.113.7"},
		{"two proxies", "10.0.0.1:1", list("1.1.1.1, 203.0.113.7,10.0.0.2"), nil, "203.0.113.7"},
		{"several lines", "10.0.0.1:1", list("1.1.1.1", "203.0.113.7", "10.0.0.2"), nil, "203.0.113.7"},
		{"all trusted", "10.0.0.1:1", list("10.0.0.3, 10.0.0.2"), nil, "10.0.0.3"},
		{"empty elements", "10.0.0.1:1", list(" ,\t203.0.113.7 , ,"), nil, "203.0.113.7"},
		{"elements beyond the maximum", "10.0.0.1:1", list("203.0.113.7" + strings.Repeat(", 10.0.0.2", 32)), nil, "10.0.0.2"},
		{"empty header", "10.0.0.1:1", list(""), nil, "10.0.0.1"},
		{"port", "10.0.0.1:1", list("203.0.113.7:4711"), nil, "203.0.113.7"},
		{"brackets", "10.0.0.1:1", list("[2001:db8::7]"), nil, "2001:db8::7"},
		{"brackets and port", "10.0.0.1:1", list("[2001:db8::7]:4711"), nil, "2001:db8::7"},
		{"zone", "10.0.0.1:1", list("fe80::7%eth0"), nil, "fe80::7"},
		{"mapped", "10.0.0.1:1", list("::ffff:203.0.113.7"), nil, "203.0.113.7"},
		{"mapped proxy", "[::ffff:10.0.0.1]:1", list("203.0.113.7, ::ffff:10.0.0.2"), nil, "203.0.113.7"},
		{"rubbish", "10.0.0.1:1", list("203.0.113.7, rubbish"), nil, "10.0.0.1"},
		{"rubbish before a proxy", "10.0.0.1:1", list("203.0.113.7, rubbish, 10.0.0.2"), nil, "10.0.0.2"},
		{"number out of range", "10.0.0.1:1", list("203.0.113.777"), nil, "10.0.0.1"},
		{"bracket not closed", "10.0.0.1:1", list("[2001:db8::7"), nil, "10.0.0.1"},
		{"IPv4 in brackets", "10.0.0.1:1", list("[203.0.113.7]"), nil, "10.0.0.1"},
		{"text after brackets", "10.0.0.1:1", list("[2001:db8::7]x"), nil, "10.0.0.1"},
		{"forwarded", "10.0.0.1:1", nil, list("for=203.0.113.7"), "203.0.113.7"},
		{"forwarded in full", "10.0.0.1:1", nil, list(`for=1.1.1.1, For="203.0.113.7:47";proto=https;by=_x, for=10.0.0.2`), "203.0.113.7"},
		{"forwarded, IPv6", "10.0.0.1:1", nil, list(`proto=http; for="[2001:db8:cafe::17]:4711"`), "2001:db8:cafe::17"},
		{"forwarded, obfuscated port", "10.0.0.1:1", nil, list(`for="[2001:db8::7]:_p"`), "2001:db8::7"},
		{"forwarded, unknown", "10.0.0.1:1", nil, list(`for=203.0.113.7, for=unknown`), "10.0.0.1"},
		{"forwarded, hidden", "10.0.0.1:1", nil, list(`for=203.0.113.7, for=_hidden`), "10.0.0.1"},
		{"forwarded without for", "10.0.0.1:1", nil, list(`for=203.0.113.7, proto=https`), "10.0.0.1"},
		{"forwarded with two", "10.0.0.1:1", nil, list(`for=203.0.113.7;for=203.0.113.8`), "10.0.0.1"},
		{"commas in quotes", "10.0.0.1:1", nil, list(`for=1.1.1.1, for=203.0.113.7;host="a,b;for=2.2.2.2"`), "203.0.113.7"},
		{"escaped quotes", "10.0.0.1:1", nil, list(`for=1.1.1.1, for=203.0.113.7;host="a\",b\\"`), "203.0.113.7"},
		{"quote opened by the client", "10.0.0.1:1", nil, list(`for="1.1.1.1, for=203.0.113.7`), "203.0.113.7"},
		{"both headers agree", "10.0.0.1:1", list("203.0.113.7"), list("for=203.0.113.7"), "203.0.113.7"},
		{"both headers disagree", "10.0.0.1:1", list("203.0.113.7"), list("for=1.1.1.1"), "10.0.0.1"},
		{"Unix socket", "@", list("203.0.113.7"), nil, "203.0.113.7"},
		{"Unix socket without a header", "", nil, nil, ""},
	}
	r := NewResolver(proxies)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var want netip.Addr
			if tt.want != "" {
				want = netip.MustParseAddr(tt.want)
			}
			assert.Equal(t, want, r.Client(request(tt.remote, tt.xff, tt.forwarded)))
		})
	}
}

func TestNothingIsTrustedByDefault(t *testing.T) {
	t.Parallel()
	r := NewResolver(nil)
	assert.Equal(t, "127.0.0.1", r.Client(request("127.0.0.1:1", []string{"203.0.113.7"}, nil)).String())
	assert.False(t, r.Trusts(netip.MustParseAddr("127.0.0.1")))
	assert.True(t, r.Trusts(netip.Addr{}), "a Unix socket")
}

func TestKeyOf(t *testing.T) {
	t.Parallel()
	key := func(s string) Key { return KeyOf(netip.MustParseAddr(s)) }
	assert.Equal(t, key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"), "one /64")
	assert.NotEqual(t, key("2001:db8:1:2::1"), key("2001:db8:1:3::1"))
	assert.NotEqual(t, key("203.0.113.7"), key("203.0.113.8"))
	assert.Equal(t, key("203.0.113.7"), key("::ffff:203.0.113.7"))
	assert.Equal(t, Key{}, KeyOf(netip.Addr{}))
}

// drawAddr draws an address that is no trusted proxy.
func drawAddr(t *rapid.T) netip.Addr {
	if rapid.Bool().Draw(t, "v4") {
		return netip.AddrFrom4([4]byte{203, 0, 113, rapid.Byte().Draw(t, "host")})
	}
	addr := [16]byte{0x20, 0x01, 0x0d, 0xb8}
	copy(addr[4:], rapid.SliceOfN(rapid.Byte(), 12, 12).Draw(t, "v6"))
	return netip.AddrFrom16(addr)
}

// TestClientCannotChooseItsAddress states the law: whatever a client puts into
// the headers, the address that the last proxies append is found.
func TestClientCannotChooseItsAddress(t *testing.T) {
	t.Parallel()
	r := NewResolver(proxies)
	claims := rapid.StringMatching(`[0-9a-f:.,;="\\ _for\[\]]{0,40}`)
	rapid.Check(t, func(t *rapid.T) {
		client := drawAddr(t)
		list := claims.Draw(t, "claim")
		quoted := `"` + client.String() + `"`
		if client.Is6() {
			quoted = `"[` + client.String() + `]:` + rapid.StringMatching(`[1-9][0-9]{0,3}|_[a-z]{1,3}`).Draw(t, "port") + `"`
		}
		chain := []string{list + "," + client.String()}
		forwarded := []string{list + ",for=" + quoted + rapid.SampledFrom([]string{"", ";proto=https", `;host="a,b"`}).Draw(t, "more")}
		for range rapid.IntRange(0, 3).Draw(t, "proxies") {
			if rapid.Bool().Draw(t, "new line") {
				chain, forwarded = append(chain, "10.1.2.3"), append(forwarded, `for="10.1.2.3:80"`)
			} else {
				chain[len(chain)-1] += ", fd00::9"
				forwarded[len(forwarded)-1] += ` , For="[fd00::9]"`
			}
		}
		for _, req := range []*http.Request{
			request("10.0.0.1:80", chain, nil),
			request("10.0.0.1:80", nil, forwarded),
			request("10.0.0.1:80", chain, forwarded),
		} {
			assert.Equal(t, client, r.Client(req), req.Header)
		}
		assert.Equal(t, client, r.Client(request(netip.AddrPortFrom(client, 80).String(), []string{list}, []string{list})))
	})
}

func FuzzClient(f *testing.F) {
	f.Add("10.0.0.1:1", "203.0.113.7, 10.0.0.2", "")
	f.Add("@", "", `for="[2001:db8::7]:_p";host="a\",b"`)
	f.Add("[fe80::1%lo]:1", "[::ffff:1.2.3.4%x]:1", "for=unknown")
	r := NewResolver(proxies)
	f.Fuzz(func(t *testing.T, remote, chain, forwarded string) {
		addr := r.Client(request(remote, strings.Split(chain, "\n"), strings.Split(forwarded, "\n")))
		assert.Empty(t, addr.Zone())
		assert.False(t, addr.Is4In6())
		appended := r.Client(request("10.0.0.1:1", []string{chain + ",203.0.113.7"}, []string{forwarded + `,for="203.0.113.7"`}))
		assert.Equal(t, "203.0.113.7", appended.String())
	})
}

func BenchmarkClient(b *testing.B) {
	r := NewResolver([]netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("::1/128")})
	for _, bb := range []struct {
		name string
		req  *http.Request
	}{
		{"peer", request("203.0.113.7:4711", nil, nil)},
		{"X-Forwarded-For", request("127.0.0.1:4711", []string{"203.0.113.7"}, nil)},
		{"Forwarded", request("[::1]:4711", nil, []string{`for="[2001:db8::7]:99";proto=https`})},
		{"16 KiB of commas", request("127.0.0.1:4711", []string{strings.Repeat(",", 16<<10)}, nil)},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = KeyOf(r.Client(bb.req))
			}
		})
	}
}

func TestNoAllocations(t *testing.T) { //nolint:paralleltest // the allocations of all tests are counted
	r := NewResolver(proxies)
	for _, req := range []*http.Request{
		request("203.0.113.7:4711", nil, nil),
		request("10.0.0.1:4711", []string{"203.0.113.7"}, nil),
		request("10.0.0.1:4711", nil, []string{`for="[2001:db8::7]:99";proto=https`}),
		request("10.0.0.1:4711", []string{"unknown"}, nil),
	} {
		require.Zero(t, testing.AllocsPerRun(100, func() { _ = KeyOf(r.Client(req)) }))
	}
}
