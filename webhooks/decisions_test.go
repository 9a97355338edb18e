package webhooks_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/maskline/maskline/ent/call"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/journal"
	"github.com/maskline/maskline/internal/testdb"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
	"github.com/maskline/maskline/webhooks"
)

// degraded is what callers get while nothing can be looked up: it is decided by what Twilio says alone.
var degraded = []struct {
	name   string
	path   string
	change func(url.Values)
	want   string
}{
	{name: "whoever calls leaves a message", path: "voice", want: records},
	{name: "the fallback takes a message", path: "voice/fallback", want: records},
	{name: "a phone that was picked up is asked", path: "voice/screen", want: screens},
	{name: "a phone that pressed 1 is connected", path: "voice/pressed", want: nothing},
	{name: "a phone that pressed 2 declines", path: "voice/pressed", change: func(v url.Values) { v.Set("Digits", "2") }, want: hangsUp},
	{name: "whoever was not connected leaves a message", path: "voice/dialed", want: records},
	{name: "a mailbox is not a person", path: "voice/dialed", change: func(v url.Values) { v.Set("DialCallStatus", "completed") }, want: records},
	{
		name: "whoever was connected has had the talk", path: "voice/dialed", want: hangsUp,
		change: func(v url.Values) { v.Set("DialCallStatus", "completed"); v.Set("DialBridged", "true") },
	},
	{
		name: "whoever hung up while it rang gets nothing", path: "voice/dialed", want: nothing,
		change: func(v url.Values) { v.Set("DialCallStatus", "canceled"); v.Set("CallStatus", "completed") },
	},
	{name: "whoever spoke and hung up gets nothing", path: "voice/recorded", want: nothing},
	{
		name: "whoever spoke and is there is thanked", path: "voice/recorded", want: says,
		change: func(v url.Values) { v.Set("CallStatus", "in-progress"); v.Set("Digits", "*") },
	},
	{name: "a text message gets nothing", path: "messages", want: nothing},
}

const promptly = 2 * time.Second

// degradedAnswers sends all of them at once, and wants each answered in time.
func (w *world) degradedAnswers() {
	w.t.Helper()
	var all sync.WaitGroup
	for _, c := range degraded {
		all.Go(func() {
			h := decisions()[c.path]
			if c.change != nil {
				h = h.with(c.change)
			}
			began := time.Now()
			got := w.post(h)
			if took := time.Since(began); took > promptly {
				w.t.Errorf("%s: took %s", c.name, took)
			}
			if shape := twiml(w.t, got).shape(); shape != c.want {
				w.t.Errorf("%s: got %s, want %s", c.name, shape, c.want)
			}
		})
	}
	all.Wait()
}

func TestCallsAreAnsweredWhenTheDatabaseIsGone(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		w := openWorld(t, db, nil, webhooks.Handler).inhabit()
		check(t, db.Close())
		w.degradedAnswers()
		for path, h := range callbacks() {
			if got := w.post(h); got.status != http.StatusInternalServerError {
				t.Errorf("%s: got %s, want 500, so that Twilio repeats it", path, got)
			}
		}
	}, jobs.Migrate)
}

// TestCallsAreAnsweredWhileTheDatabaseHangs keeps everybody from writing for longer than a decision may take. What was given up meanwhile
// leaves nothing behind, and afterwards the same requests are taken as if nothing had been.
func TestCallsAreAnsweredWhileTheDatabaseHangs(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		w := openWorld(t, db, nil, webhooks.Handler).inhabit()
		before := w.rows()
		release := w.hold()
		w.degradedAnswers()
		release()
		w.unchanged(before)

		w = newWorld(t, db, nil) // with more patience
		w.gets(decisions()["voice"], dials)
		w.gets(decisions()["voice/dialed"], records)
		w.gets(decisions()["voice/recorded"], nothing)
		c, err := db.Client().Call.Query().Only(w.ctx)
		check(t, err)
		if c.State != phone.Recorded {
			t.Errorf("the call is %s, want %s", c.State, phone.Recorded)
		}
	}, jobs.Migrate)
}

// The database is silent, and so is the disk on which the journal is.
func TestADecisionWaitsForNoDisk(t *testing.T) {
	t.Parallel()
	w := openWorld(t, testdb.Open(t, testdb.SQLite, jobs.Migrate), nil, func(c webhooks.Config) http.Handler {
		return webhooks.HandlerAt(c, 100*time.Millisecond, patient)
	}).inhabit()
	before := w.rows()
	release := w.hold()
	free := make(chan struct{})
	w.desk.Journal.Sync = func(f *os.File) error { <-free; return f.Sync() }
	w.degradedAnswers()
	release()
	w.unchanged(before)
	close(free)
	check(t, w.desk.Journal.Append([]byte("{}"))) // behind what had to wait, which is written all the same
	kept := 0
	check(t, w.desk.Journal.Replay(func([]byte) error { kept++; return nil }))
	if want := len(decisions()) + 1; kept < want {
		t.Errorf("%d decisions were written down, want %d", kept-1, want-1)
	}
}

// TestEveryRouteAnswersEveryCallStatusWhileTheBreakerIsOpen: decisions without the database get TwiML, callbacks are kept.
func TestEveryRouteAnswersEveryCallStatusWhileTheBreakerIsOpen(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		const short = 50 * time.Millisecond
		metrics := prometheus.NewRegistry()
		w := openWorld(t, db, func(c *webhooks.Config) {
			config := c.Desk.Config
			config.Metrics = switchboard.NewMetrics(metrics)
			c.Desk = switchboard.New(config)
		}, func(c webhooks.Config) http.Handler { return webhooks.HandlerAt(c, short, short) })
		w.inhabit()
		before := w.rows()
		defer w.unchanged(before)
		defer w.hold()()
		for !strings.Contains(w.log.String(), "the database has not answered lately") {
			twiml(t, w.post(decisions()["voice"]))
		}
		for _, status := range []string{"", "queued", "initiated", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled", "odd"} {
			with := func(h hook) hook { return h.with(func(v url.Values) { v.Set("CallStatus", status) }) }
			for _, h := range decisions() {
				twiml(t, w.post(with(h)))
			}
			for path, h := range callbacks() {
				if got := w.post(with(h)); got != taken {
					t.Errorf("%s with CallStatus=%q: got %s, want 204", path, status, got)
				}
			}
		}
		if n := counted(t, metrics, "maskline_panics_total"); n != 0 {
			t.Errorf("%d panics were counted", n)
		}
	}, jobs.Migrate)
}

func TestACallbackIsTakenOnceItIsWrittenDown(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		w := openWorld(t, db, nil, func(c webhooks.Config) http.Handler {
			return webhooks.HandlerAt(c, patient, 300*time.Millisecond)
		}).inhabit()
		before := w.rows()
		release := w.hold()
		kept := w.desk.Journal
		w.desk.Journal = journal.New(filepath.Join(os.DevNull, "nowhere"))
		for path, h := range callbacks() {
			if got := w.post(h); got.status != http.StatusInternalServerError {
				t.Errorf("%s: got %s, want 500 when it cannot even be kept, so that Twilio repeats it", path, got)
			}
		}
		w.desk.Journal = kept
		for path, h := range callbacks() {
			if got := w.post(h); got != taken {
				t.Errorf("%s while nothing can be written: got %s, want 204: it is kept on disk", path, got)
			}
		}
		release()
		w.unchanged(before)
		check(t, w.desk.Replay(w.ctx))
		if !w.desk.Journal.Empty() {
			t.Error("something is still kept")
		}
		v, err := db.Client().Voicemail.Query().Only(w.ctx)
		check(t, err)
		if v.RecordingSid != recSID || v.DurationSeconds != 12 || v.Transcript == nil || *v.Transcript != "Hello Olivia." {
			t.Errorf("the voicemail is %v", v)
		}
		c, err := v.QueryCall().Only(w.ctx)
		check(t, err)
		if c.Outcome != phone.OutcomeVoicemail || c.EndedAt == nil || *c.DurationSeconds != 30 {
			t.Errorf("the call is %v", c)
		}
	}, jobs.Migrate)
}

// TestAPanicCostsOneRequest has a switchboard that can do nothing but panic.
func TestAPanicCostsOneRequest(t *testing.T) {
	t.Parallel()
	metrics := prometheus.NewRegistry()
	w := newWorld(t, testdb.Open(t, testdb.SQLite), func(c *webhooks.Config) {
		kept := c.Desk.Config
		kept.DB = nil // a mistake of ours, so to speak
		kept.Metrics = switchboard.NewMetrics(metrics)
		c.Desk = switchboard.New(kept)
	})
	w.degradedAnswers()
	for path, h := range callbacks() {
		if got := w.post(h); got.status != http.StatusInternalServerError {
			t.Errorf("%s: got %s, want 500", path, got)
		}
	}
	if !strings.Contains(w.log.String(), "panic: ") || !strings.Contains(w.log.String(), "goroutine ") {
		t.Error("the log does not say where it panicked")
	}
	if n, want := counted(t, metrics, "maskline_panics_total"), strings.Count(w.log.String(), "panic: "); n != want {
		t.Errorf("%d panics were counted, want %d", n, want)
	}
}

// counted is the value of a metric.
func counted(t *testing.T, from prometheus.Gatherer, name string) int {
	t.Helper()
	all, err := from.Gather()
	check(t, err)
	for _, m := range all {
		if m.GetName() == name {
			return int(m.GetMetric()[0].GetCounter().GetValue())
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

func TestTheFallbackAsksNobody(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, nil)
		failed := public + "/webhooks/voice/dialed?call=" + callSID + "&from=%2B15550200002"
		root := w.gets(decisions()["voice/fallback"].with(func(v url.Values) { v.Set("ErrorCode", "11205"); v.Set("ErrorUrl", failed) }), records)
		if db.Writer().Stats().OpenConnections != 0 {
			t.Error("it opened a connection")
		}
		record := root.Kids[1]
		if record.attr("transcribe") != "" || record.attr("maxLength") != "60" || record.attr("finishOnKey") != "*" {
			t.Errorf("it records as %v, want the defaults and no transcript", record.Attrs)
		}
		log := w.log.String()
		if !strings.Contains(log, "code=11205") || !strings.Contains(log, "/webhooks/voice/dialed") || !strings.Contains(log, callSID) {
			t.Errorf("the log does not say what failed: %s", log)
		}
		if strings.Contains(log, "15550200002") {
			t.Errorf("the log names the caller: %s", log)
		}
	}, jobs.Migrate)
}

func TestMessagesGetNoAnswerAndAreNotStored(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, nil).inhabit()
		before := w.rows()
		for _, body := range []string{"Hi", "STOP", "", "Grüße 👋 "} {
			got := w.post(decisions()["messages"].with(func(v url.Values) { v.Set("Body", body) }))
			if want := "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response/>\n"; got.body != want || twiml(t, got).shape() != nothing {
				t.Errorf("%q gets %s, want %s", body, got, want)
			}
		}
		w.unchanged(before)
	}, jobs.Migrate)
}

// TestAWithheldCallerGoesThroughTheDoor calls under every odd name. The timeline keeps what Twilio said.
func TestAWithheldCallerGoesThroughTheDoor(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, nil).inhabit()
		odd := []string{
			"", "anonymous", "Restricted", "+266696687", "+86282452253", "client:olivia", "sip:olivia@example.com",
			"Grüße 👋", "a\x00b", "\xff\xfe", `"><Dial>+1900</Dial>`, strings.Repeat("9", 5000),
		}
		for i, from := range odd {
			sid := callSID[:32] + string('a'+rune(i/10)) + string('0'+rune(i%10))
			h := decisions()["voice"].with(func(v url.Values) { v.Set("CallSid", sid); v.Set("From", from) })
			root := w.gets(h, dials)
			if got := root.Kids[0].attr("callerId"); got != mask {
				t.Errorf("%q: the phone shows %q, want %s", from, got, mask)
			}
			c, err := db.Client().Call.Query().Where(call.CallSid(sid)).Only(w.ctx)
			check(t, err)
			if c.From != phone.Anonymous || !strings.Contains(c.Timeline[0].Detail, "withheld") {
				t.Errorf("%q: the call is from %q: %s", from, c.From, c.Timeline[0].Detail)
			}
		}
		root := w.gets(decisions()["voice"].with(func(v url.Values) { v.Del("From") }), dials)
		if got := root.Kids[0].attr("callerId"); got != mask {
			t.Errorf("without a From the phone shows %q, want %s", got, mask)
		}
	}, jobs.Migrate)
}

func TestOddDurationsAreNotKnown(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, nil).inhabit()
		for i, odd := range []string{"", "abc", "-1", "3.5", "86401", "99999999999999999999", "86400"} {
			sid, rec := callSID[:33]+strconv.Itoa(i), recSID[:33]+strconv.Itoa(i)
			for _, h := range []hook{
				callbacks()["status"].with(func(v url.Values) { v.Set("CallSid", sid); v.Set("CallDuration", odd) }),
				{strings.Replace(callbacks()["recording"].uri, callSID, sid, 1), recordingForm("completed", "CallSid", sid, "RecordingSid", rec, "RecordingDuration", odd)},
			} {
				if got := w.post(h); got != taken {
					t.Errorf("%q: got %s, want 204", odd, got)
				}
			}
			c, err := db.Client().Call.Query().Where(call.CallSid(sid)).WithVoicemails().Only(w.ctx)
			check(t, err)
			if odd == "86400" {
				if c.DurationSeconds == nil || *c.DurationSeconds != 86400 || c.Edges.Voicemails[0].DurationSeconds != 86400 {
					t.Errorf("%q is not known: %v, %v", odd, c, c.Edges.Voicemails[0])
				}
				continue
			}
			if c.DurationSeconds != nil || c.Edges.Voicemails[0].DurationSeconds != 0 {
				t.Errorf("%q is taken for a duration: %v, %v", odd, c, c.Edges.Voicemails[0])
			}
		}
	}, jobs.Migrate)
}

func TestACallThatGoesOnIsNotOver(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, nil).inhabit()
		w.gets(decisions()["voice"], dials)
		for _, status := range []string{"ringing", "in-progress", "queued", "", "odd"} {
			h := callbacks()["status"].with(func(form url.Values) { form.Set("CallStatus", status) })
			if got := w.post(h); got != taken {
				t.Errorf("CallStatus=%s: got %s, want 204", status, got)
			}
		}
		c, err := db.Client().Call.Query().Only(w.ctx)
		check(t, err)
		if c.EndedAt != nil || c.State != phone.Ringing {
			t.Errorf("the call is %s and ended at %v", c.State, c.EndedAt)
		}
	}, jobs.Migrate)
}
