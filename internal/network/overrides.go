package network

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// ceiling is the longest that Twilio waits for an answer when somebody is on the line, whatever the overrides say.
const ceiling = 15 * time.Second

// overrides are the connection settings that a URL's fragment may carry.
type overrides struct {
	connect time.Duration // ct
	read    time.Duration // rt: until the first byte, and between packets
	total   time.Duration // tt: with all retries
	retries int           // rc
	on      []string      // rp: what is tried again
}

var (
	retryReasons = []string{"4xx", "5xx", "ct", "rt", "all"}
	edges        = []string{"ashburn", "dublin", "frankfurt", "sao-paulo", "singapore", "sydney", "tokyo", "umatilla"}
)

// splitOverrides takes the overrides off a configured URL.
func splitOverrides(configured string) (bare string, o overrides, fault *Fault) {
	o = overrides{connect: 5 * time.Second, read: ceiling, total: ceiling, retries: 1, on: []string{"ct"}}
	bare, fragment, found := strings.Cut(configured, "#")
	if !found || fragment == "" {
		return bare, o, nil
	}
	for setting := range strings.SplitSeq(fragment, "&") {
		name, value, _ := strings.Cut(setting, "=")
		if !o.set(name, value) {
			return bare, o, faultf(codeOverride, "connection override %q", setting).at(configured)
		}
	}
	return bare, o, nil
}

// set reports whether Twilio would take this value.
func (o *overrides) set(name, value string) (ok bool) {
	switch name {
	case "ct":
		o.connect, ok = milliseconds(value, 10*time.Second)
	case "rt":
		o.read, ok = milliseconds(value, ceiling)
	case "tt":
		o.total, ok = milliseconds(value, ceiling)
	case "rc":
		n, err := strconv.Atoi(value)
		o.retries, ok = n, err == nil && n >= 0 && n <= 5
	case "rp":
		o.on = strings.Split(value, ",")
		ok = !slices.ContainsFunc(o.on, func(reason string) bool { return !slices.Contains(retryReasons, reason) })
	case "sni":
		ok = value == "y" || value == "n"
	case "e":
		ok = areEdges(strings.Split(value, ","))
	}
	return ok
}

func areEdges(names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool {
		return !slices.Contains(edges, strings.TrimSuffix(name, "-ix"))
	})
}

func milliseconds(value string, most time.Duration) (time.Duration, bool) {
	n, err := strconv.Atoi(value)
	d := time.Duration(n) * time.Millisecond
	return d, err == nil && n >= 100 && d <= most
}

// repeats tells whether a request that failed like this is made again.
func (o overrides) repeats(f *Fault) bool {
	return f.retry != "" && (slices.Contains(o.on, f.retry) || slices.Contains(o.on, "all"))
}
