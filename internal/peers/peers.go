// Package peers tells who sent a request: the address of its connection, or the address that a trusted proxy names.
//
// Limits of one peer apply to public addresses, and to every address that a trusted proxy names. They never apply to a trusted proxy, nor to a
// loopback or private address that no trusted proxy names: everybody may come through one of these.
package peers

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Peer is the sender of a request. It is comparable. The zero Peer is unknown and not limited.
type Peer struct {
	Network netip.Prefix // one IPv4 address, or the /64 of an IPv6 address, which one subscriber has as a whole
	Limited bool         // whether limits of one peer apply
}

// String is the address, or the network of an IPv6 address.
func (p Peer) String() string {
	switch {
	case !p.Network.IsValid():
		return "unknown"
	case p.Network.IsSingleIP():
		return p.Network.Addr().String()
	}
	return p.Network.String()
}

// Proxies are the networks of trusted proxies.
type Proxies []netip.Prefix

// Parse reads CIDRs. A single address stands for itself.
func Parse(cidrs []string) (Proxies, error) {
	var all Proxies
	for _, text := range cidrs {
		text = strings.TrimSpace(text)
		p, err := netip.ParsePrefix(text)
		if addr, notAddr := netip.ParseAddr(text); err != nil && notAddr == nil && addr.Zone() == "" {
			p, err = addr.Prefix(addr.BitLen())
		}
		switch {
		case err != nil:
			return nil, fmt.Errorf("%q is not a CIDR such as 10.0.0.0/8", text)
		case p.Bits() == 0:
			return nil, fmt.Errorf("%q trusts every address, so no peer is left to be named", text)
		case p.Addr().Is4In6():
			return nil, fmt.Errorf("%q: write IPv4 networks as 10.0.0.0/8", text)
		}
		all = append(all, p.Masked())
	}
	return all, nil
}

func (p Proxies) trust(a netip.Addr) bool {
	return slices.ContainsFunc(p, func(n netip.Prefix) bool { return n.Contains(a) })
}

// Peer is who sent a request that came from remote, an address with a port, with these X-Forwarded-For headers. From a trusted proxy it is the
// rightmost address in them that is not a trusted proxy's. When there is none, or a proxy wrote something else than an address, it is the
// connection's address.
func (p Proxies) Peer(remote string, forwardedFor []string) Peer {
	connection := address(remote)
	if !connection.IsValid() {
		return Peer{}
	}
	if !p.trust(connection) {
		return Peer{network(connection), !mayBeShared(connection)}
	}
	for _, hop := range slices.Backward(strings.Split(strings.Join(forwardedFor, ","), ",")) {
		a := address(hop)
		if !a.IsValid() {
			break
		}
		if !p.trust(a) {
			return Peer{network(a), true}
		}
	}
	return Peer{network(connection), false}
}

// address reads an IP address with or without a port; the zero address when it is none.
func address(text string) netip.Addr {
	text = strings.TrimSpace(text)
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

// network is what belongs to one subscriber.
func network(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	n, _ := a.Prefix(bits) // it fails for the zero address only
	return n
}

var carrierGrade = netip.MustParsePrefix("100.64.0.0/10")

// mayBeShared tells whether an address is that of this machine or of a private network, where a proxy may stand.
func mayBeShared(a netip.Addr) bool {
	return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || carrierGrade.Contains(a)
}

// marks are the headers by which proxies say that they pass a request on; prefixes are what others of them begin with.
var (
	marks = []string{"Forwarded", "Forwarded-For", "Via", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "X-Envoy-External-Address", "X-Proxyuser-Ip",
		"True-Client-Ip", "Cf-Connecting-Ip", "Cf-Ray", "Fastly-Client-Ip", "Fly-Client-Ip", "Cdn-Loop"}
	prefixes = []string{"X-Forwarded", "X-Original-"}
)

// Forwarded tells whether a proxy passed a request on, by any header that proxies set for that.
func Forwarded(h http.Header) bool {
	for name := range h {
		begins := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
		if slices.Contains(marks, name) || slices.ContainsFunc(prefixes, begins) {
			return true
		}
	}
	return false
}

type key struct{}

// With puts the peer of a request into its context.
func With(ctx context.Context, p Peer) context.Context { return context.WithValue(ctx, key{}, p) }

// From is the peer that With has put into the context; the zero Peer when there is none.
func From(ctx context.Context) Peer {
	p, _ := ctx.Value(key{}).(Peer)
	return p
}
