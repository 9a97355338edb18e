package twilio

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/twilio/twilio-go/client"
	api "github.com/twilio/twilio-go/rest/api/v2010"
)

const (
	answerWithin = 20 * time.Second // for one request with its answer, where the context leaves more
	maxAnswer    = 8 << 20
)

// Twilio's own numbers for refusals that are worth telling apart.
const (
	CodeNotActive       = 20005 // the account is suspended or closed
	CodeTestCredentials = 20008 // these are test credentials, which may do almost nothing
)

// Account is what Twilio says of the account as a whole.
type Account struct {
	Status string // active, suspended or closed
	Type   string // Trial or Full
	// Date is what time it was at Twilio when it answered, to the second. It is told with an error too, if there was an answer.
	Date time.Time
}

// Account asks for the account. Twilio refuses that to API keys of the usual kind, which may do everything else.
func (c *Client) Account(ctx context.Context) (Account, error) {
	w := &wire{ctx: ctx, twilio: c}
	got, err := w.library().FetchAccount(c.account)
	if err != nil {
		return Account{Date: w.date}, fmt.Errorf("ask for the account: %w", refused(err))
	}
	return Account{Status: text(got.Status), Type: text(got.Type), Date: w.date}, nil
}

// wire is what Twilio's library talks through for one call of ours. The library knows no context, no other host than Twilio's, reads
// answers of any length, and leaves those that it does not like open.
type wire struct {
	ctx    context.Context
	twilio *Client
	date   time.Time // of the latest answer
}

// library is Twilio's, with nothing of its own to decide: the credentials are set in send, where it is known to whom they go, and the
// request handler is not made by its constructor, which would let TWILIO_EDGE and TWILIO_REGION take the requests elsewhere.
func (w *wire) library() *api.ApiService {
	base := &client.Client{Credentials: &client.Credentials{}, HTTPClient: &http.Client{Transport: w}}
	return api.NewApiService(&client.RequestHandler{Client: verbatim{base}})
}

// RoundTrip sends the library's request to our base URL, and gives an answer that is whole, or an *Error.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(w.ctx, answerWithin)
	defer cancel()
	address, err := url.Parse(w.twilio.base.String() + r.URL.RequestURI())
	if err != nil {
		return nil, err
	}
	r = r.Clone(ctx)
	r.URL, r.Host = address, ""
	resp, err := w.twilio.send(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // by then all that we want of it is read
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		w.date = date
	}
	if err := answerError(resp, http.StatusOK); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, &Error{Err: err}
	case len(body) > maxAnswer || !json.Valid(body):
		return nil, &Error{Status: resp.StatusCode, Message: "but not with what was asked for"}
	}
	answer := *resp
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return &answer, nil
}

// refused is the *Error in what the library returns.
func refused(err error) error {
	if e := new(Error); errors.As(err, &e) {
		return e
	}
	return &Error{Status: http.StatusOK, Message: "but not as its library expects: " + err.Error()}
}

// verbatim is the library's client without its habit of cutting dots, and the digits behind them, out of queries.
type verbatim struct{ *client.Client }

// SendRequest puts the query into the address, where the library leaves it alone.
func (v verbatim) SendRequest(method, address string, data url.Values, headers map[string]any, body ...byte) (*http.Response, error) {
	if (method == http.MethodGet || method == http.MethodDelete) && len(data) > 0 {
		address, data = address+"?"+data.Encode(), nil
	}
	return v.Client.SendRequest(method, address, data, headers, body...)
}

// text is what Twilio says where it may say null.
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
