package graph_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/maskline/maskline/phone"
)

// A document is read under a place at work, so a clock that stands still while it is paid for holds the place.
func TestAllTokensOfAUserShareHalfOfThePlaces(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		tokens := []string{a.token, w.token(a.user), w.token(a.user)}
		held, release := make(chan struct{}), make(chan struct{})
		var hold atomic.Bool
		w.resolver.Room, w.resolver.WaitAtMost = 4, 200*time.Millisecond
		w.resolver.Now = func() time.Time {
			if hold.Load() {
				held <- struct{}{}
				<-release
			}
			return w.now()
		}
		w.handler = w.door(t, w.resolver)
		const known, unknown = `subscription { voicemailReceived(after: "x") { cursor } }`, `subscription Other { voicemailReceived(after: "x") { cursor } }`
		wantCode(t, w.follow(a.token, known, nil).refused(), phone.BadUserInput)
		hold.Store(true)
		var atWork sync.WaitGroup
		for _, token := range tokens[:2] {
			atWork.Go(func() { w.ask(token, `{ viewer { id } }`, nil) })
			<-held
		}
		hold.Store(false)
		got := w.try(tokens[2], `{ viewer { id } }`, nil)
		w.failed(got, http.StatusTooManyRequests, phone.RateLimited, "")
		if got.Header.Get("Retry-After") != "1" || fmt.Sprint(got.Errors[0].Extensions["retryAfter"]) != "1" {
			t.Errorf("got %v %s, want to come back after a second", got.Header, got.Body)
		}
		wantCode(t, w.follow(tokens[2], unknown, nil).refused(), phone.RateLimited)
		wantCode(t, w.follow(tokens[2], known, nil).refused(), phone.BadUserInput) // a document that was read before takes no place
		w.wants(b.token, `{ viewer { email } }`, nil, `{"viewer": {"email": "bob@example.com"}}`)
		close(release)
		atWork.Wait()
		w.wants(tokens[2], `{ viewer { email } }`, nil, `{"viewer": {"email": "ann@example.com"}}`)
	})
}

func wantCode(t *testing.T, p problem, want phone.Code) {
	t.Helper()
	if got := p.Extensions["code"]; got != string(want) {
		t.Errorf("got %v, want %s", got, want)
	}
}

// asMuchAsIsAllowed gives 20,000 objects, as far as there are so many.
const asMuchAsIsAllowed = `{ numbers(first: 100) { edges { node { id label a: calls(first: 99) { edges { node { id from to } } } b: voicemails(first: 100) { edges { node { id } } } } } } }`

// An owner with 24 clients and eight tokens asks for as much as is allowed, and more. Another owner's small queries are all answered; how long
// that takes is in the log.
func TestAGreedyOwnerDoesNotStarveAnother(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		w.grow(a, b, 600)
		tokens := []string{a.token}
		for len(tokens) < 8 {
			tokens = append(tokens, w.token(a.user))
		}
		w.advance(2 * time.Minute)
		var stop atomic.Bool
		var answered, limited atomic.Int64
		var greedy sync.WaitGroup
		for i := range 24 {
			greedy.Go(func() {
				for !stop.Load() {
					switch got := w.try(tokens[i%8], asMuchAsIsAllowed, nil); {
					case len(got.Errors) == 0:
						answered.Add(1)
					case got.Errors[0].code() == string(phone.RateLimited) && got.Status == http.StatusTooManyRequests && got.Header.Get("Retry-After") != "":
						limited.Add(1)
					default:
						t.Errorf("got %.300s, want RATE_LIMITED at most", got.Body)
						return
					}
				}
			})
		}
		var took []time.Duration
		for len(took) < 200 || answered.Load() < 50 || limited.Load() == 0 {
			began := time.Now()
			w.wants(b.token, `{ viewer { email } }`, nil, `{"viewer": {"email": "bob@example.com"}}`)
			took = append(took, time.Since(began))
		}
		stop.Store(true)
		greedy.Wait()
		slices.Sort(took)
		if answered.Load() > 50 {
			t.Errorf("%d operations of 20,000 objects are answered in a minute", answered.Load())
		}
		t.Logf("%s: %d small queries beside %d large ones, %d of which are refused: p50 %s, p99 %s", strings.ToLower(w.db.Dialect()),
			len(took), answered.Load()+limited.Load(), limited.Load(), took[len(took)/2], took[len(took)*99/100])
	})
}
