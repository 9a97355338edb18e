package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/testdb"
)

const asTranscriber = "transcribe-as-program"

// transcribeAsProgram is this binary as the program that TRANSCRIBER_COMMAND names: it prints its arguments and how much it was given to hear.
func transcribeAsProgram(args []string) {
	wav, err := os.Stat(args[len(args)-1])
	if err != nil {
		panic(err)
	}
	fmt.Println(strings.Join(args[:len(args)-1], " "), wav.Size(), "bytes of", os.Getenv("MASKLINE_LANGUAGE"))
}

// heard is a voicemail as its owner's client sees it in the end.
type heard struct {
	Audio, Transcription           string
	Transcript, TranscriptionError *string
	Deliveries                     []struct{ State string }
}

// left plays a call whose caller leaves a message for a number that speaks German, and all that comes of it.
func (h *house) left() (tenant, heard) {
	h.t.Helper()
	tn := h.newTenant("olivia@example.com", mask, 100, 50)
	h.ask(tn.token, `mutation($n: ID!) { updateNumber(id: $n, input: {language: "de-DE"}) { id } }`, map[string]any{"n": tn.number}, nil)
	h.net.AddPhone(owner, network.NoAnswer())
	call := h.net.Dial(network.From(customer).LeaveMessage(12*time.Second, "Rufen Sie mich bitte zurück."), mask)
	h.play()
	check(h.t, call.Err())
	for _, e := range call.Story() {
		if strings.Contains(e.Body, "transcribe") {
			h.t.Errorf("Twilio is asked to transcribe: %s", e.Body)
		}
	}
	var all struct {
		Voicemails struct{ Edges []struct{ Node heard } }
	}
	h.ask(tn.token, `{ voicemails { edges { node { audio transcription transcript transcriptionError deliveries { state } } } } }`, nil, &all)
	if len(all.Voicemails.Edges) != 1 {
		h.t.Fatalf("%d voicemails, want 1", len(all.Voicemails.Edges))
	}
	return tn, all.Voicemails.Edges[0].Node
}

// wantTranscript checks what the client and the mailbox were told.
func (h *house) wantTranscript(got heard, state, text, why string) {
	h.t.Helper()
	if got.Audio != "STORED" || got.Transcription != state || value(got.Transcript) != text || value(got.TranscriptionError) != why {
		h.t.Errorf("the voicemail is %s, %s %q %q; want STORED, %s %q %q",
			got.Audio, got.Transcription, value(got.Transcript), value(got.TranscriptionError), state, text, why)
	}
	if len(got.Deliveries) != 1 || got.Deliveries[0].State != "DELIVERED" {
		h.t.Errorf("deliveries %+v, want one that is DELIVERED", got.Deliveries)
	}
}

// wantMailed checks that there is one mail, with this in its text.
func (h *house) wantMailed(text string) {
	h.t.Helper()
	mails := h.mails()
	if len(mails) != 1 {
		h.t.Fatalf("%d mails, want 1", len(mails))
	}
	if told := strings.Join(strings.Fields(tellMail(h.t, mails[0])), " "); !strings.Contains(told, text) {
		h.t.Errorf("the mail does not say %q:\n%s", text, told)
	}
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// A program of the operator's writes down what was said, in any language.
func TestAProgramTranscribes(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		self, err := os.Executable()
		check(t, err)
		h := newHouse(t, db, option{settings: func(s *Settings) {
			s.Transcriber, s.TranscriberCommand = "exec", fmt.Sprintf("'%s' %s 'Bitte rufen' an:", self, asTranscriber)
		}})
		_, got := h.left()
		const text = "Bitte rufen an: 384044 bytes of de-DE" // 12 s at 16,000 samples of 2 bytes
		h.wantTranscript(got, "COMPLETED", text, "")
		h.wantMailed(text)
	}, jobs.Migrate)
}

// service is an OpenAI-compatible one that gives these answers, one after the other, and then the last of them for ever.
func service(t *testing.T, answers ...http.HandlerFunc) (set func(*Settings), asked func() int) {
	t.Helper()
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		_, _, err := r.FormFile("file")
		if err != nil || r.URL.Path != "/v1/audio/transcriptions" || r.Header.Get("Authorization") != "Bearer sk-test" || r.FormValue("language") != "de" {
			w.WriteHeader(http.StatusTeapot) // which no test expects
			return
		}
		answers[min(n, len(answers))-1](w, r)
	}))
	t.Cleanup(server.Close)
	set = func(s *Settings) { s.Transcriber, s.TranscriberURL, s.TranscriberKey = "openai", server.URL, "sk-test" }
	return set, func() int { return n }
}

func answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body)) // whom it does not reach has gone
	}
}

func hangsUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func TestAServiceTranscribes(t *testing.T) {
	t.Parallel()
	const down = "The transcription service is out of order: it answered 503."
	for _, c := range []struct {
		name             string
		answers          []http.HandlerFunc
		state, text, why string
		mailed           string
		asked            int // 0: often
	}{
		{name: "at once", answers: []http.HandlerFunc{answers(200, `{"text":" Rufen Sie mich bitte zurück. "}`)},
			state: "COMPLETED", text: "Rufen Sie mich bitte zurück.", mailed: "Rufen Sie mich bitte zurück.", asked: 1},
		{name: "once it is up again", answers: []http.HandlerFunc{hangsUp, answers(503, "upstream"), answers(429, ""), answers(200, `{"text":"Endlich."}`)},
			state: "COMPLETED", text: "Endlich.", mailed: "Endlich.", asked: 4},
		{name: "nothing of silence", answers: []http.HandlerFunc{answers(200, `{"text":""}`)},
			state: "FAILED", why: "No words were recognized in the message.", mailed: "No words were recognized", asked: 1},
		{name: "nothing that it refuses", answers: []http.HandlerFunc{answers(400, `{"error":{"message":"The audio is too short."}}`)},
			state: "FAILED", why: "The transcription service refused the recording: The audio is too short.", mailed: "The audio is too short.", asked: 1},
		{name: "nothing while it is down", answers: []http.HandlerFunc{answers(503, "")},
			state: "FAILED", why: down, mailed: "Length: 0:12"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			testdb.Each(t, func(t *testing.T, db *database.DB) {
				set, asked := service(t, c.answers...)
				h := newHouse(t, db, option{settings: set})
				began := h.net.Now()
				_, got := h.left()
				h.wantTranscript(got, c.state, c.text, c.why)
				h.wantMailed(c.mailed)
				took := h.net.Now().Sub(began)
				if n := asked(); c.asked > 0 && n != c.asked || c.asked == 0 && (n < 40 || took < 24*time.Hour || took > 25*time.Hour) {
					t.Errorf("the service was asked %d times in %s", n, took)
				}
			}, jobs.Migrate)
		})
	}
}

func TestWhatTranscribesMustBeNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		set  Settings
		want string
	}{
		{Settings{Transcriber: "openai"}, "TRANSCRIBER_URL: TRANSCRIBER=openai needs"},
		{Settings{Transcriber: "openai", TranscriberURL: "api.openai.com"}, "TRANSCRIBER_URL: it must be"},
		{Settings{Transcriber: "openai", TranscriberURL: "https://api.openai.com", TranscriberKey: "sk \n"}, "TRANSCRIBER_KEY: "},
		{Settings{Transcriber: "exec"}, "TRANSCRIBER_COMMAND: TRANSCRIBER=exec needs"},
		{Settings{Transcriber: "exec", TranscriberCommand: "'a"}, "TRANSCRIBER_COMMAND: a quote"},
		{Settings{Transcriber: "openai", TranscriberURL: "https://api.openai.com"}, ""},
		{Settings{Transcriber: "exec", TranscriberCommand: "whisper"}, ""},
		{Settings{Transcriber: "twilio", TranscriberURL: "left from before"}, ""},
	} {
		s := c.set
		s.ListenAddr, s.ReconcileEvery, s.MaxSimultaneousCalls = "127.0.0.1:0", time.Minute, 100
		err := s.complete()
		if (err == nil) != (c.want == "") || err != nil && (!strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%+v: got %v, want %q", c.set, err, c.want)
		}
	}
}
