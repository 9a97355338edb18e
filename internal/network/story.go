package network

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
)

// Story is what happened on the call so far, in order of time.
func (c *Call) Story() []Event {
	c.net.mu.Lock()
	story := slices.Clone(c.story)
	c.net.mu.Unlock()
	// What different goroutines saw at one instant has no order in life, so it gets a fixed one.
	slices.SortStableFunc(story, func(a, b Event) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.lane, b.lane), cmp.Compare(a.order, b.order))
	})
	return story
}

// Tell is Story as text, a line an event.
func (c *Call) Tell() string {
	var b strings.Builder
	for _, e := range c.Story() {
		b.WriteString(e.At.Format("15:04:05.0 ") + e.String() + "\n")
	}
	return b.String()
}

// Heard is all that was said or played to whoever has that number, in order.
func (c *Call) Heard(who string) (texts []string) {
	for _, e := range c.Story() {
		if e.Kind == Heard && e.Who == who {
			texts = append(texts, e.Text)
		}
	}
	return texts
}

// Asked is every webhook and callback of the call whose path ends like this, in order.
func (c *Call) Asked(path string) (requests []Event) {
	asking := Asking(path)
	for _, e := range c.Story() {
		if asking(e) {
			requests = append(requests, e)
		}
	}
	return requests
}

// Asking recognises webhooks and callbacks whose path ends like this, for RunTo.
func Asking(path string) func(Event) bool {
	return func(e Event) bool {
		u, err := url.Parse(e.URL)
		return err == nil && (e.Kind == Webhook || e.Kind == CallbackSent) && strings.HasSuffix(u.Path, path)
	}
}
