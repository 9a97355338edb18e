package socket

import (
	"container/list"
	"net/http"
)

// stranger is a handshake or a connection that has not sent connection_init yet.
type stranger struct {
	peer string
	conn *conn         // nil during the handshake
	at   *list.Element // nil once it is no stranger any more
	user bool          // it has sent connection_init
}

// strangers are all of them, who has waited longest first. [Transport.mu] guards them.
type strangers struct {
	all list.List
	of  map[string]int // by peer
}

func (s *strangers) add(peer string) *stranger {
	one := &stranger{peer: peer}
	one.at = s.all.PushBack(one)
	if peer != "" {
		s.of[peer]++
	}
	return one
}

func (s *strangers) remove(one *stranger) {
	if one.at == nil {
		return
	}
	s.all.Remove(one.at)
	one.at = nil
	if one.peer == "" {
		return
	}
	if s.of[one.peer]--; s.of[one.peer] == 0 {
		delete(s.of, one.peer)
	}
}

// takeOldest takes out the connection that has waited longest. It is nil when all are in their handshakes.
func (s *strangers) takeOldest() *conn {
	for at := s.all.Front(); at != nil; at = at.Next() {
		if one := at.Value.(*stranger); one.conn != nil {
			s.remove(one)
			return one.conn
		}
	}
	return nil
}

// refused is the answer to a handshake that gets no connection.
type refused struct {
	status        int
	code, message string
}

var (
	draining = &refused{http.StatusServiceUnavailable, "UNAVAILABLE", "The server is about to restart."}
	full     = &refused{http.StatusServiceUnavailable, "UNAVAILABLE", "The server has as many connections as it can. Please try again soon."}
	hurried  = &refused{http.StatusTooManyRequests, "RATE_LIMITED", "Too many connections from your address wait for connection_init."}
)

// admit counts a handshake, or refuses it. Strangers do not take the place of those who are signed in: when there are too many, the one that has
// waited longest is closed.
func (t *Transport) admit(peer string) (*stranger, *refused) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.draining:
		return nil, draining
	case t.users >= t.cfg.MaxConnections:
		return nil, full
	case peer != "" && t.strangers.of[peer] >= t.cfg.MaxWaitingOfOne:
		return nil, hurried
	}
	if t.strangers.all.Len() >= t.cfg.MaxWaiting {
		oldest := t.strangers.takeOldest()
		if oldest == nil {
			return nil, full
		}
		oldest.end(later)
	}
	t.open.Add(1)
	return t.strangers.add(peer), nil
}

// begun notes that a connection has sent connection_init.
func (t *Transport) begun(one *stranger) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.strangers.remove(one)
	one.user = true
	t.users++
}

func (t *Transport) leave(one *stranger) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.strangers.remove(one)
	if one.user {
		t.users--
	}
	t.open.Done()
}
