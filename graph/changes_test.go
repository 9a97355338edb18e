package graph_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

const changed = `subscription($n: ID, $c: Cursor) { voicemailChanged(numberID: $n, after: $c) { cursor kind voicemailID voicemail { id heardAt } edge { cursor node { id } } } }`

func TestEveryChangeOfAVoicemailIsPushedInOrder(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		ids := w.voicemails(a, 2)
		others := w.voicemails(b, 1)
		start := cursor("vm_", w.place())
		mark := func(heard bool, ids ...string) {
			w.ask(a.token, `mutation($ids: [ID!]!, $h: Boolean!) { markVoicemails(ids: $ids, heard: $h) { id } }`, vars{"ids": ids, "h": heard})
		}
		mark(true, ids[0])
		mark(true, ids[0]) // changes nothing
		w.ask(b.token, deleteThem, vars{"ids": others})
		live := w.follow(a.token, changed, vars{"c": start})
		first := live.next("voicemailChanged.kind", "voicemailChanged.voicemailID", "voicemailChanged.cursor")
		w.ask(a.token, deleteThem, vars{"ids": ids[1:]})
		w.ask(a.token, restoreThem, vars{"ids": ids[1:]})
		w.ask(a.token, deleteThem, vars{"ids": ids[:1]})
		want := [][]string{{"UPDATED", ids[0]}, {"DELETED", ids[1]}, {"RESTORED", ids[1]}, {"DELETED", ids[0]}}
		var cursors []string
		for i, c := range want {
			got := first
			if i > 0 {
				got = live.next("voicemailChanged.kind", "voicemailChanged.voicemailID", "voicemailChanged.cursor")
			}
			if !slices.Equal(got[:2], c) {
				t.Errorf("got %v, want %v", got, c)
			}
			cursors = append(cursors, got[2])
		}
		late := w.follow(a.token, changed, vars{"c": start}) // the update of what was deleted since says nothing
		for _, c := range want[1:] {
			if got := late.next("voicemailChanged.kind", "voicemailChanged.voicemailID"); !slices.Equal(got, c) {
				t.Errorf("afterwards: got %v, want %v", got, c)
			}
		}
		for i, c := range cursors[:3] {
			f := w.follow(a.token, changed, vars{"c": c, "n": a.number})
			if got := f.next("voicemailChanged.kind", "voicemailChanged.voicemailID"); !slices.Equal(got, want[i+1]) {
				t.Errorf("after change %d: got %v, want %v", i, got, want[i+1])
			}
		}
	})
}

func TestAChangeCarriesTheVoicemailUnlessItIsDeleted(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		ids := w.voicemails(a, 1)
		start := cursor("vm_", w.place())
		w.ask(a.token, `mutation($ids: [ID!]!) { markVoicemails(ids: $ids, heard: true) { id } }`, vars{"ids": ids})
		f := w.follow(a.token, changed, vars{"c": start})
		if got := f.next("voicemailChanged.voicemail.heardAt"); got[0] != "2026-01-15T12:00:00Z" {
			t.Errorf("heardAt is %s", got[0])
		}
		w.ask(a.token, deleteThem, vars{"ids": ids})
		if got := f.next("voicemailChanged.voicemail"); got[0] != "null" {
			t.Errorf("got %s of a deleted voicemail, want null", got[0])
		}
	})
}

// TestMoreChangesThanAreReadAtOnceThatNobodySees has a hundred updates of a voicemail that was deleted then.
func TestMoreChangesThanAreReadAtOnceThatNobodySees(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		ids := w.voicemails(a, 1)
		start := cursor("vm_", w.place())
		for i := range 130 {
			check(t, w.desk.Mark(w.ctx, ids, i%2 == 0))
		}
		w.ask(a.token, deleteThem, vars{"ids": ids})
		f := w.follow(a.token, changed, vars{"c": start})
		if got := f.next("voicemailChanged.kind"); got[0] != "DELETED" {
			t.Errorf("got %v, want DELETED", got)
		}
	})
}

func TestADeletionIsReplayedForAsLongAsTheBinKeepsIt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		theirs, ids := w.voicemails(b, 1), w.voicemails(a, 1)
		start := cursor("vm_", w.place())
		w.ask(a.token, deleteThem, vars{"ids": ids})
		w.advance(7*24*time.Hour - time.Minute)
		w.do(jobs.KeepHouse, "")
		if got := w.follow(a.token, changed, vars{"c": start}).next("voicemailChanged.kind"); got[0] != "DELETED" {
			t.Errorf("got %v, want DELETED", got)
		}
		w.advance(2 * time.Minute)
		w.do(jobs.KeepHouse, "")
		for _, token := range []string{a.token, w.admin} {
			e := w.follow(token, changed, vars{"c": start}).refused()
			if e.code() != string(phone.BadUserInput) || e.Extensions["field"] != "after" {
				t.Errorf("got %v, want BAD_USER_INPUT of after", e)
			}
		}
		unmissed := w.follow(b.token, changed, vars{"c": start}) // nothing of b's was forgotten
		check(t, w.desk.Mark(w.ctx, theirs, true))
		if got := unmissed.next("voicemailChanged.voicemailID"); got[0] != theirs[0] {
			t.Errorf("got %v, want %s", got, theirs[0])
		}
	})
}

const calls = `subscription($n: ID) { callChanged(numberID: $n) { callSid outcome } }`

func TestCallsAreFollowedFromTheRunningOnesOn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a, b := w.tenant("ann"), w.tenant("bob")
		ring := func(tn tenant) phone.Incoming {
			in := phone.Incoming{CallSID: w.sid("CA"), From: "+15550200002", To: phone.Number(tn.phone), Status: "ringing"}
			_, err := w.desk.Receive(w.ctx, in)
			check(t, err)
			return in
		}
		end := func(in phone.Incoming) { check(t, w.desk.Ended(w.ctx, in, switchboard.Over{Status: "completed"})) }
		over := ring(a)
		end(over)
		w.advance(time.Second)
		running, others := ring(a), ring(b)
		f := w.follow(a.token, calls, nil)
		if got := f.next("callChanged.callSid", "callChanged.outcome"); !slices.Equal(got, []string{running.CallSID, "RINGING"}) {
			t.Errorf("first got %v, want the running call", got)
		}
		w.advance(time.Second)
		end(others)
		end(running)
		if got := f.next("callChanged.callSid", "callChanged.outcome"); !slices.Equal(got, []string{running.CallSID, "MISSED"}) {
			t.Errorf("then got %v, want its end", got)
		}
		w.advance(time.Second)
		next := ring(a)
		if got := f.next("callChanged.callSid"); got[0] != next.CallSID {
			t.Errorf("then got %v, want the next call", got)
		}
		w.resolver.Events.WakeAll() // something may have been missed: what was sent is not sent again
		w.advance(time.Second)
		end(next)
		if got := f.next("callChanged.callSid", "callChanged.outcome"); !slices.Equal(got, []string{next.CallSID, "MISSED"}) {
			t.Errorf("at last got %v, want its end", got)
		}
		all := w.follow(w.admin, calls, vars{"n": b.number})
		w.advance(time.Second)
		third := ring(b)
		if got := all.next("callChanged.callSid"); got[0] != third.CallSID {
			t.Errorf("the administrator got %v, want the call to the number that was asked for", got)
		}
		if e := w.follow(a.token, calls, vars{"n": b.number}).refused(); e.code() != string(phone.NotFound) {
			t.Errorf("another's number: got %v, want NOT_FOUND", e)
		}
	})
}

func TestACallIsPushedAgainWhenItsVoicemailAppearsOrGoes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		f := w.follow(a.token, `subscription { callChanged { outcome voicemail { id } } }`, nil)
		vm := w.recorded(a, "+15550200002")
		next := func(want string) {
			t.Helper()
			if got := f.next("callChanged.outcome", "callChanged.voicemail"); got[0] != "VOICEMAIL" || got[1] != want {
				t.Errorf("got %v, want VOICEMAIL and %s", got, want)
			}
		}
		there := `{"id":"` + vm + `"}`
		next("null")
		w.appear(vm)
		next(there)
		w.ask(a.token, deleteThem, vars{"ids": []string{vm}})
		next("null")
		w.ask(a.token, restoreThem, vars{"ids": []string{vm}})
		next(there)
	})
}

func TestWhoIsNoAdministratorAnyMoreLosesTheSocket(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		bob := w.ask(w.admin, `mutation { createUser(input: {email: "bob@x.example", role: ADMIN}) { id } }`, nil, "createUser.id")[0]
		f := w.follow(w.token(bob), received, vars{"c": cursor("vm_", int64(0))})
		w.voicemails(a, 1)
		f.next() // an administrator sees everybody's
		w.ask(w.admin, `mutation($i: ID!) { updateUser(id: $i, input: {role: OWNER}) { id } }`, vars{"i": bob})
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		_, _, err := f.conn.Read(ctx)
		if closed, ok := errors.AsType[websocket.CloseError](err); !ok || closed.Code != 4403 {
			t.Errorf("got %v, want close code 4403", err)
		}
	})
}
