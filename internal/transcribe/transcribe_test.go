package transcribe

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

// TestMain plays the program that transcribes when this binary is started as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == asProgram {
		play(os.Args[2:])
		return
	}
	os.Exit(m.Run())
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// recording is audio in memory that knows how often it was opened and closed.
type recording struct {
	data           []byte
	broken         error // what reading ends with; nil: the end
	opened, closed atomic.Int32
}

type handle struct {
	io.Reader
	io.Seeker
	of *recording
}

func (h handle) Close() error {
	h.of.closed.Add(1)
	return nil
}

func (r *recording) open(context.Context) (io.ReadCloser, error) {
	r.opened.Add(1)
	from := bytes.NewReader(r.data)
	if r.broken != nil {
		return struct{ io.ReadCloser }{handle{io.MultiReader(from, failing{r.broken}), from, r}}, nil
	}
	return handle{from, from, r}, nil
}

func (r *recording) audio() Audio {
	return Audio{ContentType: typeWAV, Language: "en-US", Seconds: 1, Open: r.open}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// mustFail demands an *Error whose sentence is fit for the owner.
func mustFail(t *testing.T, text string, err error, retry bool, message string) *Error {
	t.Helper()
	e, ok := err.(*Error)
	if !ok || text != "" {
		t.Fatalf("got %q and %v, want an *Error alone", text, err)
	}
	if e.Retry != retry || e.Message != message {
		t.Errorf("got retry %v, %q; want %v, %q (%v)", e.Retry, e.Message, retry, message, e.Err)
	}
	return e
}

func TestATextIsFitToBeKept(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ü", MaxText)
	for text, want := range map[string]string{
		"":                                "",
		" hello\r\n":                      "hello",
		"a\x00b":                          "ab",
		"a\xffb":                          "ab",
		"first\nsecond":                   "first\nsecond",
		long:                              long[:MaxText],
		"x" + long:                        "x" + long[:MaxText-2],
		strings.Repeat(" ", MaxText+1):    "",
		"<b>&amp; \U0001F600 \u202e שלום": "<b>&amp; \U0001F600 \u202e שלום",
	} {
		if got := plain(text); got != want || !utf8.ValidString(got) || len(got) > MaxText {
			t.Errorf("%.20q: got %.20q of %d bytes, want %.20q", text, got, len(got), want)
		}
	}
}

func TestPatienceGrowsWithTheRecordingAndHasAnEnd(t *testing.T) {
	t.Parallel()
	for seconds, want := range map[int]time.Duration{
		0: 2 * time.Minute, 60: 3 * time.Minute, 600: 8 * time.Minute, 1 << 62: 8 * time.Minute, -1 << 63: 2 * time.Minute,
	} {
		if got := (Audio{Seconds: seconds}).patience(basePatience); got != want {
			t.Errorf("%d s: got %v, want %v", seconds, got, want)
		}
	}
}

func TestABurstKeepsOnlyAFewBusy(t *testing.T) {
	t.Parallel()
	service, err := OpenAI(OpenAIConfig{URL: "http://localhost"})
	check(t, err)
	program, _ := asked(t, "say")
	for want, engine := range map[int32]Engine{2: program, 4: service} {
		synctest.Test(t, func(t *testing.T) { burst(t, engine.Transcribe, want) })
	}
}

// burst asks for twenty texts at once. Each attempt takes a second until it finds that there is no recording.
func burst(t *testing.T, transcribe func(context.Context, Audio) (string, error), want int32) {
	var now, most, all atomic.Int32
	audio := Audio{ContentType: typeWAV, Open: func(context.Context) (io.ReadCloser, error) {
		most.Store(max(most.Load(), now.Add(1)))
		time.Sleep(time.Second)
		now.Add(-1)
		return nil, os.ErrNotExist
	}}
	for range 20 {
		go func() {
			text, err := transcribe(t.Context(), audio)
			mustFail(t, text, err, true, "The recording could not be read.")
			all.Add(1)
		}()
	}
	time.Sleep(time.Minute)
	synctest.Wait()
	if most.Load() != want || all.Load() != 20 {
		t.Errorf("got %d at once and %d in all, want %d and 20", most.Load(), all.Load(), want)
	}
}

func TestWhoeverWaitsForATurnCanBeCalledOff(t *testing.T) {
	t.Parallel()
	engines := map[string]Engine{
		"service": &openAI{turns: make(turns)},
		"program": &program{turns: make(turns)},
	}
	for name, engine := range engines {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		voice := &recording{}
		text, err := engine.Transcribe(ctx, voice.audio())
		if e := mustFail(t, text, err, true, "The transcription was interrupted."); !errors.Is(e, context.Canceled) || voice.opened.Load() != 0 {
			t.Errorf("%s: got %v after opening the recording %d times", name, e, voice.opened.Load())
		}
	}
}

func TestAnErrorTellsTheLogMoreThanTheOwner(t *testing.T) {
	t.Parallel()
	cause := errors.New("exit status 1: no model")
	e := &Error{Message: "The transcription program failed.", Err: cause}
	if got, want := e.Error(), "The transcription program failed: exit status 1: no model"; got != want || !errors.Is(e, cause) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := (&Error{Message: "The recording is empty."}).Error(), "The recording is empty."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
