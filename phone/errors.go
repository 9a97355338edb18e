package phone

import (
	"errors"
	"slices"
	"strings"
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
	Fields  Faults // all that are wrong

	RetryAfter time.Duration // when to try again, where that can be told
}

func (e *Error) Error() string { return e.Message }

// Bad says which input is wrong and how it should be.
func Bad(field, message string) *Error {
	e := &Error{Code: BadUserInput, Message: message, Field: field}
	if field != "" {
		e.Fields = Faults{{field, message}}
	}
	return e
}

// Fault is one field of an input that is wrong, and how it should be. An element of a list is named by its place: forwardTo.1.
type Fault struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// Faults are all that is wrong with an input.
type Faults []Fault

// maxFaults are told at once: a list may have thousands of wrong elements.
const maxFaults = 50

// Add notes a fault.
func (f *Faults) Add(field, message string) {
	if len(*f) < maxFaults {
		*f = append(*f, Fault{field, message})
	}
}

// Note adds the faults that an error names; nil has none.
func (f *Faults) Note(err error) {
	if e, ok := errors.AsType[*Error](err); ok {
		for _, one := range e.Fields {
			f.Add(one.Field, one.Message)
		}
	}
}

// Err is one error for all faults, or nil.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	messages := make([]string, len(f))
	for i, one := range f {
		messages[i] = one.Message
	}
	return &Error{Code: BadUserInput, Message: strings.Join(slices.Compact(messages), " "), Field: f[0].Field, Fields: f}
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
