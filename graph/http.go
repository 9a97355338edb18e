package graph

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/maskline/maskline/phone"
)

const (
	maxBody      = 128 << 10
	typeJSON     = "application/json"
	typeResponse = "application/graphql-response+json"
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
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	own, err := url.Parse(o.Own)
	same := err == nil && u.Scheme == own.Scheme && strings.EqualFold(u.Host, own.Host)
	return same || strings.EqualFold(u.Host, r.Host) || slices.Contains(o.Others, origin)
}

// cors tells browsers which other origins may read our answers, and answers their preflights.
func (o Origins) cors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Add("Vary", "Origin")
		if origin := r.Header.Get("Origin"); origin != "" && slices.Contains(o.Others, origin) {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Expose-Headers", "Retry-After")
			if r.Method == http.MethodOptions {
				h.Set("Access-Control-Allow-Methods", "GET, POST")
				h.Set("Access-Control-Allow-Headers", "authorization, content-type, apollo-require-preflight, x-apollo-operation-name")
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

// wellFormed refuses what is no GraphQL request before gqlgen sees it, and mends the status of what gqlgen answers.
func wellFormed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isUpgrade(r) {
			next.ServeHTTP(w, r)
			return
		}
		if !acceptable(r) {
			fail(w, r, http.StatusNotAcceptable, "Accept "+typeResponse+" or "+typeJSON+".")
			return
		}
		status, why := check(w, r)
		if status != 0 {
			fail(w, r, status, why)
			return
		}
		next.ServeHTTP(&mended{ResponseWriter: w}, r)
	})
}

// acceptable tells whether one of our two types may be answered.
func acceptable(r *http.Request) bool {
	accept := strings.Join(r.Header.Values("Accept"), ",")
	if accept == "" {
		return true
	}
	for part := range strings.SplitSeq(accept, ",") {
		kind, _, err := mime.ParseMediaType(strings.TrimSpace(part))
		if err == nil && slices.Contains([]string{typeJSON, typeResponse, "*/*", "application/*"}, kind) {
			return true
		}
	}
	return false
}

func check(w http.ResponseWriter, r *http.Request) (status int, why string) {
	if r.Method == http.MethodGet {
		return checkQuery(r.URL.Query())
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := params["charset"]
	if err != nil || kind != typeJSON || charset != "" && !strings.EqualFold(charset, "utf-8") || r.Header.Get("Content-Encoding") != "" {
		return http.StatusUnsupportedMediaType, "Send " + typeJSON + " in UTF-8."
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return http.StatusRequestEntityTooLarge, "A request has at most 128 KiB."
	}
	if err != nil {
		return http.StatusBadRequest, "The body did not arrive whole."
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return checkBody(body)
}

func checkQuery(q url.Values) (int, string) {
	if q.Get("query") == "" {
		return http.StatusBadRequest, "The query is missing."
	}
	for _, name := range []string{"variables", "extensions"} {
		var object map[string]any
		if v := q.Get(name); v != "" && json.Unmarshal([]byte(v), &object) != nil {
			return http.StatusBadRequest, name + " is a JSON object."
		}
	}
	return 0, ""
}

// checkBody wants one JSON object, with a query.
func checkBody(body []byte) (int, string) {
	var in struct {
		Query         *string
		OperationName *string
		Variables     *map[string]any
		Extensions    *map[string]any
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return http.StatusBadRequest, "The body is one JSON object with query, and maybe variables, operationName and extensions; no batch."
	}
	if in.Query == nil || *in.Query == "" {
		return http.StatusBadRequest, "The query is missing."
	}
	return 0, ""
}

// mended is gqlgen's answer with the status that GraphQL over HTTP wants: with application/json a refused query is 200, and a request error
// has no data entry.
type mended struct {
	http.ResponseWriter
	requestError bool
}

func (m *mended) WriteHeader(status int) {
	m.requestError = status >= http.StatusBadRequest
	switch {
	case status == http.StatusUnprocessableEntity && strings.HasPrefix(m.Header().Get("Content-Type"), typeJSON):
		status = http.StatusOK
	case status == http.StatusUnprocessableEntity:
		status = http.StatusBadRequest
	case status == http.StatusNotAcceptable: // gqlgen's word for a mutation by GET
		status = http.StatusMethodNotAllowed
		m.Header().Set("Allow", http.MethodPost)
	}
	m.ResponseWriter.WriteHeader(status)
}

func (m *mended) Write(b []byte) (int, error) {
	if head, found := bytes.CutSuffix(b, []byte(`,"data":null}`)); found && m.requestError {
		_, err := m.ResponseWriter.Write(append(bytes.Clone(head), '}'))
		return len(b), err
	}
	return m.ResponseWriter.Write(b)
}

func fail(w http.ResponseWriter, r *http.Request, status int, why string) {
	writeError(w, r, status, &gqlerror.Error{Message: why, Extensions: map[string]any{"code": phone.BadUserInput}})
}

func writeError(w http.ResponseWriter, r *http.Request, status int, e *gqlerror.Error) {
	kind := typeJSON
	if strings.Contains(r.Header.Get("Accept"), typeResponse) {
		kind = typeResponse
	}
	w.Header().Set("Content-Type", kind+"; charset=utf-8")
	w.WriteHeader(status)
	body, err := json.Marshal(struct {
		Errors gqlerror.List `json:"errors"`
	}{gqlerror.List{e}})
	if err == nil {
		_, _ = w.Write(body) // a client that is gone is told nothing
	}
}
