package phone

import (
	"errors"
	"time"
)

// A Code tells clients what kind of error they face; it is extensions.code in GraphQL.
type Code string

// The codes that a rule, a permission or an input can end in. Everything else is internal.
const (
	Unauthenticated Code = "UNAUTHENTICATED"
	Forbidden       Code = "FORBIDDEN"
	NotFound        Code = "NOT_FOUND"
	BadUserInput    Code = "BAD_USER_INPUT"
	Conflict        Code = "CONFLICT"
	TooComplex      Code = "TOO_COMPLEX"
	RateLimited     Code = "RATE_LIMITED"
	Unavailable     Code = "UNAVAILABLE"
	Internal        Code = "INTERNAL"
)

// Error is an error fit to be shown: a code for programs and a sentence for a person.
type Error struct {
	Code    Code
	Message string
	Field   string // the input field that is wrong, where there is one

	RetryAfter time.Duration // when to try again, where that can be told
}

func (e *Error) Error() string { return e.Message }

// Bad says which input is wrong and how it should be.
func Bad(field, message string) *Error {
	return &Error{Code: BadUserInput, Message: message, Field: field}
}

// Missing is the one answer for what does not exist and for what belongs to somebody else.
func Missing() *Error { return &Error{Code: NotFound, Message: "There is no such object."} }

// CodeOf is the code of the first [Error] in err's chain, or Internal.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}
