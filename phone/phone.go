// Package phone holds the rules of a masked number: who is rung when it is called, who may leave a message, what a plan
// allows, what a callback may change, what is said in which language. It is also our vocabulary: the enums and words that
// the database, the API, the logs and the callers share.
//
// Everything here is pure. Facts come in, decisions go out with the reason in plain words; there is no database, no HTTP, no
// clock (now is an argument) and no logger. [Route] begins a call, [AfterDial] and [AfterRecord] carry it on, and
// [CallState.After] is the one table of what may follow what.
package phone

import (
	"fmt"
	"io"
	"slices"
	"strconv"
)

// enum is what the types below have in common: text with a closed list of values.
type enum interface {
	~string
	Values() []string
}

func marshalEnum[E enum](w io.Writer, e E) { _, _ = io.WriteString(w, strconv.Quote(string(e))) }

func unmarshalEnum[E enum](e *E, v any) error {
	s, ok := v.(string)
	if !ok || !slices.Contains((*e).Values(), s) {
		return Bad("", fmt.Sprintf("%v is not one of %v", v, (*e).Values()))
	}
	*e = E(s)
	return nil
}

// Role says what a user may do.
type Role string

// Owners see and change their own; administrators everything.
const (
	RoleOwner Role = "OWNER"
	RoleAdmin Role = "ADMIN"
)

// Values lists every role.
func (Role) Values() []string { return []string{string(RoleOwner), string(RoleAdmin)} }

// MarshalGQL writes the role as a GraphQL enum value.
func (r Role) MarshalGQL(w io.Writer) { marshalEnum(w, r) }

// UnmarshalGQL reads the role and refuses unknown ones.
func (r *Role) UnmarshalGQL(v any) error { return unmarshalEnum(r, v) }
