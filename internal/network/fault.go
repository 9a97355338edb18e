package network

import "fmt"

// Twilio's error codes, as far as the network tells faults apart.
const (
	codeInvalidURL      = 11100 // a URL is malformed, or relative where it can't be
	codeRetrieval       = 11200 // the service answered with an error
	codeConnection      = 11205 // no connection, or no answer in time
	codeProtocol        = 11206 // what came was not HTTP, or broke off
	codeHost            = 11210 // the host's name is unknown
	codeRedirects       = 11215 // more than ten redirects
	codeCertificateName = 11235 // the certificate is for another host
	codeCertificate     = 11237 // the certificate is not to be trusted
	codeOverride        = 11243 // a connection override in the fragment is wrong
	codeTooLarge        = 11750 // a document of more than 64 kB
	codeEmptyBody       = 11770 // no document at all
	codeNotXML          = 12100
	codeXMLVersion      = 12101
	codeRoot            = 12102 // the root is not Response
	codeSchema          = 12200 // a verb, attribute, value or nesting that TwiML doesn't know
	codeContentType     = 12300
	codeCallerID        = 13214 // a caller id that may not be shown
	codeCallerIDLength  = 13248
	codePointless       = 0 // legal at Twilio, but never what anybody wants; no code is known for it
)

// Fault is something that Twilio, or this stricter network, complains about.
type Fault struct {
	Code    int // Twilio's error code; 0 where none is known
	Message string
	URL     string // what was asked for when it happened

	retry string // what in the override rp has it tried again; "" if nothing does
}

// Error names the code, what is wrong, and where.
func (f *Fault) Error() string {
	text := f.Message
	if f.Code != 0 {
		text = fmt.Sprintf("Twilio error %d: %s", f.Code, f.Message)
	}
	if f.URL != "" {
		text += " (" + f.URL + ")"
	}
	return text
}

func faultf(code int, format string, args ...any) *Fault {
	return &Fault{Code: code, Message: fmt.Sprintf(format, args...)}
}

// at says where the fault happened.
func (f *Fault) at(url string) *Fault {
	if f != nil && f.URL == "" {
		f.URL = url
	}
	return f
}
