package graph

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime/debug"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

// present turns whatever went wrong into an error that a client may see: a code, a sentence, the path. What is not meant for clients is
// logged under a request id, and the client is told only that.
func present(log *slog.Logger) graphql.ErrorPresenterFunc {
	return func(ctx context.Context, err error) *gqlerror.Error {
		shown := &gqlerror.Error{Path: graphql.GetPath(ctx)}
		given, ok := errors.AsType[*gqlerror.Error](err)
		if ok {
			shown.Path, shown.Locations = given.Path, given.Locations
		} else {
			given = &gqlerror.Error{}
		}
		public := publicly(err, given)
		if public == nil {
			return hide(ctx, log, shown, err)
		}
		shown.Message = public.Message
		shown.Extensions = map[string]any{"code": public.Code}
		if public.RetryAfter > 0 {
			shown.Extensions["retryAfter"] = int(math.Ceil(public.RetryAfter.Seconds()))
		}
		if public.Field != "" {
			shown.Extensions["field"] = public.Field
		}
		if len(public.Fields) > 0 {
			shown.Extensions["fields"] = public.Fields
		}
		return shown
	}
}

// publicly is the error as clients may see it; nil when it is none of theirs.
func publicly(err error, given *gqlerror.Error) *phone.Error {
	if e, ok := errors.AsType[*phone.Error](err); ok {
		return e
	}
	code := given.Extensions["code"]
	switch {
	case ent.IsNotFound(err) || code == "NOT_FOUND":
		return phone.Missing()
	case code == errcode.ParseFailed && given.Message == tooManyTokens:
		return &phone.Error{Code: phone.TooComplex, Message: fmt.Sprintf("A query has at most %d tokens.", maxTokens)}
	case given.Message == tooDeepIntrospection:
		return &phone.Error{Code: phone.TooComplex, Message: fmt.Sprintf("An operation has at most %d levels of introspection.", maxIntrospectionDepth)}
	case code == errcode.ParseFailed || code == errcode.ValidationFailed:
		return phone.Bad("", given.Message)
	case isEmptyCondition(err):
		return phone.Bad("where", "A condition in where is empty.")
	case isUnfit(err):
		return phone.Bad("", "A value is out of range, or holds a character that no text of ours has, such as U+0000.")
	case errors.Is(err, context.Canceled):
		return &phone.Error{Code: phone.Unavailable, Message: "The request was given up."}
	case switchboard.Away(err):
		return &phone.Error{Code: phone.Unavailable, Message: "The database is away. Please try again soon."}
	}
	return nil
}

// tooDeepIntrospection is what the validator says of lists within lists of the schema's own.
const tooDeepIntrospection = "Maximum introspection depth exceeded"

// tooManyTokens is what the parser says of a query above its limit.
var tooManyTokens = fmt.Sprintf("exceeded token limit of %d", maxTokens)

// isEmptyCondition tells whether a filter has a condition that says nothing, such as not: {}.
func isEmptyCondition(err error) bool {
	return slices.ContainsFunc([]error{
		ent.ErrEmptyUserWhereInput, ent.ErrEmptyMaskedNumberWhereInput, ent.ErrEmptyCallWhereInput, ent.ErrEmptyVoicemailWhereInput,
		ent.ErrEmptyPlanWhereInput, ent.ErrEmptyNumberSubscriptionWhereInput,
	}, func(empty error) bool { return errors.Is(err, empty) })
}

// isUnfit tells whether PostgreSQL can't make anything of a value: a character that it does not have, or a number or time out of range.
func isUnfit(err error) bool {
	e, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err)
	return ok && slices.Contains([]string{"22021", "22003", "22008"}, e.SQLState())
}

// hide logs the cause and gives the client a request id to name it by.
func hide(ctx context.Context, log *slog.Logger, shown *gqlerror.Error, err error) *gqlerror.Error {
	id := rand.Text()[:12]
	log.ErrorContext(ctx, "GraphQL", "request", id, "path", shown.Path.String(), "error", err)
	shown.Message = "Something went wrong here. It is logged as request " + id + "."
	shown.Extensions = map[string]any{"code": phone.Internal, "requestId": id}
	return shown
}

// panicked makes a panic an error of one request.
func (r *Resolver) panicked(p any) error {
	r.Desk.Metrics.Panicked()
	return fmt.Errorf("panic: %v\n%s", p, debug.Stack())
}

// guarded does what would end the process if it panicked, since it has a goroutine of its own.
func guarded[T any](r *Resolver, do func() (T, error)) (got T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = r.panicked(p)
		}
	}()
	return do()
}
