package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"github.com/maskline/maskline/phone"
)

// ErrMessage says that a message is one that no server could be asked to deliver.
var ErrMessage = errors.New("undeliverable message")

var (
	errTooLarge = errors.New("the message is larger than the server takes")
	errNoUTF8   = errors.New("the server does not announce SMTPUTF8")
)

// Refused tells whether the server refused the recipient for good, which says that nobody is there.
func Refused(err error) bool {
	refused, ok := errors.AsType[*gomail.SendError](err)
	return ok && refused.Reason == gomail.ErrSMTPRcptTo && !passing(err)
}

// Describe says what kept a mail from being sent: a sentence for the owner of the number, and the whole of err for administrators.
func Describe(err error) phone.Failure {
	return phone.Failure{Said: sentence(err), Cause: err.Error()}
}

func sentence(err error) string {
	refused, talking := errors.AsType[*gomail.SendError](err)
	switch {
	case errors.Is(err, errNoUTF8):
		return "The mail server does not take addresses that have other characters than ASCII before the @."
	case errors.Is(err, ErrMessage):
		return "No mail can be sent to this address."
	case tooLarge(err):
		return "The mail server does not take a mail of this size."
	case Insecure(err):
		return "The mail server offers no secure connection, so the mail was not sent."
	case Refused(err):
		return fmt.Sprintf("The mail server refused this address for good: %s", shorten(oneLine(reply(refused)), maxReply))
	case loginRefused(err):
		return "The mail server did not let us sign in."
	case unreachable(err):
		return "The mail server could not be reached."
	case refused.ErrorCode() >= 500 && !passing(err):
		return fmt.Sprintf("The mail server refused this mail for good (%d).", refused.ErrorCode())
	case refused.ErrorCode() > 0:
		return fmt.Sprintf("The mail server does not take this mail at the moment (%d).", refused.ErrorCode())
	case talking:
		return "The connection to the mail server broke off."
	}
	return "The mail could not be sent."
}

const maxReply = 200

// reply is what the server said of the recipient.
func reply(refused *gomail.SendError) string {
	found := quotedReply.FindStringSubmatch(refused.Error())
	if found == nil {
		return strconv.Itoa(refused.ErrorCode())
	}
	text, err := strconv.Unquote(found[2])
	if err != nil {
		text = found[2]
	}
	return found[1] + " " + text
}

var (
	quotedReply    = regexp.MustCompile(`: (5\d\d) ("(?:[^"\\]|\\.)*")`) // as go-mail writes it
	tooLargeInText = regexp.MustCompile(`\b5\.(3\.4|2\.3)\b`)            // RFC 3463: message too big for system; message length exceeds limit
)

// tooLarge tells whether the server takes no message of that size, before it was sent or after.
func tooLarge(err error) bool {
	if errors.Is(err, errTooLarge) {
		return true
	}
	refused, ok := errors.AsType[*gomail.SendError](err)
	return ok && (refused.ErrorCode() == 552 || refused.ErrorCode() >= 500 && tooLargeInText.MatchString(refused.Error()))
}

// Insecure tells whether there is no encryption, or none with a certificate that is good.
func Insecure(err error) bool {
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	return certificate || alert || record || strings.Contains(err.Error(), "STARTTLS") // go-mail has no type for that
}

func unreachable(err error) bool {
	_, network := errors.AsType[net.Error](err)
	return network || errors.Is(err, io.EOF) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// loginRefused tells whether the server knows no way to sign in, or refused ours. go-mail has no type for that.
func loginRefused(err error) bool {
	refused, _ := errors.AsType[*gomail.SendError](err)
	return slices.Contains(loginCodes, refused.ErrorCode()) || strings.Contains(strings.ToUpper(err.Error()), "SMTP AUTH")
}

// loginCodes say that we have to sign in, or in another way.
var loginCodes = []int{530, 534, 535, 538}

// ended says that err came of ctx's end, which looks like any cut connection otherwise.
func ended(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("%w: %w", cause, err)
	}
	return err
}

// passing tells a refusal of the message for good from one for now, and from a connection that broke.
func passing(err error) bool {
	var refused *gomail.SendError
	if !errors.As(err, &refused) {
		return true
	}
	switch code := refused.ErrorCode(); code {
	case 500, 502, 503, 504: // about our commands, which the operator will mend, not about the message
		return true
	default:
		return code < 500 || slices.Contains(loginCodes, code)
	}
}
