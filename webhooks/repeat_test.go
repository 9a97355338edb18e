package webhooks_test

import (
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/maskline/maskline/ent/maskednumber"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/testdb"
	"github.com/maskline/maskline/phone"
)

// step is one request of a call: to an address of the number, or to one that an earlier answer named, as verb and attribute.
type step struct {
	to   string
	form url.Values
}

// effects are what a call leaves behind.
type effects struct {
	state             phone.CallState
	timeline          string // its kinds
	calls, voicemails int    // used of the plan
	messages          int
	jobs              string
	places            string
}

const threeJobs = "appear_voicemail expire_transcription fetch_recording"

var (
	comesIn    = step{"/webhooks/voice", voice("ringing")}
	isAsked    = step{"Number url", voice("in-progress", "CallSid", childSID, "ParentCallSid", callSID, "To", desk)}
	declines   = step{"Gather action", voice("in-progress", "CallSid", childSID, "ParentCallSid", callSID, "Digits", "2")}
	notTaken   = step{"Dial action", voice("ringing", "DialCallStatus", "completed", "DialCallSid", childSID, "DialBridged", "false")}
	connected  = step{"Dial action", voice("completed", "DialCallStatus", "completed", "DialCallSid", childSID, "DialBridged", "true")}
	gaveUp     = step{"Dial action", voice("completed", "DialCallStatus", "canceled", "DialCallSid", childSID, "DialBridged", "false")}
	spoke      = step{"Record action", voice("completed", "RecordingSid", recSID, "RecordingDuration", "12", "Digits", "hangup")}
	isOver     = step{"/webhooks/status", voice("completed", "CallDuration", "42")}
	isRecorded = step{"Record recordingStatusCallback", recordingForm("completed")}
	isEmpty    = step{"Record recordingStatusCallback", recordingForm("absent", "ErrorCode", "16102", "RecordingDuration", "0")}
	isWritten  = step{"Record transcribeCallback", transcriptionForm("Hello Olivia.")}
)

var calls = []struct {
	name    string
	prepare func(*world)
	steps   []step
	want    effects
}{
	{
		name: "left a message", steps: []step{comesIn, isAsked, declines, notTaken, spoke, isOver, isRecorded, isWritten},
		want: effects{phone.Voicemailed, "called forwarded screened no_answer greeted recorded ended voicemail", 1, 1, 1, threeJobs, ""},
	},
	{
		name: "left a message, of which we hear backwards", steps: []step{comesIn, notTaken, isWritten, isRecorded, isOver, spoke},
		want: effects{phone.Voicemailed, "called forwarded no_answer greeted voicemail ended recorded", 1, 1, 1, threeJobs, ""},
	},
	{
		name: "left nothing", steps: []step{comesIn, notTaken, spoke, isOver, isEmpty},
		want: effects{phone.Missed, "called forwarded no_answer greeted recorded ended no_recording", 1, 0, 0, "send_mail", ""},
	},
	{
		name: "talked", steps: []step{comesIn, isAsked, connected, isOver},
		want: effects{phone.Answered, "called forwarded screened answered ended", 1, 0, 0, "", ""},
	},
	{
		name: "talked, of which we hear backwards", steps: []step{comesIn, isOver, connected},
		want: effects{phone.Answered, "called forwarded ended answered", 1, 0, 0, "send_mail", ""},
	},
	{
		name: "hung up while it rang", steps: []step{comesIn, gaveUp, isOver},
		want: effects{phone.Missed, "called forwarded caller_hung_up ended", 1, 0, 0, "send_mail", ""},
	},
	{
		name: "hung up in the greeting", steps: []step{comesIn, notTaken, isOver},
		want: effects{phone.Missed, "called forwarded no_answer greeted ended", 1, 1, 0, "free_reservation send_mail", ""},
	},
	{
		name: "the end overtook the beginning", steps: []step{isOver, comesIn},
		want: effects{phone.Missed, "called ended", 0, 0, 0, "send_mail", ""},
	},
	{
		name: "a paused number", prepare: func(w *world) { w.pause() }, steps: []step{comesIn, isOver},
		want: effects{phone.Rejected, "called rejected ended", 0, 0, 0, "", ""},
	},
}

// TestARepeatedWebhookChangesNothing sends each request of a call twenty times at once, and two days later again, once and twenty times at
// once. All get the same bytes, what is stored is as if each had come once, and the late ones change not a single row.
func TestARepeatedWebhookChangesNothing(t *testing.T) {
	t.Parallel()
	for _, c := range calls {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			testdb.Each(t, func(t *testing.T, db *database.DB) {
				w := newWorld(t, db, nil).inhabit()
				if c.prepare != nil {
					c.prepare(w)
				}
				addresses := map[string]string{}
				for _, s := range c.steps {
					h := hook{s.to, s.form}
					if !strings.HasPrefix(s.to, "/") {
						h.uri = addresses[s.to]
					}
					first := w.atOnce(h)
					before := w.rows()
					w.clock.wait(48 * time.Hour)
					if late := w.post(h); late != first {
						t.Errorf("%s got %s, and two days later %s", s.to, first, late)
					}
					if late := w.atOnce(h); late != first {
						t.Errorf("%s got %s, and two days later, at once, %s", s.to, first, late)
					}
					w.unchanged(before)
					if first != taken {
						collect(addresses, twiml(t, first))
					}
				}
				if got := w.effects(); got != c.want {
					t.Errorf("got  %+v\nwant %+v", got, c.want)
				}
			}, jobs.Migrate)
		})
	}
}

// atOnce sends a request twenty times at the same moment and returns what all of them got.
func (w *world) atOnce(h hook) reply {
	w.t.Helper()
	replies := make([]reply, 20)
	var all sync.WaitGroup
	for i := range replies {
		all.Go(func() { replies[i] = w.post(h) })
	}
	all.Wait()
	for _, r := range replies {
		if r != replies[0] {
			w.t.Fatalf("%s got %s, and at the same moment %s", h.uri, replies[0], r)
		}
	}
	return replies[0]
}

// collect remembers where a document sends Twilio, under verb and attribute, as it arrives here.
func collect(into map[string]string, e element) {
	for _, a := range e.Attrs {
		if at, ok := strings.CutPrefix(a.Value, public); ok {
			into[e.XMLName.Local+" "+a.Name.Local], _, _ = strings.Cut(at, "#")
		}
	}
	for _, k := range e.Kids {
		collect(into, k)
	}
}

func (w *world) pause() {
	w.t.Helper()
	_, err := w.db.Writer().ExecContext(w.ctx, "UPDATE "+maskednumber.Table+" SET state = 'PAUSED'")
	check(w.t, err)
}

func (w *world) effects() (e effects) {
	w.t.Helper()
	c, err := w.db.Client().Call.Query().Only(w.ctx)
	check(w.t, err)
	var kinds []string
	for _, n := range c.Timeline {
		kinds = append(kinds, n.Kind)
	}
	sub, err := w.db.Client().NumberSubscription.Query().Only(w.ctx)
	check(w.t, err)
	messages, err := w.db.Client().Voicemail.Query().Count(w.ctx)
	check(w.t, err)
	return effects{
		state: c.State, timeline: strings.Join(kinds, " "), calls: sub.UsedCalls, voicemails: sub.UsedVoicemails, messages: messages,
		jobs:   strings.Join(w.query("SELECT kind FROM river_job ORDER BY kind"), " "),
		places: strings.Join(w.query("SELECT last FROM counters WHERE id NOT LIKE 'missed/%'"), " "),
	}
}

// TestARepeatedCallGetsItsFirstAnswer changes everything about the number in between.
func TestARepeatedCallGetsItsFirstAnswer(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, nil).inhabit()
		first := w.post(hook{comesIn.to, comesIn.form})
		dial := twiml(t, first)
		addresses := map[string]string{}
		collect(addresses, dial)
		message := w.post(hook{addresses["Dial action"], notTaken.form})

		check(t, w.desk.UpdateNumber(w.ctx, w.number, func(s *phone.Settings) {
			s.ForwardTo, s.RingSeconds, s.CallerID, s.Screening, s.Language = []phone.Number{"+15550100009"}, 60, phone.ShowMasked, phone.ScreeningOff, "ja-JP"
			s.Greeting, s.VoicemailEnabled, s.ForwardingEnabled = new("Another greeting."), false, false
		}))
		w.pause()
		if again := w.post(hook{comesIn.to, comesIn.form}); again != first {
			t.Errorf("the call got %s, and then %s", first, again)
		}
		if again := w.post(hook{addresses["Dial action"], notTaken.form}); again != message {
			t.Errorf("after the dial the call got %s, and then %s", message, again)
		}
		another := hook{comesIn.to, voice("ringing", "CallSid", callSID[:33]+"9")}
		w.gets(another, says)
	}, jobs.Migrate)
}

// TestWhatNobodyReadsMakesNoOtherRequest has a repeated request with more in it.
func TestWhatNobodyReadsMakesNoOtherRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testdb.Open(t, testdb.SQLite, jobs.Migrate), nil).inhabit()
	h := decisions()["voice"]
	first := w.post(h)
	before := w.rows()
	if again := w.post(h.with(func(v url.Values) { v.Set("SomethingNew", "1"); v.Set("CallToken", "{}") })); again != first {
		t.Errorf("got %s, and then %s", first, again)
	}
	w.unchanged(before)
}

// TestNoTokenIsKept looks at what is kept of requests that carry tokens, and of what somebody said.
func TestNoTokenIsKept(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, nil).inhabit()
		secret := func(v url.Values) { v.Set("CallToken", "open-sesame"); v.Set("StirPassportToken", "open-sesame") }
		for _, h := range []hook{decisions()["voice"], callbacks()["recording"], callbacks()["transcription"]} {
			w.post(h.with(secret))
		}
		kept := w.query("SELECT form FROM raw_webhooks ORDER BY id")
		if len(kept) != 3 || !strings.Contains(kept[1], "RecordingSource=RecordVerb") || !strings.Contains(kept[0], "FromCountry=US") {
			t.Errorf("kept %q, want all three as Twilio sent them", kept)
		}
		if all := strings.Join(kept, "\n"); strings.Contains(all, "sesame") || strings.Contains(all, "Olivia") {
			t.Errorf("kept %s", all)
		}
	}, jobs.Migrate)
}
