package phone

import (
	"reflect"
	"slices"
	"testing"
)

const (
	mask     = "+15550006789"
	customer = "+15550200002"
	desk     = "+15550100001" // the owner's phones
	mobile   = "+15550100002"
)

// lineWith is a number as it is set up at first, forwarded to one phone, with something changed.
func lineWith(change func(*Line)) Line {
	l := Line{
		Number: mask, State: NumberActive, Forwarding: true, ForwardTo: []Number{desk}, RingSeconds: 15, CallerID: ShowCaller,
		Screening: ScreeningPress1, Voicemail: true, Language: "en-US", MaxSeconds: 60, FinishOnKey: "*", Transcribe: true,
	}
	if change != nil {
		change(&l)
	}
	return l
}

// allows is an allowance of a plan with so many calls and voicemails left of ten. A number below nought is no limit.
func allows(calls, voicemails int) Allowance {
	a := Allowance{Subscribed: true, Plan: "Basic"}
	if calls >= 0 {
		a.CallsLimit, a.CallsUsed = new(10), 10-calls
	}
	if voicemails >= 0 {
		a.VoicemailsLimit, a.VoicemailsUsed = new(10), 10-voicemails
	}
	return a
}

var (
	message     = TakeMessage{Language: "en-US", MaxSeconds: 60, FinishOnKey: "*", Transcribe: true}
	unavailable = Refuse{Text: TextUnavailable, Language: "en-US"}
	nobody      = Refuse{Text: TextNobody, Language: "en-US"}
)

func rings(phones ...Number) Connect {
	return Connect{To: phones, RingSeconds: 15, Screen: true, Language: "en-US"}
}

func TestRoute(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		line    func(*Line)
		plan    Allowance
		from    string // customer, unless it is set
		want    Answer
		what    Happening
		because []Note
	}{
		{
			name: "a released number is turned away unanswered, whatever else holds",
			line: func(l *Line) { l.State, l.Blocked = NumberReleased, true }, plan: Allowance{},
			want: Reject{}, what: CallRefused, because: []Note{{"rejected", "the number is released"}},
		},
		{
			name: "a blocked caller is turned away unanswered",
			line: func(l *Line) { l.Blocked = true }, plan: allows(-1, -1),
			want: Reject{}, what: CallRefused, because: []Note{{"rejected", "the owner blocked this caller"}},
		},
		{
			name: "a blocked caller hears nothing of a paused number either",
			line: func(l *Line) { l.Blocked, l.State = true, NumberPaused }, plan: allows(-1, -1),
			want: Reject{}, what: CallRefused, because: []Note{{"rejected", "the owner blocked this caller"}},
		},
		{
			name: "a paused number says a civil sentence",
			line: func(l *Line) { l.State = NumberPaused }, plan: allows(-1, -1),
			want: unavailable, what: CallRefused, because: []Note{{"rejected", "the number is paused"}},
		},
		{
			name: "a paused number says it in its own language",
			line: func(l *Line) { l.State, l.Language = NumberPaused, "de-DE" }, plan: allows(-1, -1),
			want: Refuse{Text: TextUnavailable, Language: "de-DE"}, what: CallRefused, because: []Note{{"rejected", "the number is paused"}},
		},
		{
			name: "a number without a subscription says a civil sentence",
			plan: Allowance{},
			want: unavailable, what: CallRefused, because: []Note{{"rejected", "the number has no active subscription"}},
		},
		{
			name: "neither calls nor voicemails left is over quota",
			plan: allows(0, 0),
			want: unavailable, what: CallOverQuota, because: []Note{{"quota_exceeded", "plan 'Basic' has 0 of 10 calls left and plan 'Basic' has 0 of 10 voicemails left"}},
		},
		{
			name: "more used than allowed counts as nothing left",
			plan: Allowance{Subscribed: true, Plan: "Basic", CallsLimit: new(10), CallsUsed: 12, VoicemailsLimit: new(10), VoicemailsUsed: 11},
			want: unavailable, what: CallOverQuota, because: []Note{{"quota_exceeded", "plan 'Basic' has 0 of 10 calls left and plan 'Basic' has 0 of 10 voicemails left"}},
		},
		{
			name: "a call left is forwarded",
			plan: allows(1, 0),
			want: rings(desk), because: []Note{{"forwarded", "ringing +1…01 for 15 s"}},
		},
		{
			name: "an unlimited plan always has a call left",
			plan: allows(-1, -1),
			want: rings(desk), because: []Note{{"forwarded", "ringing +1…01 for 15 s"}},
		},
		{
			name: "several phones are rung together, in the owner's order",
			line: func(l *Line) { l.ForwardTo = []Number{mobile, desk} }, plan: allows(1, 1),
			want: rings(mobile, desk), because: []Note{{"forwarded", "ringing +1…02, +1…01 for 15 s"}},
		},
		{
			name: "how long, in which language and whether to screen is the line's business",
			line: func(l *Line) { l.RingSeconds, l.Language, l.Screening = 40, "fr-FR", ScreeningOff }, plan: allows(1, 1),
			want: Connect{To: []Number{desk}, RingSeconds: 40, Language: "fr-FR"}, because: []Note{{"forwarded", "ringing +1…01 for 40 s"}},
		},
		{
			name: "no call left leads to leaving a message",
			plan: allows(0, 1),
			want: message, what: CallGreeted,
			because: []Note{{"not_forwarded", "plan 'Basic' has 0 of 10 calls left"}, {"greeted", "the caller was asked to leave a message"}},
		},
		{
			name: "forwarding switched off leads to leaving a message",
			line: func(l *Line) { l.Forwarding = false }, plan: allows(1, 1),
			want: message, what: CallGreeted,
			because: []Note{{"not_forwarded", "forwarding is off"}, {"greeted", "the caller was asked to leave a message"}},
		},
		{
			name: "no phone to ring leads to leaving a message",
			line: func(l *Line) { l.ForwardTo = nil }, plan: allows(1, 1),
			want: message, what: CallGreeted,
			because: []Note{{"not_forwarded", "there is no phone to ring"}, {"greeted", "the caller was asked to leave a message"}},
		},
		{
			name: "the caller's own phone is not rung",
			from: desk, line: func(l *Line) { l.ForwardTo = []Number{desk, mobile} }, plan: allows(1, 1),
			want: rings(mobile), because: []Note{{"not_rung", "+1…01 is the caller's own phone"}, {"forwarded", "ringing +1…02 for 15 s"}},
		},
		{
			name: "an owner who calls from the only phone leaves a message",
			from: desk, plan: allows(1, 1),
			want: message, what: CallGreeted,
			because: []Note{{"not_rung", "+1…01 is the caller's own phone"}, {"not_forwarded", "there is no phone to ring"}, {"greeted", "the caller was asked to leave a message"}},
		},
		{
			name: "a number that became ours is not rung",
			line: func(l *Line) { l.ForwardTo, l.OursAmongForward = []Number{mobile, desk}, []Number{mobile} }, plan: allows(1, 1),
			want: rings(desk), because: []Note{{"not_rung", "+1…02 may not be rung from this number"}, {"forwarded", "ringing +1…01 for 15 s"}},
		},
		{
			name: "a number is never forwarded to itself",
			line: func(l *Line) { l.ForwardTo = []Number{mask, desk} }, plan: allows(1, 1),
			want: rings(desk), because: []Note{{"not_rung", "+1…89 may not be rung from this number"}, {"forwarded", "ringing +1…01 for 15 s"}},
		},
		{
			name: "a phone of a class or region that may not be rung is left out, though it was allowed when it was set",
			line: func(l *Line) { l.ForwardTo = []Number{"+19005550123", "+18765550123", desk} }, plan: allows(1, 1),
			want:    rings(desk),
			because: []Note{{"not_rung", "+1…23 may not be rung from this number"}, {"not_rung", "+1…23 may not be rung from this number"}, {"forwarded", "ringing +1…01 for 15 s"}},
		},
		{
			name: "a phone in a region that the operator allows is rung",
			line: func(l *Line) { l.ForwardTo, l.Countries = []Number{desk, "+18765550123"}, Countries{"JM"} }, plan: allows(1, 1),
			want: rings(desk, "+18765550123"), because: []Note{{"forwarded", "ringing +1…01, +1…23 for 15 s"}},
		},
		{
			name: "how long a call and a screen may last, and for which label, is the line's business",
			line: func(l *Line) { l.MaxCallMinutes, l.ScreenSeconds, l.Label = 3, 40, "Front desk" }, plan: allows(1, 1),
			want:    Connect{To: []Number{desk}, RingSeconds: 15, Screen: true, Language: "en-US", MaxMinutes: 3, ScreenSeconds: 40, Label: "Front desk"},
			because: []Note{{"forwarded", "ringing +1…01 for 15 s"}},
		},
		{
			name: "a phone that is named twice is rung once",
			line: func(l *Line) { l.ForwardTo = []Number{desk, mobile, desk} }, plan: allows(1, 1),
			want: rings(desk, mobile), because: []Note{{"forwarded", "ringing +1…01, +1…02 for 15 s"}},
		},
		{
			name: "with voicemail off whoever is not forwarded hears a civil sentence",
			line: func(l *Line) { l.Forwarding, l.Voicemail = false, false }, plan: allows(1, 1),
			want: nobody, what: CallNotTaken,
			because: []Note{{"not_forwarded", "forwarding is off"}, {"missed", "voicemail is off"}},
		},
		{
			name: "with voicemail off it does not matter that voicemails are used up",
			line: func(l *Line) { l.Forwarding, l.Voicemail = false, false }, plan: allows(1, 0),
			want: nobody, what: CallNotTaken,
			because: []Note{{"not_forwarded", "forwarding is off"}, {"missed", "voicemail is off"}},
		},
		{
			name: "with voicemails used up whoever is not forwarded is over quota",
			line: func(l *Line) { l.Forwarding = false }, plan: allows(1, 0),
			want: nobody, what: CallOverQuota,
			because: []Note{{"not_forwarded", "forwarding is off"}, {"quota_exceeded", "plan 'Basic' has 0 of 10 voicemails left"}},
		},
		{
			name: "the message is taken as the line is set up",
			line: func(l *Line) {
				l.Forwarding, l.Greeting, l.Language, l.MaxSeconds, l.FinishOnKey, l.Transcribe = false, "Speak now.", "en-GB", 600, "", false
				l.SilenceSeconds = 20
			}, plan: allows(1, 1),
			want: TakeMessage{Greeting: "Speak now.", Language: "en-GB", MaxSeconds: 600, SilenceSeconds: 20}, what: CallGreeted,
			because: []Note{{"not_forwarded", "forwarding is off"}, {"greeted", "the caller was asked to leave a message"}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			from := c.from
			if from == "" {
				from = customer
			}
			got := Route(Incoming{From: from, To: mask}, lineWith(c.line), c.plan)
			if want := (Decision{c.want, c.what, c.because}); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// withheld are callers who do not say who they are, in every spelling that Twilio is known to give.
var withheld = []string{
	"", "anonymous", "Anonymous", "ANONYMOUS", "unknown", "Restricted", "unavailable", "blocked", "private",
	"266696687", "86282452253", "8656696", "2562533", "7378742833",
	"+266696687", "+86282452253", "+8656696", "+2562533", "+7378742833",
	"client:olivia", "sip:olivia@example.com", "+Anonymous", "15550200002", "0015550200002", "+0550200002", "+155502", "+1555020000200002",
	"+1 555 020 0002", " " + customer, customer + " ", customer + "\n", customer + ";x=y", "+１５５５０２００００２",
}

func TestAWithheldCallerIsNeverShownToTheOwner(t *testing.T) {
	t.Parallel()
	for _, from := range withheld {
		for _, show := range []CallerID{ShowCaller, ShowMasked} {
			d := Route(Incoming{From: from, To: mask}, lineWith(func(l *Line) { l.CallerID = show }), allows(1, 1))
			if c, ok := d.Answer.(Connect); !ok || c.CallerID != mask {
				t.Errorf("%q with callerID %s: got %+v, want the phone to show %s", from, show, d.Answer, mask)
			}
		}
	}
}

func TestThePhoneShowsWhatTheOwnerWants(t *testing.T) {
	t.Parallel()
	for show, want := range map[CallerID]string{ShowCaller: "", ShowMasked: mask} { // nothing: the caller's own number, as Twilio does by itself
		d := Route(Incoming{From: customer, To: mask}, lineWith(func(l *Line) { l.CallerID = show }), allows(1, 1))
		if got := d.Answer.(Connect).CallerID; got != want {
			t.Errorf("callerID %s: the phone shows %q, want %q", show, got, want)
		}
	}
}

func TestRouteChangesNothingThatItIsGiven(t *testing.T) {
	t.Parallel()
	phones := []Number{mask, desk, desk, mobile}
	before := slices.Clone(phones)
	Route(Incoming{From: desk}, lineWith(func(l *Line) { l.ForwardTo = phones }), allows(1, 1))
	if !slices.Equal(phones, before) {
		t.Errorf("the line's phones are %v afterwards, were %v", phones, before)
	}
}

func TestWithoutTheDatabaseACallerLeavesAMessage(t *testing.T) {
	t.Parallel()
	want := TakeMessage{Language: DefaultLanguage, MaxSeconds: DefaultMaxSeconds, FinishOnKey: DefaultFinishOnKey}
	if got := Degraded(); got != want || want.Silence() != DefaultSilenceSeconds {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestScreenedPhones(t *testing.T) {
	t.Parallel()
	for _, digits := range []string{"", "0", "2", "9", "*", "#", "11", " 1", "1 ", "one", "１"} {
		if got := AfterKey(digits); got != (HangUp{}) {
			t.Errorf("%q connects (%#v), want it to decline", digits, got)
		}
	}
	if got := AfterKey("1"); got != (Nothing{}) {
		t.Errorf("1 gets %#v, want an empty document, which connects", got)
	}
}
