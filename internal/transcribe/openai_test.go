package transcribe

import (
	"bytes"
	"context"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const key = "sk-0123456789-very-secret"

var mp3 = []byte("ID3\x04\x00\x00\x00\x00\x00\x00\xff\xfb\x90\x00")

// serviceThat is an engine whose service answers so.
func serviceThat(t *testing.T, answers http.HandlerFunc) *OpenAI {
	t.Helper()
	server := httptest.NewServer(answers)
	t.Cleanup(server.Close)
	o, err := NewOpenAI(server.URL, key, "")
	check(t, err)
	return o
}

// says takes the recording and then always answers the same.
func says(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		must(drain(r.Body))
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // whom it does not reach has gone
	}
}

func drain(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}

func TestTheServiceGetsExactlyThisForm(t *testing.T) {
	t.Parallel()
	wide, err := wideband(voice)
	check(t, err)
	for _, c := range []struct {
		name, model, language, key, want string
		audio                            []byte
	}{
		{"a WAV, of which everything is known", "large", "de-DE", key, "--B\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nlarge\r\n" +
			"--B\r\nContent-Disposition: form-data; name=\"response_format\"\r\n\r\njson\r\n" +
			"--B\r\nContent-Disposition: form-data; name=\"language\"\r\n\r\nde\r\n" +
			"--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"voicemail.wav\"\r\nContent-Type: audio/wav\r\n\r\n" + string(wide) + "\r\n--B--\r\n", voice},
		{"an MP3, of which nothing is known", "", "", "", "--B\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n" +
			"--B\r\nContent-Disposition: form-data; name=\"response_format\"\r\n\r\njson\r\n" +
			"--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"voicemail.mp3\"\r\nContent-Type: audio/mpeg\r\n\r\n" + string(mp3) + "\r\n--B--\r\n", mp3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var line, form, authorization string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				must(err)
				_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
				must(err)
				line, form, authorization = r.Method+" "+r.RequestURI, strings.ReplaceAll(string(body), params["boundary"], "B"), r.Header.Get("Authorization")
				says(200, `{"text":" Guten Tag. ","usage":{"type":"duration","seconds":1}}`)(w, r)
			}))
			defer server.Close()
			o, err := NewOpenAI(server.URL, c.key, c.model)
			check(t, err)
			text, err := o.Transcribe(t.Context(), bytes.NewReader(c.audio), c.language)
			if err != nil || text != "Guten Tag." {
				t.Fatalf("got %q, %v", text, err)
			}
			if line != "POST /v1/audio/transcriptions" || form != c.want || authorization != strings.TrimSuffix("Bearer "+c.key, "Bearer ") {
				t.Errorf("got %s by %q with\n%.600s\nwant\n%.600s", line, authorization, form, c.want)
			}
		})
	}
}

func TestTheAddressIsThatOfAService(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{
		"https://api.openai.com":         "https://api.openai.com",
		"https://api.openai.com/v1/":     "https://api.openai.com",
		"http://[::1]:9000/":             "http://[::1]:9000",
		"https://api.groq.com/openai/v1": "https://api.groq.com/openai",
	} {
		if got, err := NewOpenAI(base, "", ""); err != nil || got.base != want {
			t.Errorf("%s: got %+v, %v; want %s", base, got, err, want)
		}
	}
	for _, base := range []string{"", "api.openai.com", "ftp://host", "https://", "https://user:secret@host", "https://host?key=secret", "https://host#secret", "https://host:secret", "http://\x00secret"} {
		if _, err := NewOpenAI(base, key, ""); err == nil || !strings.HasPrefix(err.Error(), "TRANSCRIBER_URL: ") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v", base, err)
		}
	}
	if _, err := NewOpenAI("https://host", "secret\n", ""); err == nil || !strings.HasPrefix(err.Error(), "TRANSCRIBER_KEY: ") || strings.Contains(err.Error(), "secret") {
		t.Errorf("a key with a line break: got %v", err)
	}
}

func TestEveryAnswerHasItsMeaning(t *testing.T) {
	t.Parallel()
	const (
		refused = "The transcription service refused the recording: "
		broken  = "The transcription service is out of order: it answered "
		garbled = "The transcription service's answer was not understood."
		away    = "The transcription service could not be reached."
		page    = "<!doctype html><title>Bad Gateway</title>"
	)
	for _, c := range []struct {
		name, reason string
		passing      bool
		answer       http.HandlerFunc
	}{
		{"a reason in OpenAI's form", refused + "Audio file is too short.", false, says(400, `{"error":{"message":"Audio file is too short.","type":"invalid_request_error","code":null}}`)},
		{"a reason as a string", refused + "no speech model.", false, says(400, `{"error":"no speech\u202e\n\tmodel"}`)},
		{"a reason in detail", refused + "cannot decode.", false, says(422, `{"detail":"cannot decode"}`)},
		{"a reason in pieces", refused + "it answered 422.", false, says(422, `{"detail":[{"loc":["body","file"],"msg":"field required"}]}`)},
		{"a page", refused + "it answered 404.", false, says(404, page)},
		{"a reason without end", refused + strings.Repeat("é", maxReason-1) + "….", false, says(400, `{"message":"`+strings.Repeat("é", 9999)+`"}`)},
		{"our key repeated", refused + "key *** is odd.", false, says(400, `{"error":{"message":"key `+key+` is odd"}}`)},
		{"a wrong key", "The transcription service does not accept our key.", false, says(401, `{"error":{"message":"Incorrect API key provided: `+key+`."}}`)},
		{"no right", "The transcription service does not accept our key.", false, says(403, `{"error":{"message":"`+key+` is for other countries"}}`)},
		{"too large", "The recording is too large for the transcription service.", false, says(413, page)},
		{"a redirect", refused + "it answered 307.", false, says(307, "", "Location", "/elsewhere")},
		{"too many", "The transcription service is too busy.", true, says(429, `{"error":{"message":"slow down"}}`)},
		{"too slow", broken + "408.", true, says(408, "")},
		{"trouble", broken + "500.", true, says(500, "")},
		{"overloaded", broken + "503.", true, says(503, page)},
		{"a success that is none", broken + "204.", true, says(204, "")},
		{"a page instead of a text", garbled, true, says(200, page)},
		{"nothing", garbled, true, says(200, "")},
		{"half a text", garbled, true, says(200, `{"text":"hello`)},
		{"no text", garbled, true, says(200, `{"segments":[]}`)},
		{"a number", garbled, true, says(200, `{"text":7}`)},
		{"cut off", garbled, true, says(200, `{"text":"hi"}`, "Content-Length", "99")},
		{"a text without end", garbled, true, says(200, `{"text":"`+strings.Repeat("a", 8*maxAnswer))},
		{"hung up", away, true, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text, err := serviceThat(t, c.answer).Transcribe(t.Context(), bytes.NewReader(voice), "en-US")
			if e := mustFail(t, text, err, c.passing, c.reason); strings.Contains(e.Error(), key) {
				t.Errorf("the key is in %q", e.Error())
			}
		})
	}
}

func TestSilenceIsAnEmptyText(t *testing.T) {
	t.Parallel()
	if text, err := serviceThat(t, says(200, `{"text":" "}`)).Transcribe(t.Context(), bytes.NewReader(voice), ""); err != nil || text != "" {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestTheKeyGoesNowhereElse(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		o := serviceThat(t, says(status, "", "Location", other.URL))
		_, err := o.Transcribe(t.Context(), bytes.NewReader(voice), "")
		if err == nil || asked.Load() != 0 {
			t.Errorf("%d: got %v, and the other server was asked %d times", status, err, asked.Load())
		}
	}
}

func TestAServiceThatIsAwayOrStallsIsAskedAgain(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	o, err := NewOpenAI(gone.URL, key, "")
	check(t, err)
	text, err := o.Transcribe(t.Context(), bytes.NewReader(voice), "")
	mustFail(t, text, err, true, "The transcription service could not be reached.")
	stalls := func(w http.ResponseWriter, r *http.Request) {
		must(drain(r.Body))
		_, err := io.WriteString(w, `{"text":"hel`)
		must(err)
		must(http.NewResponseController(w).Flush())
		<-r.Context().Done()
	}
	o = serviceThat(t, stalls)
	o.within = 100 * time.Millisecond
	text, err = o.Transcribe(t.Context(), bytes.NewReader(voice), "")
	mustFail(t, text, err, true, "The transcription took too long.")
	ctx, cancel := context.WithCancel(t.Context())
	o = serviceThat(t, func(_ http.ResponseWriter, r *http.Request) {
		must(drain(r.Body))
		cancel()
		<-r.Context().Done()
	})
	text, err = o.Transcribe(ctx, bytes.NewReader(voice), "")
	mustFail(t, text, err, true, "The transcription was interrupted.")
}

func TestAServiceIsCheckedWithoutARecording(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{200: "", 404: "", 401: "TRANSCRIBER_KEY: ", 503: "TRANSCRIBER_URL: "} {
		o := serviceThat(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet || r.URL.Path != "/v1/models" || r.Header.Get("Authorization") != "Bearer "+key {
				panic(r.Method + r.URL.Path)
			}
			w.WriteHeader(status)
		})
		if err := o.Check(t.Context()); (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%d: got %v, want %q", status, err, want)
		}
	}
}
