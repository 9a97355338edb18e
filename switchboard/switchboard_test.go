package switchboard_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/ent/voicemail"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/events"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/links"
	"github.com/maskline/maskline/internal/mail"
	"github.com/maskline/maskline/internal/recordings"
	"github.com/maskline/maskline/internal/testdb"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

const (
	mask     = phone.Number("+15550006789")
	customer = "+15550200002"
)

// desk is a switchboard on a fresh database, with a clock that stands still and an ear for what it announces.
type desk struct {
	*switchboard.Switchboard
	t      *testing.T
	ctx    context.Context // the system's
	db     *database.DB
	queue  *jobs.Queue
	mu     sync.Mutex
	time   time.Time
	events []events.Event
}

func newDesk(t *testing.T, db *database.DB) *desk {
	t.Helper()
	d := &desk{t: t, ctx: viewer.System(t.Context()), db: db, time: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	store, err := recordings.Open(t.Context(), recordings.FolderURL(t.TempDir()))
	d.check(err)
	t.Cleanup(func() { d.check(store.Close()) })
	sender, err := mail.New(mail.Config{From: "maskline@example.com", Dir: t.TempDir(), Now: d.now})
	d.check(err)
	d.Switchboard = switchboard.New(switchboard.Config{
		DB: db, Events: d, Recordings: store, Mail: sender, Links: links.New("https://maskline.example"), Log: log, Now: d.now,
		Settings: switchboard.Settings{Transcriber: "twilio", MailLinkDays: 7, MailDays: 30, CallDays: 365},
	})
	d.queue, err = jobs.New(jobs.Config{DB: db.Writer(), Dialect: db.Dialect(), Log: log, Now: d.now, Work: d.Work()})
	d.check(err)
	d.Queue = d.queue
	return d
}

func (d *desk) check(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.time
}

func (d *desk) wait(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.time = d.time.Add(by)
}

// Publish takes what is announced.
func (d *desk) Publish(e ...events.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.events = append(d.events, e...)
}

// announced are the ids announced since the last time.
func (d *desk) announced() (ids []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.events {
		ids = append(ids, e.ID)
	}
	d.events = nil
	return ids
}

// number makes a subscribed number; a limit below nought is none.
func (d *desk) number(calls, voicemails int) (owner, number, subscription string) {
	d.t.Helper()
	owner, err := d.CreateUser(d.ctx, switchboard.NewUser{Email: "olivia@example.com", Name: "Olivia"})
	d.check(err)
	set := phone.DefaultSettings()
	set.ForwardTo = []phone.Number{"+15550100001"}
	number, err = d.CreateNumber(d.ctx, mask, owner, set)
	d.check(err)
	plan, err := d.CreatePlan(d.ctx, switchboard.NewPlan{Name: "Basic", Type: phone.PlanPackage, CallsLimit: limit(calls), VoicemailsLimit: limit(voicemails), Period: phone.PeriodMonth})
	d.check(err)
	subscription, err = d.Subscribe(d.ctx, number, plan)
	d.check(err)
	return owner, number, subscription
}

func limit(n int) *int {
	if n < 0 {
		return nil
	}
	return &n
}

func incoming(n int) phone.Incoming {
	return phone.Incoming{CallSID: fmt.Sprintf("CA%032x", n), From: fmt.Sprintf("+15550%06d", 200_001+n), To: mask, Status: "ringing", Form: "CallStatus=ringing"}
}

func recording(n int) string { return fmt.Sprintf("RE%032x", n) }

var unanswered = phone.Dialled{CallStatus: "ringing", DialCallStatus: "no-answer", Bridged: "false"}

// led brings call n to where its caller is asked to leave a message.
func (d *desk) led(n int) phone.Incoming {
	d.t.Helper()
	in := incoming(n)
	_, err := d.Receive(d.ctx, in)
	d.check(err)
	answer, err := d.Dialled(d.ctx, in, unanswered)
	d.check(err)
	if _, ok := answer.(phone.TakeMessage); !ok {
		d.t.Fatalf("led to %T, want a message to be taken", answer)
	}
	return in
}

func (d *desk) used(subscription string) (calls, voicemails int) {
	d.t.Helper()
	sub, err := d.db.Client().NumberSubscription.Get(d.ctx, subscription)
	d.check(err)
	return switchboard.Use(sub, phone.PeriodMonth, d.now())
}

func (d *desk) wantUsed(subscription string, calls, voicemails int) {
	d.t.Helper()
	if c, v := d.used(subscription); c != calls || v != voicemails {
		d.t.Errorf("used %d calls and %d voicemails, want %d and %d", c, v, calls, voicemails)
	}
}

func (d *desk) call(in phone.Incoming) *ent.Call {
	d.t.Helper()
	calls, err := d.db.Client().Call.Query().All(d.ctx)
	d.check(err)
	i := slices.IndexFunc(calls, func(c *ent.Call) bool { return c.CallSid == in.CallSID })
	if i < 0 {
		d.t.Fatalf("no call %s", in.CallSID)
	}
	return calls[i]
}

func each(t *testing.T, body func(*desk)) {
	t.Helper()
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) { body(newDesk(t, db)) }, jobs.Migrate)
}

func TestTheLimitsHoldHoweverManyCallAtOnce(t *testing.T) {
	each(t, func(d *desk) {
		_, _, sub := d.number(10, 5)
		answers := make([]phone.Answer, 60)
		var wg sync.WaitGroup
		for n := range answers {
			wg.Go(func() {
				var err error
				if answers[n], err = d.Receive(d.ctx, incoming(n)); err != nil {
					d.t.Error(err)
				}
			})
		}
		wg.Wait()
		counts := map[string]int{}
		for _, a := range answers {
			counts[fmt.Sprintf("%T", a)]++
		}
		if counts["phone.Connect"] != 10 || counts["phone.TakeMessage"] != 5 || counts["phone.Refuse"] != 45 {
			d.t.Errorf("answers %v, want 10 connected, 5 led to leave a message and 45 refused", counts)
		}
		d.wantUsed(sub, 10, 5)
	})
}

func TestTheSameCallReceivedTwentyTimesAtOnceIsOneCall(t *testing.T) {
	each(t, func(d *desk) {
		_, _, sub := d.number(10, 5)
		answers := make([]phone.Answer, 20)
		var wg sync.WaitGroup
		for n := range answers {
			wg.Go(func() {
				var err error
				if answers[n], err = d.Receive(d.ctx, incoming(1)); err != nil {
					d.t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, a := range answers {
			if fmt.Sprint(a) != fmt.Sprint(answers[0]) {
				d.t.Errorf("answers differ: %v and %v", a, answers[0])
			}
		}
		d.wantUsed(sub, 1, 0)
		if n, err := d.db.Client().Call.Query().Count(d.ctx); err != nil || n != 1 {
			d.t.Errorf("%d calls (%v), want 1", n, err)
		}
	})
}

func TestAReservedVoicemailIsGivenBackWhenNothingWasRecorded(t *testing.T) {
	each(t, func(d *desk) {
		_, _, sub := d.number(-1, 5)
		hungUp := d.led(1)
		d.wantUsed(sub, 1, 1)
		d.check(d.Ended(d.ctx, hungUp, switchboard.Over{Status: "completed"}))
		d.wantUsed(sub, 1, 1) // a recording may be announced yet
		d.wait(10 * time.Second)
		d.check(d.work())
		d.wantUsed(sub, 1, 0)
		silent := d.led(2)
		d.check(d.Reported(d.ctx, silent, phone.Reported{RecordingSID: recording(2), Status: "absent", ErrorCode: "16102"}))
		d.wantUsed(sub, 2, 0)
		d.check(d.Ended(d.ctx, silent, switchboard.Over{Status: "completed"}))
		d.wantUsed(sub, 2, 0)
		if got := d.call(silent).Outcome; got != phone.OutcomeMissed {
			d.t.Errorf("outcome %s, want MISSED", got)
		}
	})
}

func TestAnAnnouncedRecordingKeepsItsReservationUntilItsFateIsKnown(t *testing.T) {
	each(t, func(d *desk) {
		_, _, sub := d.number(-1, 5)
		in := d.led(1)
		_, err := d.Recorded(d.ctx, in, phone.Took{CallStatus: "completed", RecordingSID: recording(1), Digits: "hangup"})
		d.check(err)
		d.check(d.Ended(d.ctx, in, switchboard.Over{Status: "completed"}))
		d.wantUsed(sub, 1, 1)
		if got := d.call(in).Outcome; got != phone.OutcomeRinging {
			d.t.Errorf("outcome %s before the recording's fate is known, want RINGING", got)
		}
		for range 3 {
			d.check(d.Reported(d.ctx, in, phone.Reported{RecordingSID: recording(1), Status: "completed", Seconds: 9}))
		}
		d.wantUsed(sub, 1, 1)
		if got := d.call(in).Outcome; got != phone.OutcomeVoicemail {
			d.t.Errorf("outcome %s, want VOICEMAIL", got)
		}
	})
}

func TestAnEndThatOvertakesTheRecordingKeepsTheReservation(t *testing.T) {
	each(t, func(d *desk) {
		_, _, sub := d.number(-1, 1)
		in := d.led(1)
		d.check(d.Ended(d.ctx, in, switchboard.Over{Status: "completed"}))
		_, err := d.Recorded(d.ctx, in, phone.Took{CallStatus: "completed", RecordingSID: recording(1), Digits: "hangup"})
		d.check(err)
		d.wait(time.Minute)
		d.check(d.work())
		d.wantUsed(sub, 1, 1)
		d.check(d.Reported(d.ctx, in, phone.Reported{RecordingSID: recording(1), Status: "absent", ErrorCode: "16101"}))
		d.wantUsed(sub, 1, 0)
		c := d.call(in)
		if last := c.Timeline[len(c.Timeline)-1]; last.Kind != "no_recording" || c.Outcome != phone.OutcomeMissed {
			d.t.Errorf("outcome %s, last noted %q; want MISSED and why there is no recording", c.Outcome, last.Detail)
		}
	})
}

func TestARecordingThatExistsIsKeptAndChargedEvenAboveTheLimit(t *testing.T) {
	each(t, func(d *desk) {
		_, _, sub := d.number(5, 0)
		in := incoming(1)
		d.check(d.Reported(d.ctx, in, phone.Reported{RecordingSID: recording(1), Status: "completed", Seconds: 9})) // we never heard of the call
		d.check(d.Reported(d.ctx, in, phone.Reported{RecordingSID: recording(2), Status: "completed", Seconds: 8}))
		d.wantUsed(sub, 0, 2)
		if got := d.call(in).Outcome; got != phone.OutcomeVoicemail {
			d.t.Errorf("outcome %s, want VOICEMAIL", got)
		}
	})
}

// Nothing that comes late opens a call again.
func TestCallsOnlyMoveForward(t *testing.T) {
	each(t, func(d *desk) {
		_, _, sub := d.number(-1, 5)
		in := incoming(1)
		_, err := d.Receive(d.ctx, in)
		d.check(err)
		d.check(d.Ended(d.ctx, in, switchboard.Over{Status: "completed", Seconds: 7, Duration: true}))
		before := d.call(in)
		answer, err := d.Dialled(d.ctx, in, unanswered)
		d.check(err)
		if _, ok := answer.(phone.Nothing); !ok {
			d.t.Errorf("a late Dial action got %T, want an empty document", answer)
		}
		d.wait(time.Minute)
		d.check(d.Ended(d.ctx, in, switchboard.Over{Status: "completed", Seconds: 99, Duration: true}))
		after := d.call(in)
		if after.Outcome != phone.OutcomeMissed || !after.EndedAt.Equal(*before.EndedAt) || *after.DurationSeconds != 7 {
			d.t.Errorf("call %s ended %s after %d s, want it as it was", after.Outcome, after.EndedAt, *after.DurationSeconds)
		}
		d.check(d.Reported(d.ctx, in, phone.Reported{RecordingSID: recording(1), Status: "completed", Seconds: 9}))
		d.check(d.Reported(d.ctx, in, phone.Reported{RecordingSID: recording(2), Status: "absent"}))
		if got := d.call(in).Outcome; got != phone.OutcomeVoicemail {
			d.t.Errorf("outcome %s after a late absence, want VOICEMAIL", got)
		}
		d.wantUsed(sub, 1, 1)
	})
}

func TestPeriodsTurnByTheClock(t *testing.T) {
	each(t, func(d *desk) {
		_, _, sub := d.number(2, 2)
		reserved := d.led(1)
		d.wantUsed(sub, 1, 1)
		d.wait(28 * 24 * time.Hour) // 28 February, 12:00: the next period
		d.wantUsed(sub, 0, 0)
		d.led(2)
		d.wantUsed(sub, 1, 1)
		d.check(d.Ended(d.ctx, reserved, switchboard.Over{Status: "completed"})) // given back to a period that is over
		d.wantUsed(sub, 1, 1)
	})
}

func TestARunningCallStaysWithItsSubscription(t *testing.T) {
	each(t, func(d *desk) {
		_, number, old := d.number(-1, 5)
		in := incoming(1)
		_, err := d.Receive(d.ctx, in)
		d.check(err)
		plan, err := d.CreatePlan(d.ctx, switchboard.NewPlan{Name: "Empty", Type: phone.PlanTrial, CallsLimit: limit(0), VoicemailsLimit: limit(0), Period: phone.PeriodOnce})
		d.check(err)
		fresh, err := d.Subscribe(d.ctx, number, plan)
		d.check(err)
		answer, err := d.Dialled(d.ctx, in, unanswered)
		d.check(err)
		if _, ok := answer.(phone.TakeMessage); !ok {
			d.t.Errorf("got %T, want a message taken on the old subscription", answer)
		}
		d.wantUsed(old, 1, 1)
		d.wantUsed(fresh, 0, 0)
	})
}

// What a client can see change must be announced, by every method that changes it.
func TestEveryChangeIsAnnounced(t *testing.T) {
	each(t, func(d *desk) {
		d.number(-1, -1)
		in := incoming(1)
		seen := d.snapshot()
		for _, step := range []struct {
			name string
			do   func() error
		}{
			{"Receive", func() error { _, err := d.Receive(d.ctx, in); return err }},
			{"Dialled", func() error { _, err := d.Dialled(d.ctx, in, unanswered); return err }},
			{"Recorded", func() error {
				_, err := d.Recorded(d.ctx, in, phone.Took{CallStatus: "in-progress", RecordingSID: recording(1)})
				return err
			}},
			{"Ended", func() error { return d.Ended(d.ctx, in, switchboard.Over{Status: "completed"}) }},
			{"Reported", func() error {
				return d.Reported(d.ctx, in, phone.Reported{RecordingSID: recording(1), Status: "completed", Seconds: 9})
			}},
			{"Appear", func() error { d.wait(3 * time.Minute); return d.work() }},
			{"Transcribed", func() error {
				return d.Transcribed(d.ctx, in, switchboard.Transcript{RecordingSID: recording(1), Completed: true, Text: "Hello."})
			}},
			{"Mark", func() error { return d.Mark(d.ctx, []string{d.onlyVoicemail()}, true) }},
		} {
			d.announced()
			d.check(step.do())
			now, heard := d.snapshot(), d.announced()
			changed := 0
			for id, row := range now {
				if seen[id] == row {
					continue
				}
				changed++
				if !slices.Contains(heard, id) {
					d.t.Errorf("%s changed %s and announced only %v", step.name, id, heard)
				}
			}
			if changed == 0 {
				d.t.Errorf("%s changed nothing: this test looks past it", step.name)
			}
			seen = now
		}
	})
}

// work works what is due, the recording's fetch included, which fails without a Twilio account and is tried again.
func (d *desk) work() error {
	_, err := d.queue.Drain(d.ctx, d.now())
	return err
}

// snapshot is what clients can see of calls and voicemails, by id; a voicemail that has not appeared cannot be seen.
func (d *desk) snapshot() map[string]string {
	d.t.Helper()
	all := map[string]string{}
	calls, err := d.db.Client().Call.Query().All(d.ctx)
	d.check(err)
	for _, c := range calls {
		all[c.ID] = fmt.Sprint(c.Outcome, c.EndedAt, c.DurationSeconds, c.Timeline)
	}
	voicemails, err := d.db.Client().Voicemail.Query().Where(voicemail.PlaceNotNil()).All(d.ctx)
	d.check(err)
	for _, v := range voicemails {
		all[v.ID] = fmt.Sprint(v.Audio, v.HeardAt, v.Transcription, v.DeletedAt)
	}
	return all
}

func (d *desk) onlyVoicemail() string {
	d.t.Helper()
	id, err := d.db.Client().Voicemail.Query().OnlyID(d.ctx)
	d.check(err)
	return id
}

// Audio and transcript may arrive at the same moment; whichever is second sends the mail at once.
func TestTheMailDoesNotWaitForATranscriptThatIsThere(t *testing.T) {
	each(t, func(d *desk) {
		d.number(-1, -1)
		const calls = 12
		for n := range calls {
			d.check(d.Reported(d.ctx, d.led(n), phone.Reported{RecordingSID: recording(n), Status: "completed", Seconds: 9}))
		}
		voicemails, err := d.db.Client().Voicemail.Query().All(d.ctx)
		d.check(err)
		appear := d.Work()[jobs.Appear]
		var wg sync.WaitGroup
		for _, v := range voicemails {
			var n int
			_, err := fmt.Sscanf(v.RecordingSid, "RE%x", &n)
			d.check(err)
			wg.Go(func() {
				if err := d.Transcribed(d.ctx, incoming(n), switchboard.Transcript{RecordingSID: v.RecordingSid, Completed: true, Text: "Hello."}); err != nil {
					d.t.Error(err)
				}
			})
			wg.Go(func() {
				if err := appear(d.ctx, jobs.Job{Subject: v.ID}); err != nil {
					d.t.Error(err)
				}
			})
		}
		wg.Wait()
		d.check(d.work())
		for _, delivery := range d.db.Client().Delivery.Query().AllX(d.ctx) {
			if delivery.State != phone.DeliveryDelivered {
				d.t.Errorf("a mail is %s though its transcript is there", delivery.State)
			}
		}
	})
}

// A reader that has seen a place has seen all before it, however writers race.
func TestPlacesBecomeVisibleInTheirOrder(t *testing.T) {
	each(t, func(d *desk) {
		d.number(-1, -1)
		const writers, each = 6, 10
		var ids []string
		for n := range writers * each {
			in := incoming(n)
			d.check(d.Reported(d.ctx, in, phone.Reported{RecordingSID: recording(n), Status: "completed", Seconds: 3}))
		}
		ids, err := d.db.Client().Voicemail.Query().IDs(d.ctx)
		d.check(err)
		appear := d.Work()[jobs.Appear]
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for _, id := range ids[w*each : (w+1)*each] {
					if err := appear(d.ctx, jobs.Job{Subject: id}); err != nil {
						d.t.Error(err)
					}
				}
			})
		}
		var seen []int64
		for len(seen) < writers*each && !d.t.Failed() {
			last := int64(1)
			if len(seen) > 0 {
				last = seen[len(seen)-1]
			}
			found, err := d.db.Client().Voicemail.Query().Where(voicemail.PlaceGT(last)).Order(ent.Asc(voicemail.FieldPlace)).All(d.ctx)
			d.check(err)
			for _, v := range found {
				seen = append(seen, *v.Place)
			}
		}
		wg.Wait()
		for i, p := range seen {
			if p != int64(i)+2 {
				d.t.Fatalf("place %d was read as number %d: one before it came later", p, i)
			}
		}
	})
}

// The number of statements a request costs is fixed and small, and once warm none of them is prepared anew.
func TestWhatACallCosts(t *testing.T) {
	each(t, func(d *desk) {
		d.number(-1, -1)
		costs := map[string]int{"Receive": 10, "Dialled": 7, "Recorded": 4, "Reported": 6, "Ended": 3}
		for n := range 2 {
			in := incoming(n)
			for _, step := range []struct {
				name string
				do   func(context.Context) error
			}{
				{"Receive", func(ctx context.Context) error { _, err := d.Receive(ctx, in); return err }},
				{"Dialled", func(ctx context.Context) error { _, err := d.Dialled(ctx, in, unanswered); return err }},
				{"Recorded", func(ctx context.Context) error {
					_, err := d.Recorded(ctx, in, phone.Took{CallStatus: "completed", RecordingSID: recording(n)})
					return err
				}},
				{"Reported", func(ctx context.Context) error {
					return d.Reported(ctx, in, phone.Reported{RecordingSID: recording(n), Status: "completed", Seconds: 9})
				}},
				{"Ended", func(ctx context.Context) error { return d.Ended(ctx, in, switchboard.Over{Status: "completed"}) }},
			} {
				ctx, count := database.Count(d.ctx)
				d.check(step.do(ctx))
				if n == 0 {
					continue // warms up
				}
				if got := len(count.Statements()); got != costs[step.name] {
					d.t.Errorf("%s cost %d statements, want %d:\n%s", step.name, got, costs[step.name], strings.Join(count.Statements(), "\n"))
				}
				if count.Prepared() > 0 && d.db.Dialect() == dialect.Postgres {
					d.t.Errorf("%s prepared %d statements anew", step.name, count.Prepared())
				}
			}
		}
	})
}
