package transcribe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"
)

const key = "sk-0123456789-very-secret"

// service is an engine whose service is answer.
func service(t *testing.T, answer http.HandlerFunc) *openAI {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	e, err := OpenAI(OpenAIConfig{URL: server.URL, Key: key, HTTP: server.Client()})
	check(t, err)
	return e.(*openAI)
}

// says is a service that takes the recording and then always answers the same.
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
	const want = "--B\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-large\r\n" +
		"--B\r\nContent-Disposition: form-data; name=\"response_format\"\r\n\r\njson\r\n" +
		"--B\r\nContent-Disposition: form-data; name=\"language\"\r\n\r\nde\r\n" +
		"--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"voicemail.wav\"\r\nContent-Type: audio/wav\r\n\r\nRIFF the audio\r\n" +
		"--B--\r\n"
	type request struct {
		line, form string
		length     int64
		header     http.Header
	}
	seen := make(chan request, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		must(err)
		_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		must(err)
		seen <- request{r.Method + " " + r.RequestURI, strings.ReplaceAll(string(body), params["boundary"], "B"), r.ContentLength - int64(len(body)), r.Header}
		_, err = io.WriteString(w, `{"text":" Guten Tag. ","usage":{"type":"duration","seconds":1}}`)
		must(err)
	}))
	defer server.Close()
	engine, err := OpenAI(OpenAIConfig{URL: server.URL, Key: key, Model: "whisper-large"})
	check(t, err)
	rec := &recording{data: []byte("RIFF the audio")}
	audio := rec.audio()
	audio.Language = "de-DE"
	text, err := engine.Transcribe(t.Context(), audio)
	if err != nil || text != "Guten Tag." {
		t.Fatalf("got %q, %v", text, err)
	}
	got := <-seen
	if got.line != "POST /v1/audio/transcriptions" || got.form != want || got.length != 0 {
		t.Errorf("got %s, a length that is off by %d, and\n%s\nwant\n%s", got.line, got.length, got.form, want)
	}
	for name, want := range map[string]string{"Authorization": "Bearer " + key, "Accept": "application/json", "Accept-Encoding": "identity"} {
		if got := got.header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if rec.opened.Load() != 1 || rec.closed.Load() != 1 {
		t.Errorf("opened %d times and closed %d times", rec.opened.Load(), rec.closed.Load())
	}
}

func TestWhatIsNotKnownIsNotSent(t *testing.T) {
	t.Parallel()
	seen := make(chan *http.Request, 1)
	engine := service(t, func(w http.ResponseWriter, r *http.Request) {
		must(r.ParseMultipartForm(1 << 20))
		seen <- r
		_, err := io.WriteString(w, `{"text":""}`)
		must(err)
	})
	engine.key = ""
	// A recording that cannot seek is sent without its length.
	audio := Audio{ContentType: typeMP3, Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(iotest.OneByteReader(strings.NewReader("ID3"))), nil
	}}
	if text, err := engine.Transcribe(t.Context(), audio); err != nil || text != "" {
		t.Fatalf("got %q, %v", text, err)
	}
	got := <-seen
	if len(got.Header.Values("Authorization")) > 0 || got.ContentLength != -1 {
		t.Errorf("got the headers %v and the length %d", got.Header, got.ContentLength)
	}
	form, file := got.MultipartForm, got.MultipartForm.File["file"]
	if len(form.Value) != 2 || !slices.Equal(form.Value["model"], []string{"whisper-1"}) || len(file) != 1 || file[0].Filename != "voicemail.mp3" || file[0].Size != 3 {
		t.Errorf("got %v and %v", form.Value, file)
	}
}

func TestLanguagesAreToldByTheirCode(t *testing.T) {
	t.Parallel()
	for tag, want := range map[string]string{"en-US": "en", "zh-CN": "zh", "pt": "pt", "DE-at": "de", "": "", "yue-HK": "", "x": ""} {
		if got := languageCode(tag); got != want {
			t.Errorf("%q: got %q, want %q", tag, got, want)
		}
	}
}

func TestTheAddressIsTheServicesWhateverItsFormIs(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{
		"https://api.openai.com":                         "https://api.openai.com/v1/audio/transcriptions",
		"https://api.openai.com/":                        "https://api.openai.com/v1/audio/transcriptions",
		"https://api.openai.com/v1":                      "https://api.openai.com/v1/audio/transcriptions",
		"https://api.openai.com/v1/":                     "https://api.openai.com/v1/audio/transcriptions",
		"https://api.openai.com/v1/audio/transcriptions": "https://api.openai.com/v1/audio/transcriptions",
		"http://[::1]:9000":                              "http://[::1]:9000/v1/audio/transcriptions",
		"https://api.groq.com/openai/v1":                 "https://api.groq.com/openai/v1/audio/transcriptions",
		"http://whisper/a b":                             "http://whisper/a%20b/v1/audio/transcriptions",
	} {
		if got, err := endpoint(base); err != nil || got != want {
			t.Errorf("%s: got %s, %v; want %s", base, got, err, want)
		}
	}
	for _, base := range []string{"", "api.openai.com", "ftp://host", "https://", "https://user:secret@host", "https://host?key=secret", "https://host#secret", "https://host:secret", "http://\x00secret"} {
		if _, err := OpenAI(OpenAIConfig{URL: base}); err == nil || !strings.HasPrefix(err.Error(), "TRANSCRIBER_URL: ") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v", base, err)
		}
	}
	if _, err := OpenAI(OpenAIConfig{URL: "https://host", Key: "secret\n"}); err == nil || !strings.HasPrefix(err.Error(), "TRANSCRIBER_KEY: ") || strings.Contains(err.Error(), "secret") {
		t.Errorf("a key with a line break: got %v", err)
	}
}

func TestEveryAnswerHasItsMeaning(t *testing.T) {
	t.Parallel()
	const (
		busy       = "The transcription service is too busy."
		outOfOrder = "The transcription service is out of order: it answered %d."
		garble     = "The transcription service's answer was not understood."
		page       = "<!doctype html><title>Bad Gateway</title>"
	)
	for _, c := range []struct {
		name, message string
		answer        http.HandlerFunc
		retry         bool
		after         time.Duration
	}{
		{"a reason in OpenAI's form", "The transcription service refused the recording: Audio file is too short.", says(400, `{"error":{"message":"Audio file is too short.","type":"invalid_request_error","code":null}}`), false, 0},
		{"a reason as a string", "The transcription service refused the recording: no speech model.", says(400, `{"error":"no speech\u202e\n\tmodel"}`), false, 0},
		{"a reason in detail", "The transcription service refused the recording: cannot decode.", says(422, `{"detail":"cannot decode"}`), false, 0},
		{"a reason in pieces", "The transcription service refused the recording: it did not say why.", says(422, `{"detail":[{"loc":["body","file"],"msg":"field required"}]}`), false, 0},
		{"a page", "The transcription service refused the recording: it did not say why.", says(400, page), false, 0},
		{"a reason without end", "The transcription service refused the recording: " + strings.Repeat("é", maxReason-1) + "….", says(400, `{"message":"`+strings.Repeat("é", 9999)+`"}`), false, 0},
		{"our key repeated", "The transcription service refused the recording: key *** is odd.", says(400, `{"error":{"message":"key `+key+` is odd"}}`), false, 0},
		{"a wrong key", "The transcription service does not accept our key.", says(401, `{"error":{"message":"Incorrect API key provided: `+key+`."}}`), true, 0},
		{"no right", "The transcription service does not let us in.", says(403, `{"error":{"message":"`+key+` is for other countries"}}`), true, 0},
		{"a wrong path or model", fmt.Sprintf(outOfOrder, 404), says(404, page), true, 0},
		{"too large", "The recording is too large for the transcription service.", says(413, page), false, 0},
		{"too large, said early", "The recording is too large for the transcription service.", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(413) }, false, 0},
		{"a wrong kind", "The transcription service does not take recordings of this kind.", says(415, ""), false, 0},
		{"too many", busy, says(429, `{"error":{"message":"slow down"}}`, "Retry-After", "17"), true, 17 * time.Second},
		{"too many, for years", busy, says(429, "", "Retry-After", "999999999"), true, time.Hour},
		{"too many, since yesterday", busy, says(429, "", "Retry-After", "Mon, 02 Jan 2006 15:04:05 GMT"), true, 0},
		{"too many, for nonsense", busy, says(429, "", "Retry-After", "-1 soon"), true, 0},
		{"trouble", fmt.Sprintf(outOfOrder, 500), says(500, ""), true, 0},
		{"overloaded", fmt.Sprintf(outOfOrder, 503), says(503, page, "Retry-After", "5"), true, 5 * time.Second},
		{"a success that is none", fmt.Sprintf(outOfOrder, 204), says(204, ""), true, 0},
		{"accepted for later", fmt.Sprintf(outOfOrder, 202), says(202, `{"text":"hi"}`), true, 0},
		{"a page instead of a text", garble, says(200, page, "Content-Type", "text/html"), true, 0},
		{"nothing", garble, says(200, ""), true, 0},
		{"half a text", garble, says(200, `{"text":"hello`), true, 0},
		{"two texts", garble, says(200, `{"text":"hello"}{"text":"hello"}`), true, 0},
		{"no text", garble, says(200, `{"segments":[]}`), true, 0},
		{"null", garble, says(200, `{"text":null}`), true, 0},
		{"a number", garble, says(200, `{"text":7}`), true, 0},
		{"a list", garble, says(200, `[{"text":"hello"}]`), true, 0},
		{"deep", garble, says(200, strings.Repeat("[", 100000)), true, 0},
		{"packed", garble, says(200, "\x1f\x8b", "Content-Encoding", "gzip"), true, 0},
		{"cut off", "The transcription service could not be reached.", says(200, `{"text":"hi"}`, "Content-Length", "99"), true, 0},
		{"hung up", "The transcription service could not be reached.", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			rec := &recording{data: bytes.Repeat(voice, 64)}
			text, err := service(t, c.answer).Transcribe(t.Context(), rec.audio())
			e := mustFail(t, text, err, c.retry, c.message)
			if e.RetryAfter != c.after {
				t.Errorf("got %v to wait, want %v", e.RetryAfter, c.after)
			}
			if strings.Contains(e.Error(), key) {
				t.Errorf("the key is in %q", e.Error())
			}
			if rec.opened.Load() != 1 || rec.closed.Load() != 1 {
				t.Errorf("opened %d times and closed %d times", rec.opened.Load(), rec.closed.Load())
			}
		})
	}
}

func TestALongTextIsCut(t *testing.T) {
	t.Parallel()
	engine := service(t, says(200, `{"text":"`+strings.Repeat(`\u00fc`, MaxText)+`"}`))
	got, err := engine.Transcribe(t.Context(), (&recording{data: voice}).audio())
	if err != nil || got != strings.Repeat("ü", MaxText/2) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

func TestAHundredMegabytesAreNotRead(t *testing.T) {
	t.Parallel()
	sent := make(chan int, 1)
	engine := service(t, func(w http.ResponseWriter, r *http.Request) {
		must(drain(r.Body))
		n, err := io.WriteString(w, `{"text":"`)
		for block := bytes.Repeat([]byte("a"), 1<<20); err == nil && n < 100<<20; {
			var more int
			more, err = w.Write(block)
			n += more
		}
		sent <- n
	})
	text, err := engine.Transcribe(t.Context(), (&recording{data: voice}).audio())
	mustFail(t, text, err, true, "The transcription service's answer was not understood.")
	if n := <-sent; n >= 100<<20 {
		t.Errorf("the service got rid of %d bytes", n)
	}
}

func TestTheKeyGoesNowhereElse(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		var asked atomic.Int32
		other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
		defer other.Close()
		text, err := service(t, says(status, "", "Location", other.URL)).Transcribe(t.Context(), (&recording{data: voice}).audio())
		mustFail(t, text, err, true, fmt.Sprintf("The transcription service is out of order: it answered %d.", status))
		if asked.Load() != 0 {
			t.Errorf("%d: the other server was asked", status)
		}
	}
}

func TestAServiceThatIsAwayIsAskedAgain(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	engine, err := OpenAI(OpenAIConfig{URL: server.URL, Key: key})
	check(t, err)
	rec := &recording{data: voice}
	text, err := engine.Transcribe(t.Context(), rec.audio())
	mustFail(t, text, err, true, "The transcription service could not be reached.")
	if rec.opened.Load() != 1 || rec.closed.Load() != 1 {
		t.Errorf("opened %d times and closed %d times", rec.opened.Load(), rec.closed.Load())
	}
}

func TestAServiceThatStallsIsGivenUp(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	for name, stall := range map[string]http.HandlerFunc{
		"before the recording": func(http.ResponseWriter, *http.Request) { <-over },
		"before the answer": func(_ http.ResponseWriter, r *http.Request) {
			must(drain(r.Body))
			<-r.Context().Done()
		},
		"within the answer": func(w http.ResponseWriter, r *http.Request) {
			must(drain(r.Body))
			_, err := io.WriteString(w, `{"text":"hel`)
			must(err)
			must(http.NewResponseController(w).Flush())
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			engine, rec := service(t, stall), &recording{data: voice}
			if name == "before the recording" {
				rec.data = bytes.Repeat(voice, 2000)
				// A server does not notice that its client is gone before it has read everything.
				t.Cleanup(func() { close(over) })
			}
			engine.patience = 200 * time.Millisecond
			audio := rec.audio()
			audio.Seconds = 0
			text, err := engine.Transcribe(t.Context(), audio)
			mustFail(t, text, err, true, "The transcription took too long.")
			if rec.closed.Load() != 1 {
				t.Errorf("closed %d times", rec.closed.Load())
			}
		})
	}
}

func TestAnAttemptCanBeCalledOff(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	engine := service(t, func(_ http.ResponseWriter, r *http.Request) {
		must(drain(r.Body))
		cancel()
		<-r.Context().Done()
	})
	text, err := engine.Transcribe(ctx, (&recording{data: voice}).audio())
	if e := mustFail(t, text, err, true, "The transcription was interrupted."); !errors.Is(e, context.Canceled) {
		t.Errorf("got %v, want %v", e.Err, context.Canceled)
	}
}

func TestTheServiceIsNotBlamedForTheRecording(t *testing.T) {
	t.Parallel()
	engine := service(t, func(_ http.ResponseWriter, r *http.Request) { _ = drain(r.Body) }) // which is cut off
	broken := errors.New("broken")
	rec := &recording{data: voice, broken: broken}
	text, err := engine.Transcribe(t.Context(), rec.audio())
	if e := mustFail(t, text, err, true, "The recording could not be read."); !errors.Is(e, broken) || rec.closed.Load() != 1 {
		t.Errorf("got %v, closed %d times", e.Err, rec.closed.Load())
	}
	missing := Audio{ContentType: typeWAV, Open: func(context.Context) (io.ReadCloser, error) { return nil, os.ErrNotExist }}
	text, err = engine.Transcribe(t.Context(), missing)
	mustFail(t, text, err, true, "The recording could not be read.")
	other := (&recording{data: voice}).audio()
	other.ContentType = "text/html"
	text, err = engine.Transcribe(t.Context(), other)
	mustFail(t, text, err, false, "The recording is neither WAV nor MP3.")
}
