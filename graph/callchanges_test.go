package graph_test

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/internal/events"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

const callsSince = `subscription($n: ID, $s: Time) { callChanged(numberID: $n, since: $s) { callSid outcome } }`

// ring has a call come in.
func (w *world) ring(tn tenant) phone.Incoming {
	w.t.Helper()
	in := phone.Incoming{CallSID: w.sid("CA"), From: "+15550200002", To: phone.Number(tn.phone), Status: "ringing"}
	_, err := w.desk.Receive(w.ctx, in)
	check(w.t, err)
	return in
}

// hangUp ends a call.
func (w *world) hangUp(in phone.Incoming) {
	w.t.Helper()
	check(w.t, w.desk.Ended(w.ctx, in, switchboard.Over{Status: "completed"}))
}

// wantsCall checks the next push of callChanged.
func (f *follower) wantsCall(sid, outcome string) {
	f.t.Helper()
	if got := f.next("callChanged.callSid", "callChanged.outcome"); !slices.Equal(got, []string{sid, outcome}) {
		f.t.Errorf("got %v, want %s %s", got, sid, outcome)
	}
}

func rfc3339(at time.Time) string { return at.Format(time.RFC3339Nano) }

func TestACallThatEndsWhileTheSocketIsDownDoesNotStayRinging(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		w.hangUp(w.ring(a)) // long ago
		w.advance(time.Minute)
		ends, goesOn := w.ring(a), w.ring(a)
		f := w.follow(a.token, calls, nil)
		first := []string{f.next("callChanged.callSid")[0], f.next("callChanged.callSid")[0]}
		if slices.Sort(first); !slices.Equal(first, slices.Sorted(slices.Values([]string{ends.CallSID, goesOn.CallSID}))) {
			t.Fatalf("got %v, want the running calls", first)
		}
		check(t, f.conn.CloseNow())
		lastHeard := w.now()
		w.advance(time.Second)
		w.hangUp(ends)
		w.hangUp(w.ring(b))
		w.advance(time.Hour)
		all, ofNumber := vars{"s": rfc3339(lastHeard)}, vars{"s": rfc3339(lastHeard), "n": a.number}
		over := []phone.Incoming{ends}
		for _, again := range []func() *follower{
			func() *follower { return w.follow(a.token, callsSince, all) },
			func() *follower { return w.follow(a.token, callsSince, ofNumber) },
			func() *follower { return w.follow(w.admin, callsSince, ofNumber) },
			func() *follower { return w.replica().follow(a.token, callsSince, all) },
		} {
			f := again()
			f.wantsCall(goesOn.CallSID, "RINGING")
			for _, in := range over {
				f.wantsCall(in.CallSID, "MISSED")
			}
			check(t, f.conn.CloseNow())
			w.advance(time.Second)
			over = append(over, w.ring(a))
			w.hangUp(over[len(over)-1])
		}
		w.advance(time.Second)
		live := w.follow(a.token, callsSince, vars{"s": rfc3339(w.now())})
		live.wantsCall(goesOn.CallSID, "RINGING")
		w.advance(time.Second)
		next := w.ring(a)
		live.wantsCall(next.CallSID, "RINGING")
		w.hangUp(next)
		live.wantsCall(next.CallSID, "MISSED")
		later := w.follow(a.token, callsSince, vars{"s": rfc3339(w.now().Add(time.Hour))}) // a clock that goes fast
		later.wantsCall(goesOn.CallSID, "RINGING")
		w.advance(time.Second)
		w.hangUp(goesOn)
		later.wantsCall(goesOn.CallSID, "MISSED")
		if e := w.follow(a.token, callsSince, vars{"s": "yesterday"}).refused(); e.code() != string(phone.BadUserInput) {
			t.Errorf("since yesterday: got %v, want BAD_USER_INPUT", e)
		}
		if e := w.follow(a.token, callsSince, vars{"s": rfc3339(lastHeard), "n": b.number}).refused(); e.code() != string(phone.NotFound) {
			t.Errorf("another's number: got %v, want NOT_FOUND", e)
		}
	})
}

// replica is another process on the same database, which was told of nothing yet.
func (w *world) replica() *world {
	w.t.Helper()
	r := *w.resolver
	r.Events = events.NewHub()
	front := httptest.NewServer(w.door(w.t, &r))
	w.t.Cleanup(front.Close)
	return &world{t: w.t, ctx: w.ctx, db: w.db, url: front.URL}
}

// manyCalls writes calls that have ended, the first so many of which changed at the same moment, and returns their sids in the order of changes.
func (w *world) manyCalls(tn tenant, n, together int) (sids []string) {
	w.t.Helper()
	w.write(func(tx *ent.Client) error {
		for i := range n {
			at := w.now().Add(time.Duration(max(0, i-together+1)) * time.Second)
			c := tx.Call.Create().SetOwnerID(tn.user).SetNumberID(tn.number).SetCallSid(w.sid("CA")).SetFrom("anonymous").SetTo(phone.Number(tn.phone)).SetOutcome(phone.OutcomeMissed).
				SetStartedAt(at).SetEndedAt(at).SetChangedAt(at).SetTimeline([]phone.CallEvent{}).SetAnswers(map[string]phone.Stored{}).SaveX(w.ctx)
			sids = append(sids, c.CallSid)
		}
		return nil
	})
	return sids
}

// However far back since lies, calls are read a hundred at a time, each once, also when many of them changed at the same moment.
func TestCallsSinceLongAgoComeInOrderAndOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		w.manyCalls(b, 3, 0)
		const together = 220
		want := w.manyCalls(a, 330, together)
		w.advance(time.Hour)
		running := w.ring(a)
		for _, since := range []string{"0001-01-01T00:00:00Z", "2000-01-01T00:00:00.123456789+02:00", rfc3339(w.now().Add(-2 * time.Hour))} {
			f := w.follow(a.token, callsSince, vars{"s": since})
			var got []string
			for range want {
				got = append(got, f.next("callChanged.callSid")[0])
			}
			slices.Sort(got[:together]) // in the order of ids
			if !slices.Equal(got, want) {
				t.Fatalf("since %s: got %v, want %v", since, got, want)
			}
			f.wantsCall(running.CallSID, "RINGING") // it changed last
			w.resolver.Events.WakeAll()             // what was sent is not sent again
			next := w.ring(b)
			w.hangUp(next)
			live := w.ring(a)
			f.wantsCall(live.CallSID, "RINGING")
			w.hangUp(live)
			f.wantsCall(live.CallSID, "MISSED")
			want = append(want, live.CallSID)
			running, want = w.again(running, want)
		}
	})
}

// again ends the call that runs and begins another.
func (w *world) again(running phone.Incoming, ended []string) (phone.Incoming, []string) {
	w.advance(time.Second)
	w.hangUp(running)
	w.advance(time.Minute)
	return w.ring(tenant{phone: string(running.To)}), append(ended, running.CallSID)
}

// Each read of calls since a time begins in an index with whose they are and when they changed.
func TestCallsSinceATimeAreReadByTheirIndex(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		w.grow(a, b, 20_000)
		for name, c := range map[string]struct{ token, number, by string }{
			"an owner": {a.token, "", "owner_id=?"}, "an owner's number": {a.token, "num_2", "number_id=?"},
			"everybody": {w.admin, "", "changed_at>?"}, "a number": {w.admin, "num_2", "number_id=?"},
		} {
			for _, since := range []string{"0001-01-01T00:00:00Z", "2025-01-01T02:00:00Z"} {
				s := w.spied()
				front := httptest.NewServer(s.front)
				t.Cleanup(front.Close)
				v := vars{"s": since}
				if c.number != "" {
					v["n"] = c.number
				}
				f := (&world{t: t, ctx: w.ctx, url: front.URL}).follow(c.token, callsSince, v)
				for range 150 {
					f.next()
				}
				check(t, f.conn.CloseNow())
				s.readsCallsBy(name+" since "+since, c.by)
			}
		}
	})
}

// readsCallsBy explains the statements that read a hundred calls at a time.
func (s *spy) readsCallsBy(what, by string) {
	s.t.Helper()
	s.mu.Lock()
	seen := slices.Clone(s.seen)
	s.mu.Unlock()
	chunks := 0
	for _, st := range seen {
		if !strings.Contains(st.text, "LIMIT 100") {
			continue
		}
		chunks++
		if !s.lite() {
			s.explainPostgres(what, st)
			continue
		}
		plan := s.planSQLite(st)
		if !strings.Contains(plan, by) || strings.Contains(plan, "USE TEMP B-TREE FOR ORDER BY") {
			s.t.Errorf("%s: want %s, and no sorting of all:\n%s\n%s", what, by, st.text, plan)
		}
	}
	if chunks < 2 {
		s.t.Errorf("%s: %d statements for the first 150 calls:\n%v", what, chunks, fmt.Sprint(seen))
	}
}
