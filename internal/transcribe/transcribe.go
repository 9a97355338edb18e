// Package transcribe turns recordings into text, by a service that speaks OpenAI's protocol or by a program on this machine.
//
// It promises that every error is an *Error, which says whether trying again is of use and carries a sentence for the owner
// without secrets; that a text is valid UTF-8 of at most 64 KiB, whatever the engine says; that an attempt ends within eight
// minutes of its beginning and takes its processes and files along; and that a burst of messages keeps only a few engines busy.
package transcribe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

const (
	// MaxText is how many bytes of a text are kept.
	MaxText = 64 << 10

	basePatience = 2 * time.Minute
	// mostPatience leaves the rest of a job's ten minutes to the wait for a turn, and to writing the text down.
	mostPatience = 8 * time.Minute

	typeWAV = "audio/wav"
	typeMP3 = "audio/mpeg"
)

// Engine makes text of speech; it is safe for concurrent use and repeats nothing by itself. Speech without words is an empty text.
type Engine interface {
	Transcribe(ctx context.Context, audio Audio) (text string, err error)
}

// Audio is one recording.
type Audio struct {
	ContentType string // audio/wav or audio/mpeg
	Language    string // what is spoken, such as en-US; empty: unknown
	Seconds     int    // how long it is; 0: unknown
	// Open is called at most once for each attempt, and what it gives is read within ctx and closed. When that is an io.Seeker
	// too, a service is told its length beforehand, which some insist on.
	Open func(ctx context.Context) (io.ReadCloser, error)
}

// patience is how long an engine may take: slow ones work about as long as somebody spoke.
func (a Audio) patience(base time.Duration) time.Duration {
	spoken := time.Duration(min(max(a.Seconds, 0), int(mostPatience/time.Second))) * time.Second
	return min(base+spoken, mostPatience)
}

// Error says why there is no text.
type Error struct {
	Retry      bool          // the same recording may succeed later
	Message    string        // a sentence for the owner, without secrets
	RetryAfter time.Duration // how long the engine asks us to wait; 0 when it does not say
	Err        error         // for the log; nil when Message says it all
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return fmt.Sprintf("%s: %v", strings.TrimSuffix(e.Message, "."), e.Err)
}

// Unwrap gives what the engine or the system said.
func (e *Error) Unwrap() error { return e.Err }

var errPatience = errors.New("out of time")

// ended names the end of ctx as the reason, where it is the one, and gives nil where it is not.
func ended(ctx context.Context, err error) error {
	switch cause := context.Cause(ctx); {
	case cause == nil:
		return nil
	case errors.Is(cause, errPatience):
		return &Error{Retry: true, Message: "The transcription took too long.", Err: err}
	default:
		return &Error{Retry: true, Message: "The transcription was interrupted.", Err: fmt.Errorf("%w: %w", cause, err)}
	}
}

// turns bounds how many attempts go on at once.
type turns chan struct{}

// take waits for a turn, which ends with a call of done.
func (t turns) take(ctx context.Context) (done func(), err error) {
	select {
	case t <- struct{}{}:
		return func() { <-t }, nil
	case <-ctx.Done():
		return nil, ended(ctx, errors.New("no engine was free"))
	}
}

// plain is a text as databases keep it: valid UTF-8 without NUL, and not too long.
func plain(text string) string {
	text = strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\x00", ""))
	if len(text) > MaxText {
		text = strings.TrimSpace(strings.ToValidUTF8(text[:MaxText], ""))
	}
	return text
}

// readError is a recording that could not be read, as opposed to an engine that failed on it.
type readError struct{ error }

func (e readError) Unwrap() error { return e.error }

// source reads a recording and marks what goes wrong with it.
type source struct{ io.Reader }

func (s source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = readError{err}
	}
	return n, err
}

func unreadable(err error) *Error {
	return &Error{Retry: true, Message: "The recording could not be read.", Err: err}
}
