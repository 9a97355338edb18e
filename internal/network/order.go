package network

import (
	"errors"
	"slices"
)

// order is what REST wants a call to do instead.
type order struct {
	ask *ask // nil to end it
}

// interference is what REST has done to the call, nil for nothing.
func (c *Call) interference() error {
	c.net.mu.Lock()
	children, dismissed, ordered := slices.Clone(c.children), false, c.order != nil
	for _, child := range children {
		dismissed = dismissed || child.dismissed != "" && child.ended.IsZero()
	}
	c.net.mu.Unlock()
	switch {
	case ordered:
		return errTaken
	case dismissed:
		return errDismissed
	case slices.ContainsFunc(children, (*leg).moved):
		return errMoved
	}
	return nil
}

// ordered is what REST wants instead of what ended just now, nil for nothing. A call that has run out of TwiML may still
// be taken over, one whose caller is gone may not.
func (c *Call) ordered(end error) *order {
	if end != nil && !errors.Is(end, errTaken) {
		return nil
	}
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	o := c.order
	c.order = nil
	return o
}
