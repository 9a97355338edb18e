package graph

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

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
		}
		public := publicly(err, given)
		if public == nil {
			return hide(ctx, log, shown, err)
		}
		shown.Message = public.Message
		shown.Extensions = map[string]any{"code": public.Code}
		if public.Field != "" {
			shown.Extensions["field"] = public.Field
		}
		return shown
	}
}

// publicly is the error as clients may see it; nil when it is none of theirs.
func publicly(err error, given *gqlerror.Error) *phone.Error {
	if e, ok := errors.AsType[*phone.Error](err); ok {
		return e
	}
	switch {
	case ent.IsNotFound(err), given != nil && given.Extensions["code"] == "NOT_FOUND":
		return phone.Missing()
	case given != nil && (given.Extensions["code"] == errcode.ValidationFailed || given.Extensions["code"] == errcode.ParseFailed):
		return phone.Bad("", given.Message)
	case switchboard.Away(err):
		return &phone.Error{Code: phone.Unavailable, Message: "The database is away. Please try again soon."}
	}
	return nil
}

// hide logs the cause and gives the client a request id to name it by.
func hide(ctx context.Context, log *slog.Logger, shown *gqlerror.Error, err error) *gqlerror.Error {
	id := rand.Text()[:12]
	log.ErrorContext(ctx, "GraphQL", "request", id, "path", shown.Path.String(), "error", err)
	shown.Message = "Something went wrong here. It is logged as request " + id + "."
	shown.Extensions = map[string]any{"code": phone.Internal, "requestId": id}
	return shown
}

// recovered makes a panic an error of one request.
func recovered(_ context.Context, p any) error { return fmt.Errorf("panic: %v\n%s", p, debug.Stack()) }
