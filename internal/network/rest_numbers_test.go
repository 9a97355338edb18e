package network

import (
	"net/url"
	"testing"
)

func TestNumbersAreListedAndChanged(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, answersByPath{"/other": nothing})
	w.AddNumber(Number{PhoneNumber: "+15005550007", FriendlyName: "Second", TrunkSID: "TK1"})
	equal(t, "numbers", len(sids(t, w.rest("GET", base+"/IncomingPhoneNumbers.json", nil), "incoming_phone_numbers")), 2)
	found := sids(t, w.rest("GET", base+"/IncomingPhoneNumbers.json?PhoneNumber="+url.QueryEscape(mask), nil), "incoming_phone_numbers")
	equal(t, "by number", len(found), 1)
	equal(t, "by name", len(sids(t, w.rest("GET", base+"/IncomingPhoneNumbers.json?FriendlyName=Second", nil), "incoming_phone_numbers")), 1)
	wantError(t, w.rest("GET", base+"/IncomingPhoneNumbers.json?Phone=1", nil), 400, codeUnknownParameter)

	path := base + "/IncomingPhoneNumbers/" + found[0] + ".json"
	before := decoded(t, w.rest("GET", path, nil), 200)
	for field, want := range map[string]any{
		"sid": found[0], "phone_number": mask, "voice_url": w.at("/voice"), "voice_method": "POST", "sms_url": "",
		"status_callback": w.at("/status"), "voice_application_sid": nil, "trunk_sid": nil,
	} {
		equal(t, field, before[field], want)
	}
	after := decoded(t, w.rest("POST", path, url.Values{
		"VoiceUrl": {w.at("/other")}, "VoiceFallbackUrl": {w.at("/fallback#rc=1")}, "StatusCallback": {""},
	}), 200)
	equal(t, "voice_url", after["voice_url"], any(w.at("/other")))
	equal(t, "voice_fallback_url", after["voice_fallback_url"], any(w.at("/fallback#rc=1")))
	equal(t, "status_callback", after["status_callback"], any(""))
	fine(t, w.call(From(bob)))
	w.only("/other")
	equal(t, "status callbacks", len(w.requests("/status")), 0)
}

func TestBadSettingsChangeNothing(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, nil)
	path := base + "/IncomingPhoneNumbers/" + w.Numbers()[0].SID + ".json"
	for name, one := range map[string]struct {
		form url.Values
		code int
	}{
		"a relative URL":                {url.Values{"VoiceUrl": {"/voice"}}, codeBadURL},
		"a URL of another kind":         {url.Values{"SmsUrl": {"mailto:a@b.example"}}, codeBadURL},
		"a bad override":                {url.Values{"StatusCallback": {"https://a.example/#rp=6xx"}}, codeBadURL},
		"a strange method":              {url.Values{"VoiceMethod": {"PATCH"}}, codeBadMethod},
		"a fallback from nothing":       {url.Values{"VoiceUrl": {""}, "VoiceFallbackUrl": {"https://a.example/"}}, codeFallbackWithout},
		"an SMS fallback from nothing":  {url.Values{"SmsFallbackUrl": {"https://a.example/"}}, codeSMSFallbackAlone},
		"a name nobody knows":           {url.Values{"VoiceURL": {"https://a.example/"}}, codeUnknownParameter},
		"one good and one bad together": {url.Values{"FriendlyName": {"New"}, "VoiceUrl": {"x"}}, codeBadURL},
	} {
		wantError(t, w.rest("POST", path, one.form), 400, one.code)
		equal(t, "voice URL after "+name, w.Numbers()[0].VoiceURL, w.at("/voice"))
		equal(t, "name after "+name, w.Numbers()[0].FriendlyName, "")
	}
	wantError(t, w.rest("POST", base+"/IncomingPhoneNumbers/PN9.json", url.Values{}), 404, 20404)
}
