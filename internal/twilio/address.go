package twilio

import (
	"slices"
	"strings"
)

// address is a URL cut into pieces of text. Parsing and printing it by net/url would re-encode some bytes, and the signature
// covers the bytes.
type address struct {
	scheme, host, port string
	rest               string // path and query, verbatim
}

// split drops the user and the fragment, which are never signed.
func split(rawURL string) (address, bool) {
	rawURL, _, _ = strings.Cut(rawURL, "#")
	scheme, after, ok := strings.Cut(rawURL, "://")
	if !ok {
		return address{}, false
	}
	authority, rest := after, ""
	if i := strings.IndexAny(after, "/?"); i >= 0 {
		authority, rest = after[:i], after[i:]
	}
	authority = authority[strings.LastIndex(authority, "@")+1:]
	host, port := splitPort(authority)
	return address{scheme: scheme, host: host, port: port, rest: rest}, scheme != "" && host != ""
}

// splitPort leaves the colons of an IPv6 address in brackets alone.
func splitPort(authority string) (host, port string) {
	i := strings.LastIndex(authority, ":")
	if i < 0 || i < strings.LastIndex(authority, "]") {
		return authority, ""
	}
	return authority[:i], authority[i+1:]
}

func (a address) String() string {
	if a.port == "" {
		return a.scheme + "://" + a.host + a.rest
	}
	return a.scheme + "://" + a.host + ":" + a.port + a.rest
}

func (a address) query() string {
	_, query, _ := strings.Cut(a.rest, "?")
	return query
}

// candidates are the forms in which Twilio may have signed the address. It drops the port of a voice webhook over https, and keeps it over http
// and for messages. And it signs an address as it was configured, while HTTP clients escape quotes in a query, or leave them plain: both
// spellings mean the same query.
func (a address) candidates() (all []string) {
	ports := []string{"", a.port}
	if a.port == "" {
		ports[1] = map[string]string{"https": "443", "http": "80"}[a.scheme]
	}
	path, query, found := strings.Cut(a.rest, "?")
	rests := []string{a.rest}
	if found {
		rests = append(rests, path+"?"+plainQuotes.Replace(query), path+"?"+escapedQuotes.Replace(query))
	}
	for _, rest := range slices.Compact(rests) {
		for _, port := range ports {
			all = append(all, address{a.scheme, a.host, port, rest}.String())
		}
	}
	return all
}

var (
	plainQuotes   = strings.NewReplacer("%27", "'", "%22", `"`)
	escapedQuotes = strings.NewReplacer("'", "%27", `"`, "%22")
)
