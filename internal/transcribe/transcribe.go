// Package transcribe makes text of speech: by a service that speaks OpenAI's protocol, or by a program on this machine.
//
// It promises that every error is an [Error], which says whether another try may help; that silence is an empty text and no error; and
// that an attempt ends within its time and leaves neither processes nor files behind. It repeats nothing by itself.
package transcribe

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// Error says why there is no text.
type Error struct {
	Passing bool   // the same recording may succeed later
	Reason  string // a sentence for the owner of the message, without secrets
	Err     error  // what was behind it, for the log; nil when Reason says it all
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Reason
	}
	return fmt.Sprintf("%s: %v", strings.TrimSuffix(e.Reason, "."), e.Err)
}

// Unwrap is what was behind it.
func (e *Error) Unwrap() error { return e.Err }

func passing(reason string, err error) *Error { return &Error{Passing: true, Reason: reason, Err: err} }

func final(reason string, err error) *Error { return &Error{Reason: reason, Err: err} }

// overtime is the error of an attempt that ended with ctx, and nil while ctx goes on: then something else went wrong.
func overtime(ctx context.Context, err error) error {
	switch ctx.Err() {
	case nil:
		return nil
	case context.DeadlineExceeded:
		return passing("The transcription took too long.", err)
	}
	return passing("The transcription was interrupted.", err)
}

// maxAudio is three times what ten minutes take at the telephone's rate.
const maxAudio = 32 << 20

// load reads a recording, and makes it what engines know best if it is a WAV. Anything else it returns as it is, with the reason.
func load(audio io.Reader) (loaded []byte, notWAV error, err error) {
	loaded, err = io.ReadAll(io.LimitReader(audio, maxAudio+1))
	switch {
	case err != nil:
		return nil, nil, passing("The recording could not be read.", err)
	case len(loaded) > maxAudio:
		return nil, nil, final("The recording is too large to be transcribed.", nil)
	}
	wav, notWAV := wideband(loaded)
	if notWAV != nil {
		return loaded, notWAV, nil
	}
	if len(wav) == headerSize {
		return nil, nil, final("The recording is empty.", nil)
	}
	return wav, nil, nil
}
