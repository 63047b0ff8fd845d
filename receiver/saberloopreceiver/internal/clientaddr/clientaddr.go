// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

// Package clientaddr finds the address of the client that sent a request.
//
// The client is the peer of the connection, unless the peer is a trusted
// proxy. Then the client is looked up in X-Forwarded-For or Forwarded
// (RFC 7239). Each proxy appends the address it saw, so the lists are read from
// the right: addresses of trusted proxies are skipped, and the first other
// address is the client. Anything further left was sent by the client itself
// and proves nothing.
//
//   - An element that holds no address ("unknown", "_hidden", rubbish) stops the
//     search: the proxy that added it counts as the client.
//   - If all addresses are trusted, the leftmost counts. No more than 32 elements
//     are read.
//   - If a request has both headers and they disagree, one of them was set by
//     the client, and nobody knows which: the peer counts.
//   - The peer of a Unix socket has no address. It is always trusted, since the
//     permissions of the socket decide who may connect; without a header it
//     yields the zero Addr.
//
// Ports, brackets and zones are dropped, and an IPv4-mapped IPv6 address is the
// IPv4 address.
package clientaddr

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// maxElements is the number of elements read of a header: more than the longest
// chain of proxies, and few enough that a header of commas costs nothing.
const maxElements = 32

// Resolver finds the client's address of requests. It may be used by many
// goroutines at once.
type Resolver struct {
	trusted []netip.Prefix
}

// NewResolver returns a Resolver that trusts the proxies in these networks.
func NewResolver(trusted []netip.Prefix) *Resolver {
	r := &Resolver{trusted: make([]netip.Prefix, 0, len(trusted))}
	for _, prefix := range trusted {
		// Addresses are compared unmapped.
		if addr := prefix.Addr(); addr.Is4In6() && prefix.Bits() >= 96 {
			prefix = netip.PrefixFrom(addr.Unmap(), prefix.Bits()-96)
		}
		r.trusted = append(r.trusted, prefix.Masked())
	}
	return r
}

// Client returns the address of the client that sent r.
func (r *Resolver) Client(req *http.Request) netip.Addr {
	peer := Peer(req.RemoteAddr)
	if !r.Trusts(peer) {
		return peer
	}
	chain, forwarded := req.Header["X-Forwarded-For"], req.Header["Forwarded"]
	if len(forwarded) == 0 {
		return r.walk(peer, chain, parseNode)
	}
	client := r.walk(peer, forwarded, parseForwarded)
	if len(chain) > 0 && client != r.walk(peer, chain, parseNode) {
		return peer
	}
	return client
}

// Trusts reports whether addr is a trusted proxy, as the zero Addr is.
func (r *Resolver) Trusts(addr netip.Addr) bool {
	if !addr.IsValid() {
		return true
	}
	for _, prefix := range r.trusted {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// walk returns the rightmost address in the list that is not trusted.
func (r *Resolver) walk(peer netip.Addr, lines []string, parse func(string) (netip.Addr, bool)) netip.Addr {
	last, read := peer, 0
	for _, line := range slices.Backward(lines) {
		rest, more := line, true
		for more {
			if read++; read > maxElements {
				return last
			}
			var element string
			rest, element, more = cutLastElement(rest)
			if element == "" {
				continue // RFC 9110 lets lists have empty elements.
			}
			addr, ok := parse(element)
			if !ok {
				return last
			}
			last = addr
			if !r.Trusts(addr) {
				return last
			}
		}
	}
	return last
}

// Peer returns the address of a connection's remote end, as net.Addr and
// http.Request spell it; the zero Addr where that is no IP address.
func Peer(remote string) netip.Addr {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	return plain(ap.Addr())
}

// Key stands for a client wherever clients are limited: an IPv4 address, the
// /64 network of an IPv6 address, since one client has all addresses in it, or
// all zero for the zero Addr.
type Key [16]byte

// KeyOf returns the key of a client's address.
func KeyOf(addr netip.Addr) Key {
	if !addr.IsValid() {
		return Key{}
	}
	key := Key(addr.As16())
	if addr.Is6() && !addr.Is4In6() {
		clear(key[8:])
	}
	return key
}

// cutLastElement splits a comma-separated list before its last element. Commas
// in quoted strings do not count. It reads from the right, so that nothing to
// the left of an element changes where that element begins.
func cutLastElement(list string) (rest, element string, more bool) {
	quoted := false
	for i := len(list) - 1; i >= 0; i-- {
		switch list[i] {
		case '"':
			if !quoted || !escaped(list, i) {
				quoted = !quoted
			}
		case ',':
			if !quoted {
				return list[:i], trimBlanks(list[i+1:]), true
			}
		}
	}
	return "", trimBlanks(list), false
}

// escaped reports whether an odd number of backslashes precedes s[i].
func escaped(s string, i int) bool {
	n := 0
	for i--; i >= 0 && s[i] == '\\'; i-- {
		n++
	}
	return n%2 == 1
}

// parseForwarded returns the address of the one "for" parameter of an element
// of Forwarded.
func parseForwarded(element string) (addr netip.Addr, ok bool) {
	for more := true; more; {
		var pair string
		pair, element, more = cutPair(element)
		name, value, _ := strings.Cut(pair, "=")
		if !strings.EqualFold(trimBlanks(name), "for") {
			continue
		}
		if ok {
			return netip.Addr{}, false // given twice
		}
		value = trimBlanks(value)
		if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
			value = value[1 : n-1]
		}
		if addr, ok = parseNode(value); !ok {
			return netip.Addr{}, false
		}
	}
	return addr, ok
}

// cutPair splits an element after its first parameter. Semicolons in quoted
// strings do not count.
func cutPair(element string) (pair, rest string, more bool) {
	quoted := false
	for i := 0; i < len(element); i++ {
		switch element[i] {
		case '\\':
			if quoted {
				i++
			}
		case '"':
			quoted = !quoted
		case ';':
			if !quoted {
				return element[:i], element[i+1:], true
			}
		}
	}
	return element, "", false
}

// parseNode parses an IP address with or without a port, and with or without
// brackets where it is IPv6.
func parseNode(s string) (netip.Addr, bool) {
	host := s
	if inner, bracketed := strings.CutPrefix(s, "["); bracketed {
		var port string
		var closed bool
		host, port, closed = strings.Cut(inner, "]")
		if !closed || port != "" && port[0] != ':' || !strings.Contains(host, ":") {
			return netip.Addr{}, false
		}
	} else if i := strings.IndexByte(s, ':'); i >= 0 && strings.IndexByte(s[i+1:], ':') < 0 {
		host = s[:i] // one colon: IPv4 and a port
	}
	if strings.IndexByte(host, '.') < 0 && strings.IndexByte(host, ':') < 0 {
		return netip.Addr{}, false // spares the error that ParseAddr allocates
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}, false
	}
	return plain(addr), true
}

func plain(addr netip.Addr) netip.Addr { return addr.WithZone("").Unmap() }

func trimBlanks(s string) string { return strings.Trim(s, " \t") }
