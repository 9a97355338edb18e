package twilio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

const maxPages = 100

// maxRedirects is how far a recording is followed to where Twilio keeps it.
const maxRedirects = 5

var (
	accountSID   = regexp.MustCompile(`^AC[0-9a-f]{32}$`)
	recordingSID = regexp.MustCompile(`^RE[0-9a-f]{32}$`)
	callSID      = regexp.MustCompile(`^CA[0-9a-fA-F]{32}$`)
)

// ErrSID says that an identifier is not one of Twilio's, so that no request was made.
var ErrSID = errors.New("malformed SID")

// Config says where Twilio is and who we are to it.
type Config struct {
	BaseURL    string // such as https://api.twilio.com
	AccountSID string
	User       string       // an API key's SID, or the account's
	Password   string       // the key's secret, or the account's token
	HTTP       *http.Client // nil: one with sensible limits

	Now     func() time.Time // nil: the system's clock
	Silence time.Duration    // in which nothing comes is no answer any more; 0: 20 s

	PerPage, MaxPages int // of what is listed at once; 0: 1000, the most that Twilio gives, and 100
}

// Client calls Twilio's REST API. It is safe for concurrent use and repeats nothing by itself. While Twilio is in trouble most requests are
// refused at once, with an *Error that says when to come again.
type Client struct {
	base           *url.URL
	account        string
	user, password string
	http           *http.Client
	manners        *manners

	perPage, maxPages int
}

// New checks the configuration and contacts nobody.
func New(cfg Config) (*Client, error) {
	base, err := url.Parse(strings.TrimRight(cfg.BaseURL, "/"))
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" {
		return nil, errors.New("the base URL is not an http or https address")
	}
	if base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New("the base URL has more than a host and a path")
	}
	if !accountSID.MatchString(cfg.AccountSID) {
		return nil, fmt.Errorf("account %q: %w", cfg.AccountSID, ErrSID)
	}
	client := http.Client{Transport: transport()}
	if cfg.HTTP != nil {
		client = *cfg.HTTP
	}
	// Redirects are followed by hand, because net/http shows credentials to any port of the same host.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{base: base, account: cfg.AccountSID, user: cfg.User, password: cfg.Password, http: &client, manners: newManners(cfg), perPage: cmp.Or(cfg.PerPage, 1000), maxPages: cmp.Or(cfg.MaxPages, maxPages)}, nil
}

func transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = 15 * time.Second
	t.DisableCompression = true
	return t
}

// Media is a recording on its way; the Body is the caller's to close, and ends in an error when it is cut short.
type Media struct {
	Body        io.ReadCloser
	ContentType string
	Length      int64 // -1: not announced
}

// OpenRecording fetches a recording as WAV with one channel, from an address made of its SID alone. While Twilio does not have
// it yet, the error is an *Error that is NotFound.
func (c *Client) OpenRecording(ctx context.Context, sid string) (*Media, error) {
	if !recordingSID.MatchString(sid) {
		return nil, fmt.Errorf("fetch recording %q: %w", sid, ErrSID)
	}
	media, err := c.media(ctx, "Recordings/"+sid+".wav?RequestedChannels=1")
	if refused := new(Error); errors.As(err, &refused) && refused.Status == http.StatusBadRequest {
		// Some recordings refuse any wish for channels.
		media, err = c.media(ctx, "Recordings/"+sid+".wav")
	}
	if err != nil {
		return nil, fmt.Errorf("fetch recording %s: %w", sid, err)
	}
	return media, nil
}

// DeleteRecording deletes a recording at Twilio; one that is not there counts as deleted.
func (c *Client) DeleteRecording(ctx context.Context, sid string) error {
	if !recordingSID.MatchString(sid) {
		return fmt.Errorf("delete recording %q: %w", sid, ErrSID)
	}
	resp, err := c.do(ctx, http.MethodDelete, c.resource("Recordings/"+sid+".json"))
	if err == nil {
		err = errors.Join(answerError(resp, http.StatusNoContent), resp.Body.Close())
	}
	if refused := new(Error); errors.As(err, &refused) && refused.NotFound() {
		return nil
	}
	if err != nil {
		return fmt.Errorf("delete recording %s: %w", sid, err)
	}
	return nil
}

func (c *Client) media(ctx context.Context, path string) (*Media, error) {
	leave, err := c.manners.seatForMedia(ctx)
	if err != nil {
		return nil, err
	}
	resp, err := c.follow(ctx, c.resource(path))
	if err != nil {
		leave()
		return nil, err
	}
	resp.Body = seated{resp.Body, leave}
	if err := answerError(resp, http.StatusOK); err != nil {
		return nil, errors.Join(err, resp.Body.Close())
	}
	// We asked for the bytes as they are; unpacking would let a small answer grow without end.
	if encoding := resp.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, errors.Join(fmt.Errorf("answer is packed as %q", encoding), resp.Body.Close())
	}
	return &Media{Body: resp.Body, ContentType: resp.Header.Get("Content-Type"), Length: resp.ContentLength}, nil
}

func (c *Client) follow(ctx context.Context, address string) (*http.Response, error) {
	for range maxRedirects + 1 {
		resp, err := c.do(ctx, http.MethodGet, address)
		if err != nil || !redirects(resp.StatusCode) {
			return resp, err
		}
		next, err := c.target(resp)
		if err := errors.Join(err, resp.Body.Close()); err != nil {
			return nil, err
		}
		address = next
	}
	return nil, fmt.Errorf("more than %d redirects", maxRedirects)
}

func redirects(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// target is where a redirect leads. Twilio itself leads nowhere but to its own hosts and to where it stores media.
func (c *Client) target(resp *http.Response) (string, error) {
	next, err := resp.Location()
	if err != nil {
		return "", fmt.Errorf("read redirect: %w", err)
	}
	if next.Scheme != "https" && next.Scheme != resp.Request.URL.Scheme {
		return "", fmt.Errorf("redirected from %s to %s", resp.Request.URL.Scheme, next.Scheme)
	}
	if isTwilio(c.base.Hostname()) && !storesMedia(next.Hostname()) {
		return "", errors.New("redirected to a host that is neither Twilio's nor its storage's")
	}
	return next.String(), nil
}

func (c *Client) do(ctx context.Context, method, address string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	return c.send(req)
}

// send shows our credentials to the host of the base URL only.
func (c *Client) send(req *http.Request) (*http.Response, error) {
	req.Header.Set("Accept-Encoding", "identity")
	if req.URL.Scheme == c.base.Scheme && req.URL.Host == c.base.Host && req.URL.User == nil {
		req.SetBasicAuth(c.user, c.password)
	}
	return c.manners.ask(req, c.http.Do)
}

// withoutURL keeps addresses out of logs: the one of a redirect may be all that is needed to fetch the audio.
func withoutURL(err error) error {
	if e := new(url.Error); errors.As(err, &e) {
		return e.Err
	}
	return err
}

func (c *Client) resource(path string) string {
	return c.base.String() + "/2010-04-01/Accounts/" + c.account + "/" + path
}
