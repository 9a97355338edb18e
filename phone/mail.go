package phone

import (
	"fmt"
	"io"
	"time"
)

const (
	// MailsADay is how many mails go out for one number within MailsWithin.
	MailsADay   = 100
	MailsWithin = 24 * time.Hour
	// RefusalsInARow is how often the mail server refuses an address for good before it is left out.
	RefusalsInARow = 3
	// MissedMailAfter is how long a call has been missed before its mail goes out: what tells that it was answered, or left a message, may
	// come late.
	MissedMailAfter = 20 * time.Second
	// MissedMailEvery is how long after the mail of a missed call there is none of the same caller and number.
	MissedMailEvery = 10 * time.Minute
)

// LeftOutReason is why an address gets no mails of a number.
type LeftOutReason string

// The reasons.
const (
	LeftOutRefused      LeftOutReason = "REFUSED"
	LeftOutUnsubscribed LeftOutReason = "UNSUBSCRIBED"
	LeftOutListEmptied  LeftOutReason = "LIST_EMPTIED"
)

// Values lists every reason.
func (LeftOutReason) Values() []string {
	return []string{string(LeftOutRefused), string(LeftOutUnsubscribed), string(LeftOutListEmptied)}
}

// MarshalGQL writes the reason as a GraphQL enum value.
func (r LeftOutReason) MarshalGQL(w io.Writer) { marshalEnum(w, r) }

// UnmarshalGQL reads the reason and refuses unknown ones.
func (r *LeftOutReason) UnmarshalGQL(v any) error { return unmarshalEnum(r, v) }

// Said is the reason in a sentence, for the delivery of a mail that does not go out.
func (r LeftOutReason) Said() string {
	switch r {
	case LeftOutRefused:
		return "This address is left out, since its mail server refused it three times running. Setting notifyEmails anew gives it another chance."
	case LeftOutUnsubscribed:
		return "This address has unsubscribed from the mails of this number."
	case LeftOutListEmptied:
		return "Every address in notifyEmails has unsubscribed, and the owner's address does not take their place. Set notifyEmails anew."
	}
	return ""
}

// LeftOutEmail is an address that gets no mails of a number.
type LeftOutEmail struct {
	Address string
	Reason  LeftOutReason
	Since   time.Time
}

// LeftOut tells why an address gets no mails of a number, and since when; an empty reason when it gets them.
func LeftOut(refusals int, leftOutAt, unsubscribedAt *time.Time) (LeftOutReason, time.Time) {
	switch {
	case unsubscribedAt != nil:
		return LeftOutUnsubscribed, *unsubscribedAt
	case leftOutAt != nil && refusals >= RefusalsInARow:
		return LeftOutRefused, *leftOutAt
	case leftOutAt != nil:
		return LeftOutListEmptied, *leftOutAt
	}
	return "", time.Time{}
}

// Withheld is what the delivery of a mail says that would have been one too many.
func Withheld() string {
	return fmt.Sprintf("Held back: %d mails had gone out for this number within 24 hours. The next mail says how many were held back.", MailsADay)
}
