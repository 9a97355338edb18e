package webhooks

import (
	"context"
	"strconv"
	"strings"

	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

// voice: a call comes in.
func (d *door) voice(r *request) plan { return incoming{d.Desk, r.incoming()} }

type incoming struct {
	desk *switchboard.Switchboard
	in   phone.Incoming
}

func (p incoming) about() phone.Incoming                            { return p.in }
func (p incoming) decide(ctx context.Context) (phone.Answer, error) { return p.desk.Receive(ctx, p.in) }
func (p incoming) otherwise() (phone.Answer, func() error)          { return p.desk.ReceiveAway(p.in) }

// fallback: Twilio could not get an answer out of us elsewhere. It asks nobody, so that it still works when nothing else does.
func (d *door) fallback(r *request) plan {
	in := r.incoming()
	failed, _, _ := strings.Cut(r.get("ErrorUrl"), "?") // its query names the caller
	d.Log.Warn("Twilio uses the fallback address", "call", in.CallSID, "code", cut(r.get("ErrorCode"), 10), "url", cut(failed, 500))
	return settled{in, phone.Degraded()}
}

// screen: a phone was picked up, and is asked whether it wants the call.
func (d *door) screen(r *request) plan {
	in := r.parent()
	seconds, _ := strconv.Atoi(r.carried("seconds")) // 0 where the address was handed out by an older version
	ask := phone.Screen{Caller: phone.CallerOf(in.From), Language: r.carried("language"), Label: r.carried("label"), Seconds: seconds}
	if n, err := phone.ParseNumber(r.get("To")); err == nil {
		ask.Phone = n
	}
	return screened{d.Desk, in, r.sid("CA", r.get("CallSid"), "CallSid", false), ask}
}

type screened struct {
	desk *switchboard.Switchboard
	in   phone.Incoming
	leg  string
	ask  phone.Screen
}

func (p screened) about() phone.Incoming { return p.in }
func (p screened) decide(ctx context.Context) (phone.Answer, error) {
	return p.desk.Screened(ctx, p.in, p.leg, p.ask)
}
func (p screened) otherwise() (phone.Answer, func() error) {
	return p.desk.ScreenedAway(p.in, p.leg, p.ask)
}

// pressed: the phone that was asked pressed a key.
func (d *door) pressed(r *request) plan {
	return settled{r.parent(), phone.AfterKey(r.get("Digits"))}
}

// dialed: the phones have been rung.
func (d *door) dialed(r *request) plan { return d.afterDial(r, false) }

// dialedAgain: those that an instant mailbox cut short have been rung once more.
func (d *door) dialedAgain(r *request) plan { return d.afterDial(r, true) }

func (d *door) afterDial(r *request, again bool) plan {
	in := r.parent()
	return dialled{d.Desk, in, phone.Dialled{
		Again: again, CallStatus: in.Status, DialCallStatus: r.get("DialCallStatus"), Bridged: r.get("DialBridged"),
		DialCallSID: r.sid("CA", r.get("DialCallSid"), "DialCallSid", true),
	}}
}

type dialled struct {
	desk *switchboard.Switchboard
	in   phone.Incoming
	told phone.Dialled
}

func (p dialled) about() phone.Incoming { return p.in }
func (p dialled) decide(ctx context.Context) (phone.Answer, error) {
	return p.desk.Dialled(ctx, p.in, p.told)
}
func (p dialled) otherwise() (phone.Answer, func() error) { return p.desk.DialledAway(p.in, p.told) }

// recorded: the caller has spoken, or has not.
func (d *door) recorded(r *request) plan {
	in := r.parent()
	return took{d.Desk, in, phone.Took{
		CallStatus: in.Status, RecordingSID: r.sid("RE", r.get("RecordingSid"), "RecordingSid", true), Digits: r.get("Digits"),
	}}
}

type took struct {
	desk *switchboard.Switchboard
	in   phone.Incoming
	told phone.Took
}

func (p took) about() phone.Incoming { return p.in }
func (p took) decide(ctx context.Context) (phone.Answer, error) {
	return p.desk.Recorded(ctx, p.in, p.told)
}
func (p took) otherwise() (phone.Answer, func() error) { return p.desk.RecordedAway(p.in, p.told) }

// message: a text message came in; for now nothing is done with it.
func (d *door) message(*request) plan { return settled{answer: phone.Nothing{}} }
