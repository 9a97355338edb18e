package twilio_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/maskline/maskline/internal/twilio"
)

// road leads from Twilio's API to an address.
type road struct {
	to    string
	asked []*http.Request
}

func (r *road) RoundTrip(req *http.Request) (*http.Response, error) {
	r.asked = append(r.asked, req)
	if len(r.asked) == 1 {
		return &http.Response{StatusCode: http.StatusFound, Header: http.Header{"Location": {r.to}}, Body: http.NoBody, Request: req}, nil
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("audio")), ContentLength: 5, Request: req}, nil
}

// Twilio's API leads to its own hosts and to its storage only, which never see our credentials. Where TWILIO_API_URL leads elsewhere, anything
// goes: the other tests of redirects show that.
func TestMediaIsFetchedFromTwiliosHostsAndItsStorageOnly(t *testing.T) {
	t.Parallel()
	for to, allowed := range map[string]bool{
		"https://media.twiliocdn.com/AC/RE?sig=1":                         true,
		"https://api.dublin.ie1.twilio.com/x":                             true,
		"https://S3.amazonaws.com/com.twilio.prod/x":                      true,
		"https://s3-external-1.amazonaws.com/media.twiliocdn.com/AC/x":    true,
		"https://s3.us-east-1.amazonaws.com/bucket/x":                     true,
		"https://bucket.s3.amazonaws.com/x":                               true,
		"https://com.twilio.bucket.s3.dualstack.eu-west-1.amazonaws.com/": true,
		"https://evil.example/x":                                          false,
		"https://169.254.169.254/latest":                                  false,
		"https://localhost/x":                                             false,
		"https://eviltwilio.com/x":                                        false,
		"https://twilio.com.evil.example/x":                               false,
		"https://s3.amazonaws.com.evil.example/x":                         false,
		"https://ec2-1-2-3-4.compute-1.amazonaws.com/x":                   false,
		"https://evils3.amazonaws.com/x":                                  false,
		"https://api.twilio.com@evil.example/x":                           false,
		"http://media.twiliocdn.com/x":                                    false,
	} {
		r := &road{to: to}
		c, err := twilio.New(twilio.Config{BaseURL: "https://api.twilio.com", AccountSID: account, User: account, Password: "secret", HTTP: &http.Client{Transport: r}})
		if err != nil {
			t.Fatal(err)
		}
		media, err := c.OpenRecording(t.Context(), "RE"+strings.Repeat("0", 32))
		if (err == nil) != allowed || (len(r.asked) == 2) != allowed {
			t.Errorf("%s: got %v after %d requests, allowed is %t", to, err, len(r.asked), allowed)
		}
		if media != nil {
			_ = media.Body.Close()
		}
		if err != nil && strings.Contains(err.Error(), "evil") {
			t.Errorf("%s: the address is quoted: %v", to, err)
		}
		for i, req := range r.asked {
			if _, _, has := req.BasicAuth(); has != (i == 0) {
				t.Errorf("%s: request %d has credentials: %t", to, i, has)
			}
		}
	}
}
