package network

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const base = "/2010-04-01/Accounts/" + account

// decoded is a JSON answer with the status wanted.
func decoded(t *testing.T, r *httptest.ResponseRecorder, status int) map[string]any {
	t.Helper()
	body := map[string]any{}
	if r.Code != status {
		t.Fatalf("status %d, want %d: %s", r.Code, status, r.Body)
	}
	equal(t, "content type", r.Header().Get("Content-Type"), "application/json")
	if err := json.Unmarshal(r.Body.Bytes(), &body); err != nil {
		t.Fatalf("JSON %q: %v", r.Body, err)
	}
	return body
}

func wantError(t *testing.T, r *httptest.ResponseRecorder, status, code int) {
	t.Helper()
	body := decoded(t, r, status)
	equal(t, "code", body["code"], any(float64(code)))
	equal(t, "status in the body", body["status"], any(float64(status)))
	equal(t, "more_info", body["more_info"], any(fmt.Sprintf("https://www.twilio.com/docs/errors/%d", code)))
	if body["message"] == "" {
		t.Error("no message")
	}
}

// recorded is a world in which so many callers, one a minute, left a message.
func recorded(t *testing.T, callers int) *world {
	t.Helper()
	w := open(t, Config{APIKey: "SK1", APISecret: "quiet"}, voicemail(""))
	for i := range callers {
		w.Dial(From(bob).After(time.Duration(i)*time.Minute).LeaveMessage(time.Duration(10+i)*time.Second, "Hi"), mask)
	}
	w.run()
	return w
}

func TestRESTWantsCredentials(t *testing.T) {
	t.Parallel()
	w := recorded(t, 1)
	for name, one := range map[string]struct {
		user, password string
		status         int
	}{
		"the account's own":   {account, secret, 200},
		"an API key":          {"SK1", "quiet", 200},
		"a wrong token":       {account, "wrong", 401},
		"another account's":   {"AC2", secret, 401},
		"a wrong secret":      {"SK1", secret, 401},
		"nobody's":            {"", "", 401},
		"a key and our token": {account, "quiet", 401},
	} {
		got := w.restAs(one.user, one.password, "GET", base+"/Recordings.json", nil)
		equal(t, name, got.Code, one.status)
		media := w.restAs(one.user, one.password, "GET", base+"/Recordings/"+w.Recordings()[0].SID, nil)
		equal(t, name+", media", media.Code, one.status)
	}
	refused := w.restAs("", "", "GET", base+"/Recordings.json", nil)
	wantError(t, refused, 401, 20003)
	equal(t, "challenge", refused.Header().Get("WWW-Authenticate"), `Basic realm="Twilio API"`)
	equal(t, "message", decoded(t, refused, 401)["message"], any("Authenticate"))
}

// Without a key in the Config, an empty name and password open nothing.
func TestNoKeyIsNoKey(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, nil)
	equal(t, "status", w.restAs("", "", "GET", base+".json", nil).Code, 401)
}

func TestRESTHeaders(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, nil)
	h := w.rest("GET", base+".json", nil).Header()
	for name, want := range map[string]string{
		"X-Home-Region": "us1", "X-API-Domain": "api.twilio.com", "X-Powered-By": "AT-5000", "X-Shenanigans": "none",
		"Twilio-Concurrent-Requests": "1",
	} {
		equal(t, name, h.Get(name), want)
	}
	if !strings.HasPrefix(h.Get("Twilio-Request-Id"), "RQ") || h.Get("Twilio-Request-Duration") == "" {
		t.Errorf("headers %v", h)
	}
}

func TestTheAccountIsThere(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, nil)
	body := decoded(t, w.rest("GET", base+".json", nil), 200)
	equal(t, "sid", body["sid"], any(account))
	equal(t, "status", body["status"], any("active"))
}

func TestRESTFindsNothingElsewhere(t *testing.T) {
	t.Parallel()
	w := recorded(t, 1)
	for _, path := range []string{
		"/", "/2010-04-01/Accounts/AC2.json", "/2010-04-01/Accounts/AC2/Recordings.json", base, base + "x/Recordings.json",
		base + "/Messages.json", base + "/Recordings/RE1", base + "/Recordings/RE1.json", base + "/Calls/CA1.json",
		base + "/IncomingPhoneNumbers/PN1.json", base + "/Recordings/" + w.Recordings()[0].SID + ".mp3",
		base + "/Calls/" + w.Calls()[0].SID,
	} {
		wantError(t, w.rest("GET", path, nil), 404, 20404)
	}
}

func TestMediaIsTheFile(t *testing.T) {
	t.Parallel()
	w := recorded(t, 1)
	want := w.Recordings()[0]
	for _, extension := range []string{"", ".wav", ".wav?RequestedChannels=1"} {
		got := w.rest("GET", base+"/Recordings/"+want.SID+extension, nil)
		equal(t, "status", got.Code, 200)
		equal(t, "type", got.Header().Get("Content-Type"), "audio/x-wav")
		equal(t, "length", got.Header().Get("Content-Length"), fmt.Sprint(len(want.WAV())))
		equal(t, "file", got.Body.String() == string(want.WAV()), true)
	}
	wantError(t, w.rest("GET", base+"/Recordings/"+want.SID+"?RequestedChannels=2", nil), 400, 20400)
}

func TestMedia404For(t *testing.T) {
	t.Parallel()
	w := recorded(t, 1)
	w.Media404For(5 * time.Minute)
	media := base + "/Recordings/" + w.Recordings()[0].SID
	wantError(t, w.rest("GET", media, nil), 404, 20404)
	equal(t, "the resource is there", w.rest("GET", media+".json", nil).Code, 200)
	if err := w.Advance(t.Context(), 5*time.Minute); err != nil {
		t.Fatal(err)
	}
	equal(t, "later", w.rest("GET", media, nil).Code, 200)
}

func TestAnAbsentRecordingHasNoMedia(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, voicemail(""))
	fine(t, w.call(From(bob).Silent()))
	rec := w.Recordings()[0]
	equal(t, "status", rec.Status, "absent")
	equal(t, "file", len(rec.WAV()), 0)
	wantError(t, w.rest("GET", base+"/Recordings/"+rec.SID, nil), 404, 20404)
	body := decoded(t, w.rest("GET", base+"/Recordings/"+rec.SID+".json", nil), 200)
	equal(t, "status in REST", body["status"], any("absent"))
	equal(t, "error_code", body["error_code"], any(16102.0))
}

func TestARecordingResource(t *testing.T) {
	t.Parallel()
	w := recorded(t, 1)
	rec := w.Recordings()[0]
	body := decoded(t, w.rest("GET", base+"/Recordings/"+rec.SID+".json", nil), 200)
	for field, want := range map[string]any{
		"sid": rec.SID, "call_sid": w.Calls()[0].SID, "account_sid": account, "status": "completed", "duration": "10",
		"channels": 1.0, "source": "RecordVerb", "date_created": "Mon, 05 Jan 2026 09:00:03 +0000", "error_code": nil, "price": nil,
		"media_url": "https://api.twilio.com" + base + "/Recordings/" + rec.SID, "uri": base + "/Recordings/" + rec.SID + ".json",
	} {
		equal(t, field, body[field], want)
	}
	if _, there := body["from"]; there {
		t.Error("a recording does not know who called")
	}
}

func TestARecordingInProgress(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, voicemail(""))
	w.Dial(From(bob).LeaveMessage(30*time.Second, "Hi"), mask)
	if err := w.Advance(t.Context(), 10*time.Second); err != nil {
		t.Fatal(err)
	}
	rec := w.Recordings()[0]
	body := decoded(t, w.rest("GET", base+"/Recordings/"+rec.SID+".json", nil), 200)
	equal(t, "status", body["status"], any("in-progress"))
	equal(t, "duration", body["duration"], any("-1"))
}

func TestDeletingARecording(t *testing.T) {
	t.Parallel()
	w := recorded(t, 2)
	media := base + "/Recordings/" + w.Recordings()[0].SID
	wantError(t, w.rest("DELETE", media+".wav", nil), 404, 20404)
	got := w.rest("DELETE", media+".json", nil)
	equal(t, "status", got.Code, http.StatusNoContent)
	equal(t, "body", got.Body.Len(), 0)
	for _, again := range []string{"", ".wav", ".json"} {
		wantError(t, w.rest("GET", media+again, nil), 404, 20404)
	}
	wantError(t, w.rest("DELETE", media+".json", nil), 404, 20404)
	equal(t, "deleted", w.Recordings()[0].Deleted, true)
	equal(t, "listed", len(sids(t, w.rest("GET", base+"/Recordings.json", nil), "recordings")), 1)
	equal(t, "with the deleted", len(sids(t, w.rest("GET", base+"/Recordings.json?IncludeSoftDeleted=true", nil), "recordings")), 2)
}

func TestTheTranscriptionOfARecordingIsListed(t *testing.T) {
	t.Parallel()
	w := open(t, Config{}, transcribed())
	fine(t, w.call(From(bob).LeaveMessage(12*time.Second, "Hi")))
	media := base + "/Recordings/" + w.Recordings()[0].SID
	found := decoded(t, w.rest("GET", media+"/Transcriptions.json", nil), 200)["transcriptions"].([]any)
	equal(t, "transcriptions", len(found), 1)
	one := found[0].(map[string]any)
	equal(t, "status", one["status"], any("completed"))
	equal(t, "text", one["transcription_text"], any("Hi"))
	equal(t, "sid", one["sid"], any(w.only("/transcribed").form.Get("TranscriptionSid")))
	equal(t, "without one", len(sids(t, recorded(t, 1).rest("GET", media+"/Transcriptions.json", nil), "transcriptions")), 0)
	wantError(t, w.rest("GET", base+"/Recordings/RE1/Transcriptions.json", nil), 404, 20404)
}

// sids lists what one page of a list shows.
func sids(t *testing.T, r *httptest.ResponseRecorder, name string) (found []string) {
	t.Helper()
	for _, one := range decoded(t, r, 200)[name].([]any) {
		found = append(found, one.(map[string]any)["sid"].(string))
	}
	return found
}

func TestListsComeInPages(t *testing.T) {
	t.Parallel()
	w := recorded(t, 5)
	var found []string
	next := base + "/Recordings.json?PageSize=2"
	for page := 0; next != ""; page++ {
		got := w.rest("GET", next, nil)
		found = append(found, sids(t, got, "recordings")...)
		body := decoded(t, got, 200)
		equal(t, "page", body["page"], any(float64(page)))
		equal(t, "page_size", body["page_size"], any(2.0))
		equal(t, "start", body["start"], any(float64(2*page)))
		equal(t, "first page or none before", page == 0, body["previous_page_uri"] == nil)
		next, _ = body["next_page_uri"].(string)
		if page == 0 { // a new one in front must not move the others
			w.Dial(From(bob).LeaveMessage(9*time.Second, "Hi"), mask)
			w.run()
		}
	}
	recordings := w.Recordings()
	var want []string
	for i := 4; i >= 0; i-- {
		want = append(want, recordings[i].SID)
	}
	equal(t, "sids", strings.Join(found, " "), strings.Join(want, " "))
}

func TestPagesThatDoNotExist(t *testing.T) {
	t.Parallel()
	w := recorded(t, 1)
	for _, query := range []string{"PageSize=0", "PageSize=1001", "PageSize=x", "Page=1", "Page=-1", "Page=1&PageToken=PARE9", "PageToken=PARE9"} {
		wantError(t, w.rest("GET", base+"/Recordings.json?"+query, nil), 400, codePageSize)
	}
	wantError(t, w.rest("GET", base+"/Recordings.json?Pagesize=5", nil), 400, codeUnknownParameter)
}

func TestRecordingFilters(t *testing.T) {
	t.Parallel()
	w := recorded(t, 3) // at 09:00:03, 09:01:03 and 09:02:03
	call := w.Calls()[1].SID
	for query, want := range map[string]int{
		"?CallSid=" + call: 1, "?CallSid=CA9": 0,
		"?DateCreated=2026-01-05": 3, "?DateCreated=2026-01-04": 0,
		"?DateCreated%3E=2026-01-05": 3, "?DateCreated%3E=2026-01-06": 0, "?DateCreated%3C=2026-01-05": 3, "?DateCreated%3C=2026-01-04": 0,
		"?DateCreated%3E=2026-01-05T09:01:03Z": 2, "?DateCreated%3C=2026-01-05T09:01:03Z": 2,
		"?DateCreated%3E=2026-01-05T10:01:03%2B01:00&DateCreated%3C=2026-01-05T09:01:03Z": 1,
	} {
		equal(t, query, len(sids(t, w.rest("GET", base+"/Recordings.json"+query, nil), "recordings")), want)
	}
	equal(t, "of a call", len(sids(t, w.rest("GET", base+"/Calls/"+call+"/Recordings.json", nil), "recordings")), 1)
	for _, query := range []string{"DateCreated=yesterday", "DateCreated%3C=x", "DateCreated%3E=x"} {
		wantError(t, w.rest("GET", base+"/Recordings.json?"+query, nil), 400, codeUnknownParameter)
	}
}

func TestStallREST(t *testing.T) {
	t.Parallel()
	w := recorded(t, 1)
	server := httptest.NewServer(w.Handler())
	t.Cleanup(server.Close)
	w.StallREST(1)
	before := w.RESTRequests()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", server.URL+base+"/Recordings.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	first := make([]byte, 1)
	if _, err := io.ReadFull(resp.Body, first); err != nil || resp.ContentLength != 1000 {
		t.Errorf("%d bytes are announced, %v; want 1000 and the first of them", resp.ContentLength, err)
	}
	cancel()
	if rest, err := io.ReadAll(resp.Body); err == nil || len(rest) > 0 {
		t.Errorf("got %q more, %v", rest, err)
	}
	equal(t, "afterwards", w.rest("GET", base+"/Recordings.json", nil).Code, 200)
	equal(t, "requests", w.RESTRequests()-before, 2)
}

func TestFailREST(t *testing.T) {
	t.Parallel()
	w := recorded(t, 1)
	w.FailREST(429, 2, 7*time.Second)
	for range 2 {
		got := w.rest("GET", base+"/Recordings/"+w.Recordings()[0].SID, nil)
		wantError(t, got, 429, 20429)
		equal(t, "Retry-After", got.Header().Get("Retry-After"), "7")
	}
	equal(t, "afterwards", w.rest("GET", base+"/Recordings.json", nil).Code, 200)
	w.FailREST(503, -1, 0)
	for range 3 {
		got := w.rest("DELETE", base+"/Recordings/"+w.Recordings()[0].SID, nil)
		wantError(t, got, 503, 20503)
		equal(t, "Retry-After", got.Header().Get("Retry-After"), "")
	}
	equal(t, "nothing of it was done", w.Recordings()[0].Deleted, false)
	w.FailREST(0, 0, 0)
	equal(t, "in a good mood again", w.rest("GET", base+".json", nil).Code, 200)
}
