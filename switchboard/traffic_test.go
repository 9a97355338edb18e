package switchboard_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/journal"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

// limitedTo makes the number's plan forward so many calls at a time.
func (d *desk) limitedTo(number string, atATime int) {
	d.t.Helper()
	plan, err := d.CreatePlan(d.ctx, switchboard.NewPlan{Name: "Narrow", Type: phone.PlanUnlimited, SimultaneousCalls: &atATime, Period: phone.PeriodMonth})
	d.check(err)
	_, err = d.Subscribe(d.ctx, number, plan)
	d.check(err)
}

// gets is the kind of answer that a call gets, and the note that says why.
func (d *desk) gets(in phone.Incoming) (kind, why string) {
	d.t.Helper()
	answer, err := d.Receive(d.ctx, in)
	d.check(err)
	for _, e := range d.call(in).Timeline {
		if e.Kind == "not_forwarded" || e.Kind == "rejected" {
			why = e.Detail
		}
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", answer), "phone."), why
}

func (d *desk) wants(in phone.Incoming, kind, why string) {
	d.t.Helper()
	if k, w := d.gets(in); k != kind || w != why {
		d.t.Errorf("%s gets %s (%s), want %s (%s)", in.CallSID, k, w, kind, why)
	}
}

func TestNoMoreCallsThanAllowedAreForwardedAtATimeOverReplicas(t *testing.T) {
	for name, limits := range map[string]struct{ operators, plans int }{"the operator's limit": {7, 100}, "the plan's limit": {100, 7}} {
		t.Run(name, func(t *testing.T) {
			each(t, func(d *desk) {
				_, number, _ := d.number(-1, -1)
				d.limitedTo(number, limits.plans)
				d.Settings.SimultaneousCalls = limits.operators
				replicas := []*switchboard.Switchboard{switchboard.New(d.Config), switchboard.New(d.Config)}
				answers := make([]phone.Answer, 60)
				var wg sync.WaitGroup
				for n := range answers {
					wg.Go(func() {
						var err error
						if answers[n], err = replicas[n%2].Receive(d.ctx, incoming(n)); err != nil {
							d.t.Error(err)
						}
					})
				}
				wg.Wait()
				counts := map[string]int{}
				for _, a := range answers {
					counts[fmt.Sprintf("%T", a)]++
				}
				if counts["phone.Connect"] != 7 || counts["phone.TakeMessage"] != 53 {
					d.t.Errorf("answers %v, want 7 connected and 53 led to leave a message", counts)
				}
			})
		})
	}
}

func TestACallCountsUntilItsEndIsToldOrItsTimeIsOver(t *testing.T) {
	each(t, func(d *desk) {
		_, number, _ := d.number(-1, -1)
		d.check(d.UpdateNumber(d.ctx, number, func(s *phone.Settings) { s.RingSeconds, s.MaxCallMinutes = 20, 3 }))
		d.limitedTo(number, 2)
		const full = "plan 'Narrow' forwards 2 calls at a time, and 2 are running"
		d.wants(incoming(1), "Connect", "")
		d.wants(incoming(2), "Connect", "")
		d.wants(incoming(3), "TakeMessage", full)
		d.check(d.Ended(d.ctx, incoming(3), switchboard.Over{Status: "completed"})) // which was not forwarded
		d.wants(incoming(4), "TakeMessage", full)
		d.check(d.Ended(d.ctx, incoming(1), switchboard.Over{Status: "completed"}))
		d.wants(incoming(5), "Connect", "")
		d.wants(incoming(6), "TakeMessage", full)
		d.wait(20*time.Second + 5*time.Second + 3*time.Minute - time.Second)
		d.wants(incoming(7), "TakeMessage", full)
		d.wait(time.Second)
		d.wants(incoming(8), "Connect", "")
		d.wants(incoming(9), "Connect", "")
		d.wants(incoming(10), "TakeMessage", full)
	})
}

// A Dial action or a Record action tells of the end too, and may be there before the number's status callback.
func TestAnActionWhoseCallerIsGoneFreesThePlaceOfTheCall(t *testing.T) {
	each(t, func(d *desk) {
		_, number, _ := d.number(-1, -1)
		d.limitedTo(number, 1)
		d.wants(incoming(1), "Connect", "")
		_, err := d.Dialled(d.ctx, incoming(1), phone.Dialled{CallStatus: "completed", DialCallStatus: "canceled", Bridged: "false"})
		d.check(err)
		d.wants(incoming(2), "Connect", "")
		_, err = d.Dialled(d.ctx, incoming(2), unanswered)
		d.check(err)
		d.wants(incoming(3), "TakeMessage", "plan 'Narrow' forwards 1 calls at a time, and 1 are running")
		_, err = d.Recorded(d.ctx, incoming(2), phone.Took{CallStatus: "completed", RecordingSID: recording(1), Digits: "hangup"})
		d.check(err)
		d.wants(incoming(4), "Connect", "")
		_, err = d.Dialled(d.ctx, incoming(4), phone.Dialled{CallStatus: "completed", DialCallStatus: "completed", Bridged: "true"})
		d.check(err)
		d.wants(incoming(5), "Connect", "")
	})
}

// Somebody who tries again and again is no loop: an action that tells that the caller is gone ends a call for this rule too.
func TestACallerWhoHungUpWhileItRangDoesNotCountAsALoop(t *testing.T) {
	each(t, func(d *desk) {
		d.number(-1, -1)
		for n := range 5 {
			in := incoming(n)
			in.From = "+15550200001"
			d.wants(in, "Connect", "")
			_, err := d.Dialled(d.ctx, in, phone.Dialled{CallStatus: "completed", DialCallStatus: "canceled", Bridged: "false"})
			d.check(err)
		}
	})
}

// A mailbox that cut the ringing short does not shorten the time in which the call counts.
func TestACallThatRingsAgainCountsFromThenOn(t *testing.T) {
	each(t, func(d *desk) {
		_, number, _ := d.number(-1, -1)
		d.check(d.UpdateNumber(d.ctx, number, func(s *phone.Settings) {
			s.ForwardTo, s.MaxCallMinutes = []phone.Number{"+15550100001", "+15550100002"}, 1
		}))
		d.limitedTo(number, 1)
		in := incoming(1)
		d.wants(in, "Connect", "")
		d.wait(30 * time.Second)
		_, err := d.Screened(d.ctx, in, recording(7), phone.Screen{Phone: "+15550100001"})
		d.check(err)
		answer, err := d.Dialled(d.ctx, in, phone.Dialled{CallStatus: "ringing", DialCallStatus: "completed", Bridged: "false", DialCallSID: recording(7)})
		d.check(err)
		if c, ok := answer.(phone.Connect); !ok || !c.Again {
			d.t.Fatalf("got %+v, want the other phone to be rung again", answer)
		}
		d.wait(60 * time.Second) // longer than a ringing and a talk after the first answer
		if kind, _ := d.gets(incoming(2)); kind != "TakeMessage" {
			d.t.Errorf("got %s", kind)
		}
	})
}

func TestWhatOneCallerMayDoToANumber(t *testing.T) {
	each(t, func(d *desk) {
		d.number(-1, -1)
		from := func(n int, caller string) phone.Incoming {
			in := incoming(n)
			in.From = caller
			return in
		}
		end := func(n int) { d.check(d.Ended(d.ctx, incoming(n), switchboard.Over{Status: "completed"})) }
		const loop = "3 calls of this caller began within 30 s and have not ended: calls go round in a circle"
		for n := range 3 {
			d.wants(from(n, customer), "Connect", "")
		}
		d.wants(from(3, customer), "TakeMessage", loop)
		d.wants(from(4, "+15550200009"), "Connect", "") // another caller's do not count
		end(1)
		end(2)
		end(3)
		d.wants(from(5, customer), "Connect", "")
		d.wait(31 * time.Second)
		for n := 6; n < 11; n++ { // the sixth to the tenth: those of before began longer ago
			d.wants(from(n, customer), "Connect", "")
			end(n)
		}
		d.wants(from(11, customer), "TakeMessage", "the caller called this number 10 times within 10 minutes already")
		d.wait(phone.Lately)
		d.wants(from(12, customer), "Connect", "")
		for n := range 39 {
			d.gets(from(100+n, customer))
			d.wait(time.Minute)
		}
		d.wants(from(13, customer), "Reject", "the caller called this number 50 times within a day already")
		if c := d.call(incoming(13)); c.Outcome != phone.OutcomeRejected {
			d.t.Errorf("the call is %s", c.Outcome)
		}
		d.wait(phone.Day)
		d.wants(from(14, customer), "Connect", "")
	})
}

func TestWithheldCallersCountTogetherInADayOnly(t *testing.T) {
	each(t, func(d *desk) {
		d.number(-1, -1)
		for n := range 50 {
			in := incoming(n)
			in.From = []string{"anonymous", "Restricted", "", "+266696687"}[n%4]
			d.wants(in, "Connect", "")
		}
		in := incoming(51)
		in.From = "unknown"
		d.wants(in, "Reject", "the caller called this number 50 times within a day already")
	})
}

func TestADivertedCallIsNotForwardedToThePhoneThatDivertedIt(t *testing.T) {
	each(t, func(d *desk) {
		d.number(-1, -1)
		in := incoming(1)
		in.ForwardedFrom = "+15550100001"
		d.wants(in, "TakeMessage", "+1…01 diverted the call to this number: ringing it would go round in a circle")
	})
}

// While the database is away no limit is known. What was forwarded then counts afterwards, from when it was forwarded.
func TestCallsForwardedDuringAnOutageCountAfterwards(t *testing.T) {
	each(t, func(d *desk) {
		_, number, _ := d.number(-1, -1)
		d.limitedTo(number, 1)
		var err error
		d.Memory, err = switchboard.NewMemory(d.t.TempDir() + "/numbers.json")
		d.check(err)
		d.Journal = journal.New(d.t.TempDir() + "/journal")
		for n := range 2 { // which is more than the plan allows; the number is not remembered, so it is told what was answered
			entry, err := json.Marshal(map[string]any{"At": d.now(), "In": incoming(n), "Decided": map[string]any{
				"Key": "received", "Answer": phone.Stored{Answer: phone.Connect{To: []phone.Number{"+15550100001"}, RingSeconds: 15, MaxMinutes: 2}},
				"Notes": []phone.Note{{Kind: "forwarded", Detail: "ringing"}},
			}})
			d.check(err)
			d.check(d.Journal.Append(entry))
		}
		d.wait(time.Minute)
		d.check(d.Replay(d.ctx))
		if notes := d.call(incoming(1)).Timeline; !slices.ContainsFunc(notes, func(e phone.CallEvent) bool {
			return e.Detail == "ringing (decided while the database was away, when only the calls of one process were counted)"
		}) {
			d.t.Errorf("the timeline is %+v", notes)
		}
		d.wants(incoming(3), "TakeMessage", "plan 'Narrow' forwards 1 calls at a time, and 2 are running")
		d.wait(80 * time.Second)
		d.wants(incoming(4), "Connect", "")
	})
}

// What is counted for a call is found by indexes, however many calls there were.
func TestCountingTrafficReadsNoTable(t *testing.T) {
	each(t, func(d *desk) {
		_, number, _ := d.number(-1, -1)
		ctx, count := database.Count(d.ctx)
		_, err := d.Receive(ctx, incoming(1))
		d.check(err)
		i := slices.IndexFunc(count.Statements(), func(s string) bool { return strings.Contains(s, "counted_until >") })
		if i < 0 {
			d.t.Fatalf("nothing is counted: %v", count.Statements())
		}
		d.fill(number)
		plan := d.explain(count.Statements()[i], number)
		for _, want := range map[string][]string{
			dialect.SQLite:   {"counted_until>?", "from=? AND started_at>?", "owner_id=? AND caller=?"},
			dialect.Postgres: {"Index"},
		}[d.db.Dialect()] {
			if !strings.Contains(plan, want) {
				d.t.Errorf("no %q in\n%s", want, plan)
			}
		}
		if strings.Contains(plan, "SCAN calls\n") || strings.Contains(plan, "Seq Scan on calls") || strings.Contains(plan, "TEMP B-TREE") {
			d.t.Errorf("the whole table is read:\n%s", plan)
		}
	})
}

// fill writes twenty thousand calls to a number, of which a few count.
func (d *desk) fill(number string) {
	d.t.Helper()
	of := d.db.Client().MaskedNumber.GetX(d.ctx, number)
	series := `(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n) AS n`
	statement := `INSERT INTO calls (id, owner_id, number_id, call_sid, "from", "to", state, outcome, started_at, changed_at, timeline, answers, ended_at)
		SELECT 'call_x' || i, $1, $2, 'CAx' || i, '+1555' || (i % 7), '+15550006789', 'MISSED', 'MISSED', $3, $3, '[]', '{}', $3 FROM ` + series
	if d.db.Dialect() == dialect.Postgres {
		statement = strings.NewReplacer("$3", "$3::timestamptz", "'CAx' || i", "'CAx' || i::text", "'[]'", "'[]'::jsonb", "'{}'", "'{}'::jsonb").Replace(statement)
	}
	_, err := d.db.Writer().ExecContext(d.ctx, statement, of.OwnerID, number, d.now())
	d.check(err)
	_, err = d.db.Writer().ExecContext(d.ctx, "ANALYZE")
	d.check(err)
}

func (d *desk) explain(statement, number string) string {
	d.t.Helper()
	how := map[string]string{dialect.SQLite: "EXPLAIN QUERY PLAN ", dialect.Postgres: "EXPLAIN "}[d.db.Dialect()]
	now := d.now()
	rows, err := d.db.Writer().QueryContext(d.ctx, how+statement, number, customer, "CA", now, now.Add(-phone.Day), now.Add(-phone.Lately), now.Add(-phone.SameTime), 50, "usr_1")
	d.check(err)
	defer rows.Close()
	columns, err := rows.Columns()
	d.check(err)
	var plan strings.Builder
	for rows.Next() {
		values, places := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			places[i] = &values[i]
		}
		d.check(rows.Scan(places...))
		fmt.Fprintf(&plan, "%s\n", values[len(values)-1])
	}
	d.check(rows.Err())
	return plan.String()
}

func TestOneCallerAThousandTimesAtOnceIsForwardedThreeTimes(t *testing.T) {
	each(t, func(d *desk) {
		_, _, sub := d.number(-1, -1)
		answers := make([]phone.Answer, 1000)
		var wg sync.WaitGroup
		for n := range answers {
			wg.Go(func() {
				in := incoming(n)
				in.From = customer
				var err error
				if answers[n], err = d.Receive(d.ctx, in); err != nil {
					d.t.Error(err)
				}
			})
		}
		wg.Wait()
		counts := map[string]int{}
		for _, a := range answers {
			counts[fmt.Sprintf("%T", a)]++
		}
		if counts["phone.Connect"] != 3 || counts["phone.TakeMessage"] != 47 || counts["phone.Reject"] != 950 {
			d.t.Errorf("answers %v, want 3 connected, 47 led to leave a message and 950 rejected", counts)
		}
		d.wantUsed(sub, 3, 47)
	})
}

// A call that was being received while its number was paused is written down after the others were ended, and is found a little later.
func TestACallThatWasBeingReceivedIsEndedWithTheOthers(t *testing.T) {
	each(t, func(d *desk) {
		_, number, _ := d.number(-1, -1)
		d.wants(incoming(1), "Connect", "")
		asked := func() (all []string) {
			rows, err := d.db.Writer().QueryContext(d.ctx, "SELECT args FROM river_job WHERE kind = 'hang_up'")
			d.check(err)
			defer rows.Close()
			for rows.Next() {
				var args string
				d.check(rows.Scan(&args))
				all = append(all, args)
			}
			d.check(rows.Err())
			return all
		}
		late := func() { d.check(d.Work()[jobs.HangUpAll](d.ctx, jobs.Job{Kind: jobs.HangUpAll, Subject: number})) }
		d.check(d.SetState(d.ctx, number, phone.NumberPaused))
		if got := asked(); len(got) != 1 || !strings.Contains(got[0], incoming(1).CallSID) {
			d.t.Errorf("asked to end %v", got)
		}
		d.check(d.SetState(d.ctx, number, phone.NumberActive))
		d.wants(incoming(2), "Connect", "") // stands for one that was decided before
		late()
		if got := asked(); len(got) != 1 {
			d.t.Errorf("asked to end %v of a number that takes calls", got)
		}
		_, err := d.db.Writer().ExecContext(d.ctx, "UPDATE masked_numbers SET state = 'PAUSED'")
		d.check(err)
		late()
		if got := strings.Join(asked(), " "); !strings.Contains(got, incoming(2).CallSID) {
			d.t.Errorf("asked to end %v", got)
		}
	})
}

// away has the number remembered, and the database not asked any more.
func (d *desk) away() {
	d.t.Helper()
	file := d.t.TempDir() + "/numbers.json"
	line := phone.Line{Number: mask, State: phone.NumberActive, Forwarding: true, ForwardTo: []phone.Number{"+15550100001"}, RingSeconds: 15, Voicemail: true, Language: "en-US", MaxCallMinutes: 1}
	text, err := json.Marshal(map[phone.Number]any{mask: map[string]any{"Line": line, "Allowance": phone.Allowance{Subscribed: true}}})
	d.check(err)
	d.check(os.WriteFile(file, text, 0o600))
	d.Memory, err = switchboard.NewMemory(file)
	d.check(err)
	d.Journal = journal.New(d.t.TempDir() + "/journal")
}

// What the process has answered lately limits what it answers from memory, however it answered before.
func TestAFloodIsNotForwardedFromMemory(t *testing.T) {
	each(t, func(d *desk) {
		d.number(-1, -1)
		d.Settings.SimultaneousCalls = 7
		d.away()
		flood := func(first, n int, from func(n int) string) map[string]int {
			answers := make([]phone.Answer, n)
			var wg sync.WaitGroup
			for i := range answers {
				wg.Go(func() {
					in := incoming(first + i)
					in.From = from(i)
					answers[i], _ = d.ReceiveAway(in)
				})
			}
			wg.Wait()
			counts := map[string]int{}
			for _, a := range answers {
				counts[fmt.Sprintf("%T", a)]++
			}
			return counts
		}
		one := incoming(1)
		one.From = customer
		d.wants(one, "Connect", "") // by the database
		got := flood(1000, 1000, func(int) string { return customer })
		if got["phone.Connect"] != 2 || got["phone.TakeMessage"] != 47 || got["phone.Reject"] != 951 {
			d.t.Errorf("of one caller's: %v, want 2 connected, 47 led to leave a message and 951 rejected", got)
		}
		got = flood(2000, 60, func(n int) string { return fmt.Sprintf("+1555033%04d", n) })
		if got["phone.Connect"] != 4 || got["phone.TakeMessage"] != 56 {
			d.t.Errorf("of many callers': %v, want 4 connected beside the 3 that run, and 56 led to leave a message", got)
		}
		d.check(d.EndedAway(one, switchboard.Over{Status: "completed"}))
		if got := flood(3000, 1, func(int) string { return "+15550339999" }); got["phone.Connect"] != 1 {
			d.t.Errorf("after one has ended: %v", got)
		}
		d.wait(phone.Lately + time.Minute)
		if got := flood(4000, 1, func(int) string { return customer }); got["phone.Connect"] != 1 {
			d.t.Errorf("eleven minutes later: %v", got)
		}
	})
}
