package twilio_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/maskline/maskline/internal/twilio"
)

const numberSID = "PN0123456789abcdef0123456789abcdef"

// list answers with a page of numbers and the address of the next one.
func list(next string, numbers ...string) http.HandlerFunc {
	bodies := make([]string, len(numbers))
	for i, n := range numbers {
		bodies[i] = fmt.Sprintf(`{"sid":%q,"phone_number":%q,"voice_url":"https://a.example/","trunk_sid":null,"capabilities":{"voice":true,"sms":false}}`, numberSID, n)
	}
	nextURI := "null"
	if next != "" {
		nextURI = fmt.Sprintf("%q", next)
	}
	return says(http.StatusOK, fmt.Sprintf(`{"incoming_phone_numbers":[%s],"next_page_uri":%s}`, strings.Join(bodies, ","), nextURI))
}

const numbersPath = "/2010-04-01/Accounts/" + account + "/IncomingPhoneNumbers.json"

func TestNumbersOfSeveralPages(t *testing.T) {
	t.Parallel()
	h := newHost(t, list(numbersPath+"?PageSize=500&Page=1&PageToken=PAPN1.5x", "+15550000001", "+15550000002"),
		list("https://elsewhere.example"+numbersPath+"?Page=2&PageToken=PAPN2"), list("", "+15550000003"))
	got, err := h.client(t).Numbers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := twilio.Number{SID: numberSID, PhoneNumber: "+15550000001", Voice: true, Routing: twilio.Routing{VoiceURL: "https://a.example/"}}
	if len(got) != 3 || got[0] != want || got[2].PhoneNumber != "+15550000003" {
		t.Errorf("got %+v", got)
	}
	for i, want := range []string{"PageSize=500", "Page=1&PageSize=500&PageToken=PAPN1.5x", "Page=2&PageSize=500&PageToken=PAPN2"} {
		if got := h.asked()[i].RequestURI; got != numbersPath+"?"+want {
			t.Errorf("page %d: asked for %s, want …?%s", i, got, want)
		}
	}
}

func TestListsThatDoNotEnd(t *testing.T) {
	t.Parallel()
	again := newHost(t, list(numbersPath+"?Page=1&PageToken=PAPN1", "+15550000001"))
	if _, err := again.client(t).Numbers(t.Context()); err == nil || len(again.asked()) != twilio.MaxPages {
		t.Errorf("got %v after %d pages", err, len(again.asked()))
	}
	for _, next := range []string{"/x?PageSize=500", "%zz", "://"} {
		h := newHost(t, list(next))
		if _, err := h.client(t).Numbers(t.Context()); err == nil || len(h.asked()) != 1 {
			t.Errorf("%s: got %v after %d pages", next, err, len(h.asked()))
		}
	}
}

func TestAPageThatFails(t *testing.T) {
	t.Parallel()
	h := newHost(t, list(numbersPath+"?Page=1&PageToken=PAPN1", "+15550000001"), says(503, ""))
	got := refusal(t, func() error { _, err := h.client(t).Numbers(t.Context()); return err })
	if got.Status != 503 {
		t.Errorf("got %#v", got)
	}
}

func TestSetNumberSendsWhatDiffers(t *testing.T) {
	t.Parallel()
	all := twilio.Routing{
		VoiceURL: "https://new.example/v#rc=1&rp=ct,5xx", VoiceMethod: "POST", VoiceFallbackURL: "https://new.example/f", VoiceFallbackMethod: "POST",
		StatusCallback: "https://new.example/s", StatusCallbackMethod: "POST", SMSURL: "https://new.example/m", SMSMethod: "POST",
		VoiceApplicationSID: "AP1", TrunkSID: "TK1",
	}
	cleared := all
	cleared.VoiceApplicationSID, cleared.TrunkSID = "", ""
	for _, c := range []struct {
		name     string
		now, to  twilio.Routing
		wantForm string
	}{
		{"one address", twilio.Routing{VoiceURL: "https://old.example/"}, twilio.Routing{VoiceURL: "https://new.example/1.5?a=b&c"},
			"VoiceUrl=https%3A%2F%2Fnew.example%2F1.5%3Fa%3Db%26c"},
		{"what took the calls away", all, cleared, "TrunkSid=&VoiceApplicationSid="},
		{"everything", twilio.Routing{}, all, "SmsMethod=POST&SmsUrl=https%3A%2F%2Fnew.example%2Fm&StatusCallback=https%3A%2F%2Fnew.example%2Fs&" +
			"StatusCallbackMethod=POST&TrunkSid=TK1&VoiceApplicationSid=AP1&VoiceFallbackMethod=POST&VoiceFallbackUrl=https%3A%2F%2Fnew.example%2Ff&" +
			"VoiceMethod=POST&VoiceUrl=https%3A%2F%2Fnew.example%2Fv%23rc%3D1%26rp%3Dct%2C5xx"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var form string
			h := newHost(t, func(w http.ResponseWriter, r *http.Request) {
				_ = r.ParseForm()
				form = r.PostForm.Encode()
				says(200, `{"sid":"`+numberSID+`","voice_url":"https://as.twilio.has.it/"}`)(w, r)
			})
			got, err := h.client(t).SetNumber(t.Context(), twilio.Number{SID: numberSID, Routing: c.now}, c.to)
			if err != nil || form != c.wantForm || got.VoiceURL != "https://as.twilio.has.it/" {
				t.Errorf("got %+v, %v after sending\n%s, want\n%s", got, err, form, c.wantForm)
			}
			request := h.asked()[0]
			if got, want := request.Method+" "+request.RequestURI, "POST "+strings.Replace(numbersPath, ".json", "/"+numberSID+".json", 1); got != want {
				t.Errorf("asked %s, want %s", got, want)
			}
		})
	}
}

func TestSetNumberWithNothingToSet(t *testing.T) {
	t.Parallel()
	h := newHost(t, says(500, ""))
	n := twilio.Number{SID: numberSID, Routing: twilio.Routing{VoiceURL: "https://a.example/"}}
	if got, err := h.client(t).SetNumber(t.Context(), n, n.Routing); err != nil || got != n {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, sid := range []string{"", "PN1", numberSID + "/../x", strings.Replace(numberSID, "PN", "CA", 1)} {
		if _, err := h.client(t).SetNumber(t.Context(), twilio.Number{SID: sid}, n.Routing); !errors.Is(err, twilio.ErrSID) {
			t.Errorf("%q: got %v", sid, err)
		}
	}
	if n := len(h.asked()); n != 0 {
		t.Errorf("%d requests were made", n)
	}
}

func TestSetNumberThatTwilioRefuses(t *testing.T) {
	t.Parallel()
	h := newHost(t, says(400, `{"code":21405,"message":"VoiceFallbackUrl without VoiceUrl"}`))
	got := refusal(t, func() error {
		_, err := h.client(t).SetNumber(t.Context(), twilio.Number{SID: numberSID}, twilio.Routing{VoiceFallbackURL: "https://a.example/"})
		return err
	})
	if got.Code != 21405 || got.Temporary() {
		t.Errorf("got %#v", got)
	}
}
