package graph

import (
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// acceptable is a type that a client takes, and how much it likes it.
type acceptable struct {
	kind    string
	quality float64
}

func acceptables(r *http.Request) (all []acceptable) {
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		kind, params, err := mime.ParseMediaType(strings.TrimSpace(part))
		if err == nil && quality(params) > 0 {
			all = append(all, acceptable{kind, quality(params)})
		}
	}
	return all
}

// accepted is the type to answer in: of those that we have the one that the client likes best. It is empty when it likes none.
func accepted(r *http.Request) (best string) {
	if strings.Join(r.Header.Values("Accept"), "") == "" {
		return typeJSON
	}
	most := 0.0
	for _, a := range acceptables(r) {
		if a.kind == "*/*" || a.kind == "application/*" {
			a.kind = typeJSON
		}
		if (a.kind == typeJSON || a.kind == typeResponse) && a.quality > most {
			best, most = a.kind, a.quality
		}
	}
	return best
}

// wantsEvents tells whether to answer in an event stream. It is not enough that a client would take one: those that take JSON too, as
// urql does for its queries, mean JSON.
func wantsEvents(r *http.Request) bool {
	isEvents := func(a acceptable) bool { return a.kind == typeEvents }
	return r.Method == http.MethodPost && accepted(r) == "" && slices.ContainsFunc(acceptables(r), isEvents)
}

func quality(params map[string]string) float64 {
	q, given := params["q"]
	if !given {
		return 1
	}
	f, err := strconv.ParseFloat(q, 64)
	if err != nil {
		return 1
	}
	return f
}
