package transcribe

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"testing"
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

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// mustFail demands an *Error with a sentence that is fit for the owner.
func mustFail(t *testing.T, text string, err error, passing bool, reason string) *Error {
	t.Helper()
	e, ok := err.(*Error)
	if !ok || text != "" {
		t.Fatalf("got %q and %v, want an *Error alone", text, err)
	}
	if e.Passing != passing || e.Reason != reason {
		t.Errorf("got passing %v, %q; want %v, %q (%v)", e.Passing, e.Reason, passing, reason, e.Err)
	}
	return e
}

func TestAnErrorTellsTheLogMoreThanTheOwner(t *testing.T) {
	t.Parallel()
	cause := errors.New("exit status 1: no model")
	e := passing("The transcription program failed.", cause)
	if got, want := e.Error(), "The transcription program failed: exit status 1: no model"; got != want || !errors.Is(e, cause) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := final("The recording is empty.", nil).Error(), "The recording is empty."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// silence is a recording that goes on for n bytes.
type silence struct{ n int }

func (s *silence) Read(p []byte) (int, error) {
	if s.n -= len(p); s.n < 0 {
		return 0, io.EOF
	}
	return len(p), nil
}

func TestARecordingThatIsOfNoUseIsNotGivenToAnEngine(t *testing.T) {
	t.Parallel()
	service := serviceThat(t, says(500, "it was asked"))
	program := programThat(t, "fail")
	for _, c := range []struct {
		name, reason string
		passing      bool
		audio        func() io.Reader
	}{
		{"without end", "The recording is too large to be transcribed.", false, func() io.Reader { return &silence{1 << 30} }},
		{"without a sample", "The recording is empty.", false, func() io.Reader { return bytes.NewReader(phoneWAV()) }},
		{"on a broken disk", "The recording could not be read.", true, func() io.Reader { return io.MultiReader(bytes.NewReader(voice), broken{}) }},
	} {
		for _, engine := range []interface {
			Transcribe(ctx context.Context, audio io.Reader, language string) (string, error)
		}{service, program} {
			text, err := engine.Transcribe(t.Context(), c.audio(), "en-US")
			t.Logf("%s: %v", c.name, err)
			mustFail(t, text, err, c.passing, c.reason)
		}
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
