package twilio

import (
	"regexp"
	"strings"
)

func isTwilio(host string) bool { return within(host, "twilio.com") }

// storage is Amazon S3, in each form of its host names, with and without the name of a bucket.
var storage = regexp.MustCompile(`^([a-z0-9][a-z0-9.-]*\.)?s3([.-][a-z0-9-]+){0,3}\.amazonaws\.com$`)

// storesMedia tells whether Twilio may lead us to a host for a recording.
func storesMedia(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return isTwilio(host) || within(host, "twiliocdn.com") || storage.MatchString(host)
}

func within(host, domain string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == domain || strings.HasSuffix(host, "."+domain)
}
