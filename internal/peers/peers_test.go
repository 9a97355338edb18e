package peers_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/maskline/maskline/internal/peers"
)

func TestAPeerIsWhoTrustedProxiesSay(t *testing.T) {
	t.Parallel()
	const none = ""
	for _, c := range []struct {
		name, proxies, remote string
		forwardedFor          []string
		want                  string
		limited               bool
	}{
		{"the connection", none, "203.0.113.7:4711", nil, "203.0.113.7", true},
		{"a header of a stranger", none, "203.0.113.7:4711", []string{"198.51.100.1"}, "203.0.113.7", true},
		{"loopback", none, "127.0.0.1:4711", nil, "127.0.0.1", false},
		{"loopback by IPv6", none, "[::1]:4711", nil, "::/64", false},
		{"a proxy on this machine that nobody trusts", none, "127.0.0.1:4711", []string{"203.0.113.7"}, "127.0.0.1", false},
		{"a private address", none, "10.1.2.3:4711", nil, "10.1.2.3", false},
		{"another", none, "192.168.1.2:4711", nil, "192.168.1.2", false},
		{"an address of a carrier's network", none, "100.64.1.1:4711", nil, "100.64.1.1", false},
		{"a link-local address with a zone", none, "[fe80::1%eth0]:4711", nil, "fe80::/64", false},
		{"a unique local address", none, "[fd00::1]:4711", nil, "fd00::/64", false},
		{"IPv6", none, "[2001:db8:1:2:3::4]:4711", nil, "2001:db8:1:2::/64", true},
		{"IPv4 in IPv6", none, "[::ffff:203.0.113.7]:4711", nil, "203.0.113.7", true},
		{"loopback in IPv6", none, "[::ffff:127.0.0.1]:4711", nil, "127.0.0.1", false},
		{"no address", none, "@", nil, "unknown", false},

		{"named by a proxy", "127.0.0.0/8", "127.0.0.1:4711", []string{"203.0.113.7"}, "203.0.113.7", true},
		{"rightmost", "127.0.0.0/8", "127.0.0.1:4711", []string{"198.51.100.1, 203.0.113.7"}, "203.0.113.7", true},
		{"rightmost of several headers", "127.0.0.0/8", "127.0.0.1:4711", []string{"198.51.100.1", "203.0.113.7"}, "203.0.113.7", true},
		{"behind two proxies", "127.0.0.0/8,10.0.0.0/8", "127.0.0.1:4711", []string{"198.51.100.1, 203.0.113.7, 10.0.0.5"}, "203.0.113.7", true},
		{"a private address that a proxy names", "127.0.0.0/8", "127.0.0.1:4711", []string{"192.168.1.2"}, "192.168.1.2", true},
		{"a loopback address that a proxy names", "10.0.0.0/8", "10.0.0.1:4711", []string{"127.0.0.1"}, "127.0.0.1", true},
		{"with a port", "127.0.0.0/8", "127.0.0.1:4711", []string{"203.0.113.7:1234"}, "203.0.113.7", true},
		{"IPv6 with a port", "127.0.0.0/8", "127.0.0.1:4711", []string{"[2001:db8::1]:1234"}, "2001:db8::/64", true},
		{"IPv6 in brackets", "127.0.0.0/8", "127.0.0.1:4711", []string{"[2001:db8::1]"}, "2001:db8::/64", true},
		{"a proxy with an IPv6 address", "2001:db8:ffff::/48", "[2001:db8:ffff::1]:4711", []string{"203.0.113.7"}, "203.0.113.7", true},
		{"a single proxy", "198.51.100.9", "198.51.100.9:4711", []string{"203.0.113.7"}, "203.0.113.7", true},
		{"not that proxy", "198.51.100.9", "198.51.100.8:4711", []string{"203.0.113.7"}, "198.51.100.8", true},

		{"the proxy itself", "198.51.100.0/24", "198.51.100.9:4711", nil, "198.51.100.9", false},
		{"proxies only", "198.51.100.0/24", "198.51.100.9:4711", []string{"198.51.100.8"}, "198.51.100.9", false},
		{"what is no address", "198.51.100.0/24", "198.51.100.9:4711", []string{"203.0.113.7, unknown"}, "198.51.100.9", false},
		{"an empty header", "198.51.100.0/24", "198.51.100.9:4711", []string{""}, "198.51.100.9", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var cidrs []string
			if c.proxies != none {
				cidrs = strings.Split(c.proxies, ",")
			}
			proxies, err := peers.Parse(cidrs)
			if err != nil {
				t.Fatal(err)
			}
			got := proxies.Peer(c.remote, c.forwardedFor)
			if got.String() != c.want || got.Limited != c.limited {
				t.Errorf("got %s, limited: %t; want %s, %t", got, got.Limited, c.want, c.limited)
			}
		})
	}
}

func TestCIDRsAreChecked(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"10.0.0.0/8": true, " 10.0.0.0/8 ": true, "10.1.2.3/8": true, "10.1.2.3": true, "2001:db8::/32": true, "::1": true,
		"": false, "proxy": false, "10.0.0.0/33": false, "10.0.0/8": false, "0.0.0.0/0": false, "::/0": false, "fe80::1%eth0": false, "::ffff:10.0.0.0/104": false,
	} {
		if _, err := peers.Parse([]string{text}); (err == nil) != ok {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func TestProxiesAreRecognised(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"X-Forwarded-For": true, "X-Forwarded-Host": true, "X-Forwarded-Proto": true, "Forwarded": true, "Via": true, "X-Real-IP": true, "CF-Connecting-IP": true,
		"True-Client-IP": true, "X-Forwarded": true, "X-Original-Forwarded-For": true, "X-Original-URI": true, "User-Agent": false, "Authorization": false, "Accept": false,
	} {
		h := http.Header{}
		h.Set(name, "x")
		if peers.Forwarded(h) != want {
			t.Errorf("%s: got %t", name, !want)
		}
	}
}

func TestAPeerIsInTheContext(t *testing.T) {
	t.Parallel()
	p := peers.Proxies(nil).Peer("203.0.113.7:1", nil)
	if got := peers.From(peers.With(t.Context(), p)); got != p {
		t.Errorf("got %v", got)
	}
	if got := peers.From(t.Context()); got.Limited {
		t.Errorf("got %v", got)
	}
}
