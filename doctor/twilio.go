package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/maskline/maskline/internal/twilio"
)

// office is what Twilio has for us.
type office struct {
	asked   bool // false: it could not be asked
	numbers []twilio.Number
	trial   bool
}

const console = "console.twilio.com"

const (
	theToken = "TWILIO_AUTH_TOKEN" // #nosec G101 -- the name of a setting, not its value
	theKey   = "TWILIO_API_KEY with its TWILIO_API_SECRET"
)

// client reaches Twilio with the token, or with the API key.
func (c Credentials) client(withKey bool) (*twilio.Client, error) {
	cfg := twilio.Config{BaseURL: c.APIURL, AccountSID: c.AccountSID, User: c.AccountSID, Password: c.AuthToken}
	if withKey {
		cfg.User, cfg.Password = c.APIKey, c.APISecret
	}
	return twilio.New(cfg)
}

// rest reaches Twilio as the service does.
func (c Credentials) rest() (*twilio.Client, error) {
	if c.missing() {
		return nil, errors.New("no Twilio account is set: set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN")
	}
	return c.client(c.APIKey != "")
}

func (c Credentials) missing() bool {
	return c.AccountSID == "" || c.AuthToken == "" && c.APIKey == ""
}

func (p Patient) examineTwilio(ctx context.Context) ([]Finding, office) {
	c := p.Twilio
	const bothStand = "Set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN: both stand on the first page of " + console + ", under Account Info."
	if c.missing() {
		what := "No Twilio account is set"
		if c.AccountSID != "" {
			what = theToken + " is not set"
		}
		return []Finding{trouble(areaTwilio, what+": every webhook gets 503, so no call is answered.", bothStand)}, office{}
	}
	if _, err := c.client(false); errors.Is(err, twilio.ErrSID) {
		return []Finding{trouble(areaTwilio, "TWILIO_ACCOUNT_SID is no account's.",
			"An account's SID is AC and 32 digits and small letters a to f. An API key's, SK…, belongs into TWILIO_API_KEY.")}, office{}
	} else if err != nil {
		return []Finding{trouble(areaTwilio, fmt.Sprintf("TWILIO_API_URL: %v.", err), "Leave TWILIO_API_URL unset to use Twilio's own.")}, office{}
	}
	var all []Finding
	if c.AuthToken == "" {
		all = append(all, trouble(areaTwilio, theToken+" is not set: every webhook gets 503, so no call is answered. An API key signs nothing.", bothStand))
	}
	account, trial, usable := p.examineAccount(ctx)
	all = append(all, account...)
	if !usable && c.APIKey == "" {
		return all, office{trial: trial}
	}
	list, numbers := p.listNumbers(ctx)
	numbers.trial = trial
	for _, f := range list {
		if !slices.Contains(all, f) { // what keeps us from the account as a rule keeps us from the numbers
			all = append(all, f)
		}
	}
	return all, numbers
}

// examineAccount asks with the token where there is one, since it is what signs webhooks. Usable tells whether more can be asked with it.
func (p Patient) examineAccount(ctx context.Context) (all []Finding, trial, usable bool) {
	withKey, secret := p.Twilio.AuthToken == "", theToken
	if withKey {
		secret = theKey
	}
	client, err := p.Twilio.client(withKey)
	if err != nil {
		return []Finding{trouble(areaTwilio, err.Error(), "")}, false, false
	}
	got, err := client.Account(ctx)
	clock := examineClock(got.Date, p.now())
	if denied(err) && withKey {
		return append([]Finding{warning(areaTwilio, "The API key may not ask for the account, as keys of the usual kind may not: whether it is suspended or on trial is not known.",
			"Set "+theToken+", which is needed anyhow.")}, clock...), false, false
	}
	if err != nil {
		return append([]Finding{p.diagnose(err, secret)}, clock...), false, !denied(err)
	}
	return append(judgeAccount(got, p.Twilio.AccountSID), clock...), got.Type == "Trial", true
}

func denied(err error) bool {
	var e *twilio.Error
	return errors.As(err, &e) && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden || e.Status == http.StatusNotFound)
}

func (p Patient) listNumbers(ctx context.Context) ([]Finding, office) {
	secret := theToken
	if p.Twilio.APIKey != "" {
		secret = theKey
	}
	client, err := p.Twilio.rest()
	if err != nil {
		return []Finding{trouble(areaTwilio, err.Error(), "")}, office{}
	}
	numbers, err := client.Numbers(ctx)
	switch {
	case err != nil:
		return []Finding{p.diagnose(err, secret)}, office{}
	case secret == theKey:
		return []Finding{fine(areaTwilio, "The API key opens the account.")}, office{asked: true, numbers: numbers}
	}
	return nil, office{asked: true, numbers: numbers}
}

// judgeAccount looks at what Twilio says of the account.
func judgeAccount(a twilio.Account, sid string) []Finding {
	if a.Status != "active" {
		return []Finding{notActive(fmt.Sprintf("The account %s is %s", sid, a.Status))}
	}
	all := []Finding{fine(areaTwilio, fmt.Sprintf("The account %s is active.", sid))}
	if a.Type == "Trial" {
		all = append(all, warning(areaTwilio, "This is a trial account. Twilio connects it with verified numbers only, one or a few calls at a time; and on trials of the present kind it "+
			"replaces <Record> and <Dial><Number> by a spoken sentence, so that nothing is forwarded and no voicemail is taken.",
			"Upgrade the account at "+console+"; until then verify every phone that calls or is called."))
	}
	return all
}

func notActive(what string) Finding {
	return trouble(areaTwilio, what+": it makes and takes no calls.", "See at "+console+" what Twilio wants; most often it is money.")
}

// diagnose says what a request to Twilio failed of. secret is what it was made with.
func (p Patient) diagnose(err error, secret string) Finding {
	var e *twilio.Error
	if !errors.As(err, &e) {
		return trouble(areaTwilio, fmt.Sprintf("Twilio's answer can't be used: %v.", err), "See whether TWILIO_API_URL leads to Twilio.")
	}
	switch {
	case e.Status == 0:
		return trouble(areaTwilio, fmt.Sprintf("Twilio does not answer at TWILIO_API_URL: %v.", e.Err),
			"See whether this machine reaches that address: a firewall, a proxy, the name server.")
	case e.Code == twilio.CodeNotActive:
		return notActive("The account " + p.Twilio.AccountSID + " is not active")
	case e.Code == twilio.CodeTestCredentials:
		return trouble(areaTwilio, fmt.Sprintf("%s and TWILIO_ACCOUNT_SID are Twilio's test credentials, with which no call comes.", secret), "Use the live ones: "+console+", under Account Info.")
	case e.Status == http.StatusUnauthorized:
		return p.wrongSecret(secret, e)
	case e.Status == http.StatusForbidden:
		return trouble(areaTwilio, fmt.Sprintf("%s may not read this: %v.", secret, e), "Give a restricted key the permission to read and write phone numbers and recordings, or use one of the standard kind.")
	case e.NotFound():
		return trouble(areaTwilio, fmt.Sprintf("Twilio knows no account %s.", p.Twilio.AccountSID), "Copy TWILIO_ACCOUNT_SID anew from "+console+", under Account Info.")
	case e.Status == http.StatusTooManyRequests:
		return trouble(areaTwilio, "Twilio is being asked too much at once (429).", fmt.Sprintf("Wait %s and run doctor again.", max(e.RetryAfter, time.Minute)))
	case e.Status >= http.StatusInternalServerError:
		return trouble(areaTwilio, fmt.Sprintf("Twilio has a trouble of its own: %v.", e), "See status.twilio.com, and run doctor again later.")
	}
	return trouble(areaTwilio, fmt.Sprintf("Unexpected: %v.", e), "See whether TWILIO_API_URL leads to Twilio.")
}

func (p Patient) wrongSecret(secret string, e *twilio.Error) Finding {
	if secret == theKey {
		return trouble(areaTwilio, fmt.Sprintf("%s is refused (%v): no recording can be fetched.", theKey, e),
			"Make a new API key at "+console+", in the region us1: its SID begins with SK, and the secret is shown only once. Or unset both, and the auth token is used.")
	}
	return trouble(areaTwilio, fmt.Sprintf("%s is refused (%v): every webhook of Twilio's gets 403, so no call is answered.", secret, e),
		"Copy the auth token anew from "+console+", under Account Info. An account that is suspended or closed is refused like this too.")
}

// clockTolerance is more than a request and a rounded second take.
const clockTolerance = 30 * time.Second

// examineClock compares our time with Twilio's, if Twilio told it.
func examineClock(theirs, ours time.Time) []Finding {
	if theirs.IsZero() {
		return nil
	}
	off := ours.Sub(theirs).Round(time.Second)
	word := "ahead of"
	if off < 0 {
		word = "behind"
	}
	if off.Abs() <= clockTolerance {
		return []Finding{fine(areaClock, "This machine's clock agrees with Twilio's.")}
	}
	return []Finding{warning(areaClock, fmt.Sprintf("This machine's clock is %s %s Twilio's: links end, plans turn and mails are dated at the wrong time.", off.Abs(), word),
		"Have it set over the network (NTP), by timedatectl set-ntp true for example.")}
}
