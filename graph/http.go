package graph

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/maskline/maskline/internal/compress"
	"github.com/maskline/maskline/phone"
)

const (
	maxBody      = 128 << 10
	typeJSON     = "application/json"
	typeResponse = "application/graphql-response+json"
	typeEvents   = "text/event-stream"
	allowed      = "GET, POST, OPTIONS"
)

// Origins are the browser origins that may use the API, besides the one that we serve ourselves.
type Origins struct {
	Own    string // PUBLIC_URL
	Others []string
}

// allow tells whether a request comes from such an origin, or from no browser at all.
func (o Origins) allow(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || slices.Contains(o.Others, origin) {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	own, err := url.Parse(o.Own)
	same := err == nil && u.Scheme == own.Scheme && strings.EqualFold(u.Host, own.Host)
	return same || strings.EqualFold(u.Host, r.Host)
}

// sharing is what pages of other origins may do with a route. Names of headers are separated by commas.
type sharing struct{ methods, headers, exposed string }

// tracing are the headers that clients add to each request for tools that watch it.
const tracing = "traceparent, tracestate, baggage, sentry-trace"

var (
	shareGraphQL = sharing{
		methods: "GET, POST",
		headers: "authorization, content-type, apollo-require-preflight, x-apollo-operation-name, apollographql-client-name, apollographql-client-version, " + tracing,
		exposed: "Retry-After",
	}
	shareAudio = sharing{
		methods: "GET, HEAD",
		headers: "authorization, range, if-range, if-none-match, " + tracing,
		exposed: "Accept-Ranges, Content-Range, Content-Length, Content-Disposition, ETag, Retry-After",
	}
)

// cors tells browsers which other origins may read our answers, and answers their preflights.
func (o Origins) cors(as sharing, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Add("Vary", "Origin")
		if origin := r.Header.Get("Origin"); origin != "" && slices.Contains(o.Others, origin) {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Expose-Headers", as.exposed)
			if r.Method == http.MethodOptions {
				h.Set("Access-Control-Allow-Methods", as.methods)
				h.Set("Access-Control-Allow-Headers", as.headers)
				h.Set("Access-Control-Max-Age", "7200")
			}
		}
		next.ServeHTTP(w, r)
	})
}

func methods(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet, http.MethodPost:
			next.ServeHTTP(w, r)
		case http.MethodOptions:
			w.Header().Set("Allow", allowed)
			w.WriteHeader(http.StatusNoContent)
		default:
			w.Header().Set("Allow", allowed)
			fail(w, r, http.StatusMethodNotAllowed, "Use GET or POST.")
		}
	})
}

// overHTTP answers queries and mutations by the specification of GraphQL over HTTP. It is the last of the transports.
type overHTTP struct{ r *Resolver }

// Supports is true of what no other transport has taken.
func (overHTTP) Supports(*http.Request) bool { return true }

// Do answers one request.
func (o overHTTP) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	w = o.r.patient(w)
	if accepted(r) == "" {
		fail(w, r, http.StatusNotAcceptable, "Accept "+typeResponse+" or "+typeJSON+", or "+typeEvents+" with POST.")
		return
	}
	params, status, why := readRequest(w, r)
	if status != 0 {
		fail(w, r, status, why)
		return
	}
	op, errs := exec.CreateOperationContext(r.Context(), params)
	ctx := graphql.WithOperationContext(r.Context(), op)
	switch {
	case len(errs) > 0:
	case r.Method == http.MethodGet && op.Operation.Operation != ast.Query:
		w.Header().Set("Allow", http.MethodPost)
		fail(w, r, http.StatusMethodNotAllowed, "GET answers queries only.")
		return
	case op.Operation.Operation == ast.Subscription:
		errs = gqlerror.List{gqlerror.Wrap(phone.Bad("", "Subscriptions need a WebSocket (graphql-transport-ws), or POST with Accept: "+typeEvents+" and no type of JSON."))}
	}
	if len(errs) > 0 { // nothing is executed
		errs = refusals(ctx, exec, errs)
		write(w, r, statusOf(errs, statusOfRefusal(r)), refusal{errs})
		return
	}
	respond, ctx := exec.DispatchOperation(ctx, op)
	switch answer := respond(ctx); {
	case answer == nil: // the client is gone
	case answer.Data == nil: // refused, and not begun
		write(w, r, statusOf(answer.Errors, http.StatusOK), refusal{answer.Errors})
	default:
		write(w, r, http.StatusOK, answer)
	}
}

// statusOfRefusal is that of a well-formed request that is not executed. Clients of the older type take any other than 200 for no
// GraphQL at all.
func statusOfRefusal(r *http.Request) int {
	if accepted(r) == typeResponse {
		return http.StatusBadRequest
	}
	return http.StatusOK
}

const maxErrors = 10 // of one refusal: a document may be wrong in a thousand places

// refusals are errors as clients see them.
func refusals(ctx context.Context, exec graphql.GraphExecutor, errs gqlerror.List) gqlerror.List {
	return exec.DispatchError(ctx, errs[:min(len(errs), maxErrors)]).Errors
}

// statusOf is that of a request that is not executed, by the code of its error; any other has the status otherwise.
func statusOf(errs gqlerror.List, otherwise int) int {
	if len(errs) > 0 {
		switch errs[0].Extensions["code"] {
		case phone.Unauthenticated:
			return http.StatusUnauthorized
		case phone.RateLimited:
			return http.StatusTooManyRequests
		case phone.Unavailable:
			return http.StatusServiceUnavailable
		}
	}
	return otherwise
}

// readRequest reads what is asked. What is no GraphQL request has a status and a reason.
func readRequest(w http.ResponseWriter, r *http.Request) (params *graphql.RawParams, status int, why string) {
	params = &graphql.RawParams{Headers: r.Header}
	params.ReadTime.Start = graphql.Now()
	if r.Method == http.MethodGet {
		status, why = readQuery(r.URL.Query(), params)
	} else {
		status, why = readBody(w, r, params)
	}
	params.ReadTime.End = graphql.Now()
	if status == 0 && params.Query == "" {
		return nil, http.StatusBadRequest, "The query is missing."
	}
	return params, status, why
}

func readQuery(q url.Values, into *graphql.RawParams) (status int, why string) {
	into.Query, into.OperationName = q.Get("query"), q.Get("operationName")
	for name, object := range map[string]*map[string]any{"variables": &into.Variables, "extensions": &into.Extensions} {
		if v := q.Get(name); v != "" && decode(strings.NewReader(v), object) != nil {
			return http.StatusBadRequest, name + " is a JSON object."
		}
	}
	return 0, ""
}

func readBody(w http.ResponseWriter, r *http.Request, into *graphql.RawParams) (status int, why string) {
	if !isJSON(r) {
		return http.StatusUnsupportedMediaType, "Send " + typeJSON + " in UTF-8."
	}
	body := http.MaxBytesReader(w, r.Body, maxBody)
	err := decode(body, into)
	if err != nil { // which may be found before the end
		_, tooMuch := io.Copy(io.Discard, body)
		err = cmp.Or(tooMuch, err)
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return http.StatusRequestEntityTooLarge, "A request has at most 128 KiB."
	}
	if err != nil {
		return http.StatusBadRequest, "The body is one JSON object with query, and maybe variables, operationName and extensions; no batch."
	}
	return 0, ""
}

func isJSON(r *http.Request) bool {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset, given := params["charset"]
	return err == nil && kind == typeJSON && (!given || strings.EqualFold(charset, "utf-8")) && r.Header.Get("Content-Encoding") == ""
}

var errMore = errors.New("more than one JSON value")

// decode reads one JSON value and nothing behind it.
func decode(from io.Reader, into any) error {
	d := json.NewDecoder(from)
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return err
	}
	switch _, err := d.Token(); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	}
	return errMore
}

// refusal is the answer to what is not executed: it has no data.
type refusal struct {
	Errors gqlerror.List `json:"errors"`
}

// fail refuses a request that is not one of GraphQL over HTTP.
func fail(w http.ResponseWriter, r *http.Request, status int, why string) {
	writeError(w, r, status, &gqlerror.Error{Message: why, Extensions: map[string]any{"code": phone.BadUserInput}})
}

func writeError(w http.ResponseWriter, r *http.Request, status int, e *gqlerror.Error) {
	write(w, r, status, refusal{gqlerror.List{e}})
}

// retryAfter is when to come back, in seconds: what the error says, or soon.
func retryAfter(answer any) string {
	if r, ok := answer.(refusal); ok && len(r.Errors) > 0 {
		if seconds, said := r.Errors[0].Extensions["retryAfter"]; said {
			return fmt.Sprint(seconds)
		}
	}
	return "5"
}

// write answers in the type that the client accepts, or in JSON when there is none.
func write(w http.ResponseWriter, r *http.Request, status int, answer any) {
	body, err := json.Marshal(answer)
	if err != nil {
		panic(err) // gqlgen made no JSON
	}
	kind := accepted(r)
	if kind == "" {
		kind = typeJSON
	}
	w.Header().Set("Content-Type", kind+"; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	body = compress.Answer(w.Header(), r, body)
	switch status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", retryAfter(answer))
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // #nosec G705 -- JSON, with its Content-Type and nosniff; a client that is gone is told nothing
}
