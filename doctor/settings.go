package doctor

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
)

// examineSettings looks at what the start lets pass although Twilio will not: all else that is malformed or contradictory is refused there.
func (p Patient) examineSettings() Finding {
	fault, level := publicFault(p.PublicURL)
	switch {
	case fault == "":
		return fine(areaSettings, fmt.Sprintf("PUBLIC_URL is %s: Twilio can reach such an address.", p.PublicURL))
	case !p.Twilio.real():
		return fine(areaSettings, fmt.Sprintf("PUBLIC_URL is %s: good enough, since TWILIO_API_URL does not lead to Twilio.", p.PublicURL))
	}
	return Finding{
		Area: areaSettings, Level: level, What: fmt.Sprintf("PUBLIC_URL is %s: %s.", p.PublicURL, fault),
		Mend: "Set PUBLIC_URL to the https:// address at which the world reaches this service; a tunnel gives you one.",
	}
}

func (p Patient) examineMisspelt() (all []Finding) {
	for _, says := range p.Misspelt {
		all = append(all, warning(areaSettings, says, "Correct the name, or remove the variable."))
	}
	return all
}

// examineFolder tells whether files can be made in DATA_DIR.
func (p Patient) examineFolder() []Finding {
	err := os.MkdirAll(p.DataDir, 0o700)
	if err == nil {
		var probe *os.File
		if probe, err = os.CreateTemp(p.DataDir, ".probe-*.tmp"); err == nil {
			err = errors.Join(probe.Close(), os.Remove(probe.Name()))
		}
	}
	if err != nil {
		return []Finding{trouble(areaSettings, fmt.Sprintf("Nothing can be written to DATA_DIR: %v.", err), "See who may write there, or set DATA_DIR to another folder.")}
	}
	return nil
}

// unreachable tells that Twilio would ask us in vain.
func (p Patient) unreachable() bool {
	_, level := publicFault(p.PublicURL)
	return p.Twilio.real() && level == Trouble
}

// real tells Twilio from what stands in for it.
func (c Credentials) real() bool {
	u, err := url.Parse(c.APIURL)
	if err != nil {
		return false
	}
	host := strings.ToLower(u.Hostname())
	return host == "twilio.com" || strings.HasSuffix(host, ".twilio.com")
}

// publicFault is what keeps the world from an address, or is dangerous about it.
func publicFault(address string) (fault string, level Level) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "":
		return "that is no address", Trouble
	case private(strings.ToLower(u.Hostname())):
		return "nobody outside reaches that host, Twilio neither", Trouble
	case strings.Contains(u.Hostname(), "_"):
		return "Twilio refuses host names with an underscore", Trouble
	case u.Scheme != "https":
		return "without https everybody on the way reads the callers' numbers and the tokens of your users", Warning
	}
	return "", OK
}

// withinOnly are the ends of names that mean something within a machine or a building only.
var withinOnly = []string{"localhost", "local", "localdomain", "internal", "intranet", "lan", "home", "home.arpa", "test", "invalid"}

// shared is what carriers give to customers behind their NAT.
var shared = netip.MustParsePrefix("100.64.0.0/10")

func private(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		ip = ip.Unmap()
		return !ip.IsGlobalUnicast() || ip.IsPrivate() || shared.Contains(ip)
	}
	host = strings.TrimSuffix(host, ".")
	return !strings.Contains(host, ".") ||
		slices.ContainsFunc(withinOnly, func(end string) bool { return strings.HasSuffix(host, "."+end) })
}
