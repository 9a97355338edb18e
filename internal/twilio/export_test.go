package twilio

import (
	"context"

	api "github.com/twilio/twilio-go/rest/api/v2010"
)

const (
	AnswerWithin   = answerWithin
	MaxAnswer      = maxAnswer
	NumbersPerPage = numbersPerPage
	MaxPages       = maxPages
)

// Library is Twilio's own, as our calls use it.
func (c *Client) Library(ctx context.Context) *api.ApiService {
	return (&wire{ctx: ctx, twilio: c}).library()
}
