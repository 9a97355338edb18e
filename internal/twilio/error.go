package twilio

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

const (
	maxErrorBody  = 64 << 10
	maxRetryAfter = time.Hour
)

// Error is Twilio's refusal of a request, or that no answer came.
type Error struct {
	Status     int           // 0: no answer came
	Code       int           // Twilio's own number, 0 when the answer was not Twilio's
	Message    string        // Twilio's words, or the status in words
	RetryAfter time.Duration // how long Twilio asks us to wait, 0 when it does not say
	Err        error         // why no answer came
}

func (e *Error) Error() string {
	switch {
	case e.Status == 0:
		return fmt.Sprintf("no answer from Twilio: %v", e.Err)
	case e.Code == 0:
		return fmt.Sprintf("Twilio answered %d: %s", e.Status, e.Message)
	}
	return fmt.Sprintf("Twilio answered %d (error %d): %s", e.Status, e.Code, e.Message)
}

// Wait is how long to wait before the next try.
func (e *Error) Wait() time.Duration { return e.RetryAfter }

// Unwrap gives what kept the answer from coming, such as the context's end.
func (e *Error) Unwrap() error { return e.Err }

// Temporary reports whether the same request may succeed later. A refused credential counts as temporary, since it is the
// operator who mends it; a recording that is not there yet is told by NotFound.
func (e *Error) Temporary() bool {
	switch e.Status {
	case 0, http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return true
	}
	return e.Status >= http.StatusInternalServerError
}

// NotFound reports that Twilio does not have the thing, or for a recording that it does not have it yet.
func (e *Error) NotFound() bool { return e.Status == http.StatusNotFound }

// answerError reads what is wrong with an answer, and leaves the body of a wanted one alone.
func answerError(resp *http.Response, wanted int) error {
	if resp.StatusCode == wanted {
		return nil
	}
	e := &Error{
		Status:     resp.StatusCode,
		Message:    http.StatusText(resp.StatusCode),
		RetryAfter: retryAfter(resp.Header.Get("Retry-After"), time.Now()),
	}
	var said struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	// A proxy in between answers in HTML: then the status says all there is to know.
	if json.NewDecoder(io.LimitReader(resp.Body, maxErrorBody)).Decode(&said) == nil && said.Message != "" {
		e.Code, e.Message = said.Code, said.Message
	}
	return e
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
