package phone

import (
	"reflect"
	"testing"
)

// TestAfterDial has each row of what Twilio is known to report when phones were rung, in the words of CallStatus, DialCallStatus, DialBridged.
func TestAfterDial(t *testing.T) {
	t.Parallel()
	connected := Decision{HangUp{}, CallConnected, []Note{{"answered", "the call was connected"}}}
	gone := Decision{Nothing{}, CallEnded, []Note{{"caller_hung_up", "the caller hung up while it rang"}}}
	leads := func(why string) Decision {
		return Decision{message, CallGreeted, []Note{{"no_answer", why}, {"greeted", "the caller was asked to leave a message"}}}
	}
	for _, c := range []struct {
		name string
		told Dialled
		want Decision
	}{
		{"a human answered and hung up first", Dialled{CallStatus: "in-progress", DialCallStatus: "completed", Bridged: "true"}, connected},
		{"a human answered and the caller hung up first", Dialled{CallStatus: "completed", DialCallStatus: "completed", Bridged: "true"}, connected},
		{"it rang out", Dialled{CallStatus: "in-progress", DialCallStatus: "no-answer", Bridged: "false"}, leads("rang +1…01 for 15 s: no answer")},
		{"it rang out and the caller still hears it ring", Dialled{CallStatus: "ringing", DialCallStatus: "no-answer", Bridged: "false"}, leads("rang +1…01 for 15 s: no answer")},
		{"it rang out and nothing is said of a bridge", Dialled{CallStatus: "in-progress", DialCallStatus: "no-answer"}, leads("rang +1…01 for 15 s: no answer")},
		{"it was busy", Dialled{CallStatus: "in-progress", DialCallStatus: "busy", Bridged: "false"}, leads("rang +1…01: busy")},
		{"it could not be reached", Dialled{CallStatus: "in-progress", DialCallStatus: "failed", Bridged: "false"}, leads("rang +1…01: could not be reached")},
		{"a carrier's mailbox picked up and nothing screened it", Dialled{CallStatus: "in-progress", DialCallStatus: "completed", Bridged: "true"}, connected},
		{"a carrier's mailbox picked up and pressed nothing", Dialled{CallStatus: "in-progress", DialCallStatus: "completed", Bridged: "false"}, leads("the phone answered but nobody pressed 1: taken for a mailbox")},
		{"a phone was picked up and declined", Dialled{CallStatus: "ringing", DialCallStatus: "completed", Bridged: "false"}, leads("the phone answered but nobody pressed 1: taken for a mailbox")},
		{"the caller hung up while it rang", Dialled{CallStatus: "completed", DialCallStatus: "canceled", Bridged: "false"}, gone},
		{"the caller hung up while it rang and nothing is said of a bridge", Dialled{CallStatus: "completed", DialCallStatus: "canceled"}, gone},
		{"the caller hung up while the phone was asked", Dialled{CallStatus: "completed", DialCallStatus: "completed", Bridged: "false"}, gone},
		{"the caller hung up just when it had rung out", Dialled{CallStatus: "completed", DialCallStatus: "no-answer", Bridged: "false"}, gone},
		{"the caller's call was cancelled", Dialled{CallStatus: "canceled", DialCallStatus: "canceled"}, gone},
		{"the caller's call came to nothing", Dialled{CallStatus: "no-answer", DialCallStatus: "canceled"}, gone},
		{"the caller's line was busy", Dialled{CallStatus: "busy", DialCallStatus: "canceled"}, gone},
		{"the caller's call failed", Dialled{CallStatus: "failed", DialCallStatus: "canceled"}, gone},
		{"the ringing was cancelled and the caller is still there", Dialled{CallStatus: "in-progress", DialCallStatus: "canceled", Bridged: "false"}, leads("rang +1…01: canceled")},
		{"completed without a word of a bridge counts as answered", Dialled{CallStatus: "in-progress", DialCallStatus: "completed"}, connected},
		{"answered without a word of a bridge counts as answered", Dialled{CallStatus: "in-progress", DialCallStatus: "answered"}, connected},
		{"an unknown end counts as not answered", Dialled{CallStatus: "in-progress", DialCallStatus: "odd"}, leads("rang +1…01: odd")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := AfterDial(c.told, rings(desk), lineWith(nil), allows(0, 1)); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestWhoeverIsNotConnectedGoesToVoicemail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		line func(*Line)
		plan Allowance
		want Answer
		what Happening
		kind string
	}{
		{"if one is left", nil, allows(0, 1), message, CallGreeted, "greeted"},
		{"not if voicemail is off", func(l *Line) { l.Voicemail = false }, allows(1, 1), nobody, CallNotTaken, "missed"},
		{"not if they are used up", nil, allows(1, 0), nobody, CallOverQuota, "quota_exceeded"},
		{"even if the number was paused meanwhile", func(l *Line) { l.State = NumberPaused }, allows(0, 1), message, CallGreeted, "greeted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := AfterDial(Dialled{CallStatus: "in-progress", DialCallStatus: "busy", Bridged: "false"}, rings(desk, mobile), lineWith(c.line), c.plan)
			if d.Answer != c.want || d.What != c.what || len(d.Notes) != 2 || d.Notes[1].Kind != c.kind {
				t.Errorf("got %+v, want %+v, %q, and a note %q", d, c.want, c.what, c.kind)
			}
			if want := (Note{"no_answer", "rang +1…01, +1…02: busy"}); d.Notes[0] != want {
				t.Errorf("the first note is %+v, want %+v", d.Notes[0], want)
			}
		})
	}
}

func TestAfterRecord(t *testing.T) {
	t.Parallel()
	const sid = "RE00000000000000000000000000000001"
	bye := Goodbye{Language: "ja-JP"}
	said := func(a Answer, how string) Decision { return Decision{a, RecordingAnnounced, []Note{{"recorded", how}}} }
	nothing := []Note{{"not_recorded", "the caller left no message"}}
	for _, c := range []struct {
		name string
		told Took
		want Decision
	}{
		{"the caller hung up", Took{CallStatus: "completed", RecordingSID: sid, Digits: "hangup"}, said(Nothing{}, "the caller spoke and hung up")},
		{"the caller pressed a key", Took{CallStatus: "in-progress", RecordingSID: sid, Digits: "*"}, said(bye, "the caller spoke and pressed a key")},
		{"the caller fell silent", Took{CallStatus: "in-progress", RecordingSID: sid}, said(bye, "the caller spoke until silence or the time limit")},
		{"there is no recording and the caller is there", Took{CallStatus: "in-progress"}, Decision{Answer: bye, Notes: nothing}},
		{"there is no recording and the caller is gone", Took{CallStatus: "completed", Digits: "hangup"}, Decision{Answer: Nothing{}, Notes: nothing}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := AfterRecord(c.told, lineWith(func(l *Line) { l.Language = "ja-JP" })); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestMask(t *testing.T) {
	t.Parallel()
	for n, want := range map[string]string{customer: "+1…02", "+496912345": "+4…45", Anonymous: Anonymous, "": "", "+1234": "+1234", "12345678": "12345678"} {
		if got := Mask(n); got != want {
			t.Errorf("Mask(%q) = %q, want %q", n, got, want)
		}
	}
}

func TestWhenTheCallerIsGone(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]bool{
		"completed": true, "canceled": true, "no-answer": true, "busy": true, "failed": true,
		"queued": false, "initiated": false, "ringing": false, "in-progress": false, "": false, "odd": false,
	} {
		if got := CallerGone(status); got != want {
			t.Errorf("CallStatus %q: gone %v, want %v", status, got, want)
		}
	}
}

// TestTheOthersAreRungOnceMore: an instant mailbox that picks up stops the ringing of every phone.
func TestTheOthersAreRungOnceMore(t *testing.T) {
	t.Parallel()
	const home = "+15550100003"
	three := rings(desk, mobile, home)
	pickedUp := Dialled{CallStatus: "ringing", DialCallStatus: "completed", Bridged: "false", Screened: mobile}
	two := rings(desk, home)
	two.Again = true
	for _, c := range []struct {
		name string
		told func(*Dialled)
		rung Connect
		want Answer
	}{
		{"without the one that picked up", nil, three, two},
		{"not when it is not known which one picked up", func(d *Dialled) { d.Screened = "" }, three, message},
		{"not when a phone picked up that was never rung", func(d *Dialled) { d.Screened = "+15550100009" }, three, message},
		{"not when there are no others", nil, rings(mobile), message},
		{"not a third time", func(d *Dialled) { d.Again = true }, three, message},
		{"not when nobody picked up", func(d *Dialled) { d.DialCallStatus = "no-answer" }, three, message},
		{"not when it was connected", func(d *Dialled) { d.Bridged = "true" }, three, HangUp{}},
		{"not when the caller is gone", func(d *Dialled) { d.CallStatus = "completed" }, three, Nothing{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			told := pickedUp
			if c.told != nil {
				c.told(&told)
			}
			if got := AfterDial(told, c.rung, lineWith(nil), allows(0, 1)); !reflect.DeepEqual(got.Answer, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
	d := AfterDial(pickedUp, three, lineWith(nil), allows(0, 0))
	want := []Note{
		{"no_answer", "+1…02 answered but nobody pressed 1: taken for a mailbox"},
		{"rung_again", "that cut the ringing of +1…01, +1…03 short: ringing again for 15 s"},
	}
	if !reflect.DeepEqual(d.Notes, want) || d.What != "" {
		t.Errorf("got %+v, want %v and no new state", d, want)
	}
}

func TestWhoIsAsked(t *testing.T) {
	t.Parallel()
	for n, want := range map[Number]string{mobile: "+1…02 picked up and is asked to press 1", "": "a phone picked up and is asked to press 1"} {
		if got := Asked(n); got.Detail != want {
			t.Errorf("got %q, want %q", got.Detail, want)
		}
	}
}
