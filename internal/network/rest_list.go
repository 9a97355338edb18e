package network

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	usualPage   = 50
	largestPage = 1000
)

// Twilio's codes for what is wrong with the parameters of a request.
const (
	codeUnknownParameter = 20001
	codePageSize         = 20007
)

// item is one element of a list.
type item struct {
	sid  string
	body object
}

// list answers one page of items. They are given with the newest first, and all of them, so that a page token stays
// good when newer ones arrive or this one no longer matches; matches says which to show.
func (n *Network) list(w http.ResponseWriter, r *http.Request, name string, items []item, matches func(object) bool) {
	query := r.URL.Query()
	size, page, ok := pageOf(query)
	if !ok {
		invalid(w, codePageSize, "PageSize is 1 to %d, Page a number that its PageToken belongs to", largestPage)
		return
	}
	items, ok = behind(items, query.Get("PageToken"))
	if !ok {
		invalid(w, codePageSize, "unknown PageToken")
		return
	}
	items = slices.DeleteFunc(items, func(i item) bool { return !matches(i.body) })
	shown := items[:min(size, len(items))]
	bodies := make([]object, len(shown))
	for i, one := range shown {
		bodies[i] = one.body
	}
	body := object{
		name: bodies, "page": page, "page_size": size, "start": page * size, "end": max(page*size+len(shown)-1, 0),
		"uri": r.URL.RequestURI(), "first_page_uri": pageURI(r, size, 0, ""), "next_page_uri": nil, "previous_page_uri": nil,
	}
	if len(items) > size {
		body["next_page_uri"] = pageURI(r, size, page+1, "PA"+shown[size-1].sid)
	}
	if page > 0 {
		body["previous_page_uri"] = pageURI(r, size, 0, "") // no further than the start: nobody goes back here
	}
	answer(w, http.StatusOK, body)
}

// pageOf reads size and number of a page. One behind the first needs its token, as at Twilio.
func pageOf(query url.Values) (size, page int, ok bool) {
	size = usualPage
	var err error
	if query.Has("PageSize") {
		size, err = strconv.Atoi(query.Get("PageSize"))
	}
	if err == nil && query.Has("Page") {
		page, err = strconv.Atoi(query.Get("Page"))
	}
	fits := size >= 1 && size <= largestPage && page >= 0
	return size, page, err == nil && fits && (page > 0) == query.Has("PageToken")
}

func behind(items []item, token string) ([]item, bool) {
	if token == "" {
		return items, true
	}
	at := slices.IndexFunc(items, func(i item) bool { return "PA"+i.sid == token })
	return items[at+1:], at >= 0
}

func pageURI(r *http.Request, size, page int, token string) string {
	query := r.URL.Query()
	query.Set("PageSize", strconv.Itoa(size))
	query.Set("Page", strconv.Itoa(page))
	query.Del("PageToken")
	if token != "" {
		query.Set("PageToken", token)
	}
	return r.URL.Path + "?" + query.Encode()
}

var pageParameters = []string{"PageSize", "Page", "PageToken"}

// known refuses a request with a parameter that none of the names is. Twilio would ignore it, and so hide a slip.
func known(w http.ResponseWriter, given url.Values, names ...string) bool {
	for name := range given {
		if !slices.Contains(names, name) && !slices.Contains(pageParameters, name) {
			invalid(w, codeUnknownParameter, "unknown parameter %s", name)
			return false
		}
	}
	return true
}

// span is the time that a filter such as StartTime, "StartTime<" and "StartTime>" leaves.
type span struct{ from, to time.Time } // zero: no limit; to is not in it

// spanOf reads a time filter. A date means the whole day in GMT, and both limits are inclusive.
func spanOf(query url.Values, name string) (span, error) {
	var s span
	if text := query.Get(name); text != "" {
		from, to, err := moment(text)
		return span{from: from, to: to}, err
	}
	if text := query.Get(name + ">"); text != "" {
		from, _, err := moment(text)
		if err != nil {
			return s, err
		}
		s.from = from
	}
	if text := query.Get(name + "<"); text != "" {
		_, to, err := moment(text)
		if err != nil {
			return s, err
		}
		s.to = to
	}
	return s, nil
}

// moment is a day or a second, with the time that comes right after it.
func moment(text string) (begin, end time.Time, err error) {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day, day.AddDate(0, 0, 1), nil
	}
	second, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return second, second, fmt.Errorf("%q is neither a date nor RFC 3339", text)
	}
	return second, second.Add(time.Second), nil
}

func (s span) holds(t time.Time) bool {
	return !t.Before(s.from) && (s.to.IsZero() || t.Before(s.to))
}

// timeFilter is the three names of a time filter.
func timeFilter(name string) []string { return []string{name, name + "<", name + ">"} }

// resource cuts the extension off the last part of a path; a resource has ".json" or none.
func resource(file string) (sid, extension string) {
	sid, extension, _ = strings.Cut(file, ".")
	return sid, extension
}
