package network

import (
	"net/http"
	"net/url"
	"slices"
)

// Twilio's codes for what is wrong with a number's settings.
const (
	codeBadURL           = 21402
	codeBadMethod        = 21403
	codeFallbackWithout  = 21405
	codeSMSFallbackAlone = 21406
)

// setting is one of a number's parameters, with the field that holds it.
type setting struct {
	name  string
	key   string // in JSON
	field func(*Number) *string
	rule  func(value string) *Fault
}

var settings = []setting{
	{"FriendlyName", "friendly_name", func(n *Number) *string { return &n.FriendlyName }, nil},
	{"VoiceUrl", "voice_url", func(n *Number) *string { return &n.VoiceURL }, settableURL},
	{"VoiceMethod", "voice_method", func(n *Number) *string { return &n.VoiceMethod }, settableMethod},
	{"VoiceFallbackUrl", "voice_fallback_url", func(n *Number) *string { return &n.VoiceFallbackURL }, settableURL},
	{"VoiceFallbackMethod", "voice_fallback_method", func(n *Number) *string { return &n.VoiceFallbackMethod }, settableMethod},
	{"StatusCallback", "status_callback", func(n *Number) *string { return &n.StatusCallback }, settableURL},
	{"StatusCallbackMethod", "status_callback_method", func(n *Number) *string { return &n.StatusCallbackMethod }, settableMethod},
	{"SmsUrl", "sms_url", func(n *Number) *string { return &n.SMSURL }, settableURL},
	{"SmsMethod", "sms_method", func(n *Number) *string { return &n.SMSMethod }, settableMethod},
	{"SmsFallbackUrl", "sms_fallback_url", func(n *Number) *string { return &n.SMSFallbackURL }, settableURL},
	{"SmsFallbackMethod", "sms_fallback_method", func(n *Number) *string { return &n.SMSFallbackMethod }, settableMethod},
	{"VoiceApplicationSid", "voice_application_sid", func(n *Number) *string { return &n.VoiceApplicationSID }, nil},
	{"TrunkSid", "trunk_sid", func(n *Number) *string { return &n.TrunkSID }, nil},
}

// settableURL allows none, which switches the thing off.
func settableURL(value string) *Fault {
	if value == "" {
		return nil
	}
	if fault := checkAddress(value, true); fault != nil {
		return faultf(codeBadURL, "%s", fault.Message)
	}
	return nil
}

func settableMethod(value string) *Fault {
	if wanted := httpMethod(value); wanted != "" {
		return faultf(codeBadMethod, "%q is not %s", value, wanted)
	}
	return nil
}

func (n *Network) listNumbers(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if !known(w, query, "PhoneNumber", "FriendlyName") {
		return
	}
	var items []item
	n.mu.Lock()
	for _, number := range slices.Backward(n.numbers) {
		items = append(items, item{sid: number.SID, body: n.numberObject(number)})
	}
	n.mu.Unlock()
	n.list(w, r, "incoming_phone_numbers", items, func(body object) bool {
		return (!query.Has("PhoneNumber") || query.Get("PhoneNumber") == body["phone_number"]) &&
			(!query.Has("FriendlyName") || query.Get("FriendlyName") == body["friendly_name"])
	})
}

func (n *Network) serveNumber(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	var body object
	if number := n.findNumber(r.PathValue("file")); number != nil {
		body = n.numberObject(number)
	}
	n.mu.Unlock()
	if body == nil {
		notFound(w, r)
		return
	}
	answer(w, http.StatusOK, body)
}

// changeNumber updates the parameters that are given and no others, all or none.
func (n *Network) changeNumber(w http.ResponseWriter, r *http.Request) {
	var names []string
	for _, s := range settings {
		names = append(names, s.name)
	}
	form, ok := changes(w, r, names...)
	if !ok {
		return
	}
	n.mu.Lock()
	number := n.findNumber(r.PathValue("file"))
	var body object
	var fault *Fault
	if number != nil {
		if fault = number.set(form); fault == nil {
			body = n.numberObject(number)
		}
	}
	n.mu.Unlock()
	switch {
	case number == nil:
		notFound(w, r)
	case fault != nil:
		invalid(w, fault.Code, "%s", fault.Message)
	default:
		answer(w, http.StatusOK, body)
	}
}

func (n *Number) set(form url.Values) *Fault {
	changed := *n
	for _, s := range settings {
		if !form.Has(s.name) {
			continue
		}
		value := form.Get(s.name)
		if s.rule != nil {
			if fault := s.rule(value); fault != nil {
				return fault
			}
		}
		*s.field(&changed) = value
	}
	switch {
	case changed.VoiceFallbackURL != "" && changed.VoiceURL == "":
		return faultf(codeFallbackWithout, "VoiceFallbackUrl without VoiceUrl")
	case changed.SMSFallbackURL != "" && changed.SMSURL == "":
		return faultf(codeSMSFallbackAlone, "SmsFallbackUrl without SmsUrl")
	}
	*n = changed
	return nil
}

// changes reads the form of an update.
func changes(w http.ResponseWriter, r *http.Request, names ...string) (url.Values, bool) {
	if err := r.ParseForm(); err != nil {
		invalid(w, codeUnknownParameter, "%v", err)
		return nil, false
	}
	return r.PostForm, known(w, r.PostForm, names...)
}

// findNumber wants net.mu held.
func (n *Network) findNumber(file string) *Number {
	sid, extension := resource(file)
	at := slices.IndexFunc(n.numbers, func(number *Number) bool { return number.SID == sid })
	if at < 0 || extension != "json" {
		return nil
	}
	return n.numbers[at]
}

// numberObject wants net.mu held.
func (n *Network) numberObject(number *Number) object {
	body := object{
		"sid": number.SID, "account_sid": n.cfg.AccountSID, "phone_number": number.PhoneNumber, "api_version": apiVersion,
		"capabilities": object{"voice": true, "sms": true, "mms": false, "fax": false},
		"status":       "in-use", "origin": "twilio", "beta": false, "voice_caller_id_lookup": false,
		"sms_application_sid": "", "emergency_status": "Inactive", "address_sid": nil, "bundle_sid": nil, "identity_sid": nil,
		"date_created": rfc2822(n.started), "date_updated": rfc2822(n.started),
		"uri": n.uri("/IncomingPhoneNumbers/" + number.SID + ".json"),
	}
	for _, s := range settings {
		body[s.key] = *s.field(number)
	}
	for _, key := range []string{"voice_method", "voice_fallback_method", "status_callback_method", "sms_method", "sms_fallback_method"} {
		body[key] = orPost(body[key].(string))
	}
	for _, key := range []string{"trunk_sid", "voice_application_sid"} {
		body[key] = orNull(body[key].(string))
	}
	return body
}
