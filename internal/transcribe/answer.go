package transcribe

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const (
	// maxAnswer holds the longest text that is kept, with every character of it escaped.
	maxAnswer     = 1 << 20
	maxRefusal    = 64 << 10
	maxReason     = 200
	maxRetryAfter = time.Hour
)

// readText takes the text out of an answer. One that is not in the form we asked for is a server's or a proxy's passing trouble.
func readText(resp *http.Response) (string, error) {
	// We asked for the bytes as they are; unpacking would let a small answer grow without end.
	if packed := resp.Header.Get("Content-Encoding"); packed != "" && packed != "identity" {
		return "", garbled(fmt.Errorf("packed as %.20q", packed))
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return "", fmt.Errorf("read answer: %w", err)
	}
	if len(body) > maxAnswer {
		return "", garbled(fmt.Errorf("more than %d bytes", maxAnswer))
	}
	var said struct {
		Text *string `json:"text"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return "", garbled(fmt.Errorf("%s: %w", cmp.Or(resp.Header.Get("Content-Type"), "no type"), err))
	}
	if said.Text == nil {
		return "", garbled(errors.New("no text in it"))
	}
	return *said.Text, nil
}

func garbled(err error) *Error {
	return &Error{Retry: true, Message: "The transcription service's answer was not understood.", Err: err}
}

// refusal is what an answer other than 200 means. Only what is about the recording itself is final.
func refusal(resp *http.Response, key string) *Error {
	status, reason := resp.StatusCode, reasonIn(resp.Body, key)
	e := &Error{RetryAfter: retryAfter(resp.Header.Get("Retry-After"), time.Now()), Err: fmt.Errorf("answered %d: %s", status, cmp.Or(reason, http.StatusText(status)))}
	switch status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		e.Message = strings.TrimRight("The transcription service refused the recording: "+cmp.Or(reason, "it did not say why"), ". ") + "."
	case http.StatusRequestEntityTooLarge:
		e.Message = "The recording is too large for the transcription service."
	case http.StatusUnsupportedMediaType:
		e.Message = "The transcription service does not take recordings of this kind."
	case http.StatusUnauthorized:
		// Some services repeat a part of the key in their reason.
		e.Retry, e.Message, e.Err = true, "The transcription service does not accept our key.", fmt.Errorf("answered %d", status)
	case http.StatusForbidden:
		e.Retry, e.Message = true, "The transcription service does not let us in."
	case http.StatusTooManyRequests:
		e.Retry, e.Message = true, "The transcription service is too busy."
	default:
		e.Retry, e.Message = true, fmt.Sprintf("The transcription service is out of order: it answered %d.", status)
	}
	return e
}

// reasonIn finds the reason in the forms that such services give it, as one short line without the key. A proxy in between
// answers in HTML: then the status says all there is to know.
func reasonIn(body io.Reader, key string) string {
	var said struct{ Error, Detail, Message json.RawMessage }
	if json.NewDecoder(io.LimitReader(body, maxRefusal)).Decode(&said) != nil {
		return ""
	}
	var nested struct{ Message json.RawMessage }
	if json.Unmarshal(said.Error, &nested) == nil {
		said.Error = nested.Message
	}
	reason := cmp.Or(text(said.Error), text(said.Detail), text(said.Message))
	if key != "" {
		reason = strings.ReplaceAll(reason, key, "***")
	}
	return oneLine(reason)
}

// text is the string that raw is, or nothing when it is something else.
func text(raw json.RawMessage) (s string) {
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// oneLine makes a short line of any text, without controls and marks that are not seen.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, s)
	line := []rune(strings.Join(strings.Fields(s), " "))
	if len(line) > maxReason {
		return string(line[:maxReason-1]) + "…"
	}
	return string(line)
}

// retryAfter reads both forms of the header, and never lets an answer put us to sleep for long.
func retryAfter(header string, now time.Time) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.ParseInt(header, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}
