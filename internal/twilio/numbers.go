package twilio

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"

	api "github.com/twilio/twilio-go/rest/api/v2010"
)

const numbersPerPage = 500

var numberSID = regexp.MustCompile(`^PN[0-9a-f]{32}$`)

// ErrMore says that a list has more pages than are read at once, or no end.
var ErrMore = errors.New("there is more than is listed at once")

// Number is a phone number of the account.
type Number struct {
	SID          string
	PhoneNumber  string
	FriendlyName string
	Voice, SMS   bool // what it is capable of
	Routing
}

// Routing is where Twilio turns when something happens on a number. The names in JSON are Twilio's.
type Routing struct {
	VoiceURL             string `json:"voice_url"`
	VoiceMethod          string `json:"voice_method"`
	VoiceFallbackURL     string `json:"voice_fallback_url"`
	VoiceFallbackMethod  string `json:"voice_fallback_method"`
	StatusCallback       string `json:"status_callback"`
	StatusCallbackMethod string `json:"status_callback_method"`
	SMSURL               string `json:"sms_url"`
	SMSMethod            string `json:"sms_method"`
	// VoiceApplicationSID, or TrunkSID, takes the number's calls away from its voice URLs. Twilio knows one of them at a time.
	VoiceApplicationSID string `json:"voice_application_sid"`
	TrunkSID            string `json:"trunk_sid"`
}

// Numbers lists the account's numbers.
func (c *Client) Numbers(ctx context.Context) ([]Number, error) {
	library := (&wire{ctx: ctx, twilio: c}).library()
	params := new(api.ListIncomingPhoneNumberParams).SetPathAccountSid(c.account).SetPageSize(numbersPerPage)
	var all []Number
	err := c.pages(func(token, page string) (*string, error) {
		got, err := library.PageIncomingPhoneNumber(params, token, page)
		if err != nil {
			return nil, err
		}
		for i := range got.IncomingPhoneNumbers {
			all = append(all, number(&got.IncomingPhoneNumbers[i]))
		}
		return got.NextPageUri, nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the account's numbers: %w", err)
	}
	return all, nil
}

// nextPage takes from an address only what names the page: where it is to be had we know ourselves.
func nextPage(address string) (token, page string, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", "", fmt.Errorf("read the address of the next page: %w", err)
	}
	token, page = u.Query().Get("PageToken"), u.Query().Get("Page")
	if token == "" && page == "" {
		return "", "", errors.New("the address of the next page names no page")
	}
	return token, page, nil
}

// SetNumber routes a number anew, and returns it as it then is. Only what differs from n is sent, so that what somebody else changed
// meanwhile stays; when nothing differs nobody is asked.
func (c *Client) SetNumber(ctx context.Context, n Number, to Routing) (Number, error) {
	if !numberSID.MatchString(n.SID) {
		return Number{}, fmt.Errorf("set number %q: %w", n.SID, ErrSID)
	}
	if n.Routing == to {
		return n, nil
	}
	params := new(api.UpdateIncomingPhoneNumberParams).SetPathAccountSid(c.account)
	for _, s := range []struct {
		now, to string
		set     func(string) *api.UpdateIncomingPhoneNumberParams
	}{
		{n.VoiceURL, to.VoiceURL, params.SetVoiceUrl},
		{n.VoiceMethod, to.VoiceMethod, params.SetVoiceMethod},
		{n.VoiceFallbackURL, to.VoiceFallbackURL, params.SetVoiceFallbackUrl},
		{n.VoiceFallbackMethod, to.VoiceFallbackMethod, params.SetVoiceFallbackMethod},
		{n.StatusCallback, to.StatusCallback, params.SetStatusCallback},
		{n.StatusCallbackMethod, to.StatusCallbackMethod, params.SetStatusCallbackMethod},
		{n.SMSURL, to.SMSURL, params.SetSmsUrl},
		{n.SMSMethod, to.SMSMethod, params.SetSmsMethod},
		{n.VoiceApplicationSID, to.VoiceApplicationSID, params.SetVoiceApplicationSid},
		{n.TrunkSID, to.TrunkSID, params.SetTrunkSid},
	} {
		if s.now != s.to {
			s.set(s.to)
		}
	}
	got, err := (&wire{ctx: ctx, twilio: c}).library().UpdateIncomingPhoneNumber(n.SID, params)
	if err != nil {
		return Number{}, fmt.Errorf("set number %s: %w", n.PhoneNumber, refused(err))
	}
	return number(got), nil
}

func number(n *api.ApiV2010IncomingPhoneNumber) Number {
	all := Number{
		SID: text(n.Sid), PhoneNumber: text(n.PhoneNumber), FriendlyName: text(n.FriendlyName),
		Routing: Routing{
			VoiceURL: text(n.VoiceUrl), VoiceMethod: text(n.VoiceMethod),
			VoiceFallbackURL: text(n.VoiceFallbackUrl), VoiceFallbackMethod: text(n.VoiceFallbackMethod),
			StatusCallback: text(n.StatusCallback), StatusCallbackMethod: text(n.StatusCallbackMethod),
			SMSURL: text(n.SmsUrl), SMSMethod: text(n.SmsMethod),
			VoiceApplicationSID: text(n.VoiceApplicationSid), TrunkSID: text(n.TrunkSid),
		},
	}
	if n.Capabilities != nil {
		all.Voice, all.SMS = n.Capabilities.Voice, n.Capabilities.Sms
	}
	return all
}
