package twilio_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/twilio"
)

const aCall = "CA0123456789abcdef0123456789abcdef"

var (
	from  = time.Date(2026, 1, 3, 9, 0, 0, 0, time.UTC)
	until = from.Add(48 * time.Hour)
)

func TestCallsOfSeveralPages(t *testing.T) {
	t.Parallel()
	h := newHost(t,
		says(http.StatusOK, `{"calls":[{"sid":"`+aCall+`","from":"+15550000001","to":"+15550000002","status":"completed","direction":"inbound",
			"start_time":"Mon, 05 Jan 2026 09:00:00 +0000","end_time":"Mon, 05 Jan 2026 09:00:13 +0000","duration":"13"}],
			"next_page_uri":"/2010-04-01/Accounts/`+account+`/Calls.json?Page=1&PageToken=PA1"}`),
		says(http.StatusOK, `{"calls":[{"sid":"CA2","status":"in-progress","start_time":"soon","duration":null}],"next_page_uri":null}`))
	got, err := h.client(t).Calls(t.Context(), from, until)
	if err != nil {
		t.Fatal(err)
	}
	want := twilio.Call{
		SID: aCall, From: "+15550000001", To: "+15550000002", Status: "completed", Direction: "inbound", Seconds: 13,
		StartedAt: time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC), EndedAt: time.Date(2026, 1, 5, 9, 0, 13, 0, time.UTC),
	}
	if len(got) != 2 || got[0] != want || got[1] != (twilio.Call{SID: "CA2", Status: "in-progress"}) {
		t.Errorf("got %+v", got)
	}
	first := h.asked()[0].URL.Query()
	if first.Get("StartTime>") != "2026-01-03T09:00:00Z" || first.Get("StartTime<") != "2026-01-05T09:00:00Z" {
		t.Errorf("asked for %v", first)
	}
}

func TestRecordings(t *testing.T) {
	t.Parallel()
	h := newHost(t,
		says(http.StatusOK, `{"recordings":[{"sid":"RE1","call_sid":"`+aCall+`","status":"absent","duration":"-1","error_code":16102,"start_time":"Mon, 05 Jan 2026 09:00:00 +0000"}]}`),
		says(http.StatusOK, `{"recordings":[]}`))
	got, err := h.client(t).Recordings(t.Context(), from, until)
	want := twilio.Recording{SID: "RE1", CallSID: aCall, Status: "absent", ErrorCode: "16102", StartedAt: time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)}
	if err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := h.client(t).RecordingsOf(t.Context(), aCall); err != nil || len(got) != 0 {
		t.Errorf("got %+v, %v", got, err)
	}
	if of := h.asked()[1].URL.Query().Get("CallSid"); of != aCall {
		t.Errorf("asked for the recordings of %q", of)
	}
}

func TestOneCall(t *testing.T) {
	t.Parallel()
	h := newHost(t, says(http.StatusOK, `{"sid":"`+aCall+`","status":"busy"}`), says(http.StatusNotFound, `{"code":20404,"message":"no","status":404}`))
	if got, err := h.client(t).Call(t.Context(), aCall); err != nil || got.Status != "busy" || !strings.HasSuffix(h.asked()[0].URL.Path, "/Calls/"+aCall+".json") {
		t.Errorf("got %+v, %v", got, err)
	}
	_, err := h.client(t).Call(t.Context(), aCall)
	if refused := new(twilio.Error); !errors.As(err, &refused) || !refused.NotFound() {
		t.Errorf("got %v, want that there is no such call", err)
	}
	if _, err := h.client(t).Call(t.Context(), "../x"); !errors.Is(err, twilio.ErrSID) {
		t.Errorf("got %v, want ErrSID", err)
	}
}

func TestTranscriptions(t *testing.T) {
	t.Parallel()
	const rec = "RE0123456789abcdef0123456789abcdef"
	h := newHost(t,
		says(http.StatusOK, `{"transcriptions":[{"status":"failed","transcription_text":null}],"next_page_uri":"/2010-04-01/Accounts/`+account+`/Recordings/`+rec+`/Transcriptions.json?Page=1&PageToken=PA1"}`),
		says(http.StatusOK, `{"transcriptions":[{"status":"completed","transcription_text":"Hi"}],"next_page_uri":null}`),
		says(http.StatusNotFound, `{"code":20404,"message":"no","status":404}`))
	got, err := h.client(t).Transcriptions(t.Context(), rec)
	if err != nil || len(got) != 2 || got[0] != (twilio.Transcription{Status: "failed"}) || got[1] != (twilio.Transcription{Status: "completed", Text: "Hi"}) {
		t.Errorf("got %+v, %v", got, err)
	}
	if path := h.asked()[0].URL.Path; !strings.HasSuffix(path, "/Recordings/"+rec+"/Transcriptions.json") {
		t.Errorf("asked for %s", path)
	}
	_, err = h.client(t).Transcriptions(t.Context(), rec)
	if refused := new(twilio.Error); !errors.As(err, &refused) || !refused.NotFound() {
		t.Errorf("got %v, want that there is no such recording", err)
	}
	if _, err := h.client(t).Transcriptions(t.Context(), "../x"); !errors.Is(err, twilio.ErrSID) {
		t.Errorf("got %v, want ErrSID", err)
	}
}
