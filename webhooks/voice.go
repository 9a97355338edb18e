package webhooks

import (
	"context"
	"strings"

	"github.com/maskline/maskline/phone"
)

// voice: a call comes in.
func (d *door) voice(r *request) plan {
	in := r.incoming()
	return plan{
		call:      in,
		decide:    func(ctx context.Context) (phone.Answer, error) { return d.Desk.Receive(ctx, in) },
		otherwise: func() (phone.Answer, func() error) { return d.Desk.ReceiveAway(in) },
	}
}

// fallback: Twilio could not get an answer out of us elsewhere. It asks nobody, so that it still works when nothing else does.
func (d *door) fallback(r *request) plan {
	in := r.incoming()
	failed, _, _ := strings.Cut(r.get("ErrorUrl"), "?") // its query names the caller
	d.Log.Warn("Twilio uses the fallback address", "call", in.CallSID, "code", cut(r.get("ErrorCode"), 10), "url", cut(failed, 500))
	return settled(in, phone.Degraded())
}

// screen: a phone was picked up, and is asked whether it wants the call.
func (d *door) screen(r *request) plan {
	in := r.parent()
	ask := phone.Screen{Caller: phone.CallerOf(in.From), Language: r.carried("language")}
	if n, err := phone.ParseNumber(r.get("To")); err == nil {
		ask.Phone = n
	}
	leg := r.sid("CA", r.get("CallSid"), "CallSid", false)
	return plan{
		call:      in,
		decide:    func(ctx context.Context) (phone.Answer, error) { return d.Desk.Screened(ctx, in, leg, ask) },
		otherwise: func() (phone.Answer, func() error) { return d.Desk.ScreenedAway(in, leg, ask) },
	}
}

// pressed: the phone that was asked pressed a key.
func (d *door) pressed(r *request) plan {
	return settled(r.parent(), phone.AfterKey(r.get("Digits")))
}

// dialed: the phones have been rung.
func (d *door) dialed(r *request) plan { return d.afterDial(r, false) }

// dialedAgain: those that an instant mailbox cut short have been rung once more.
func (d *door) dialedAgain(r *request) plan { return d.afterDial(r, true) }

func (d *door) afterDial(r *request, again bool) plan {
	in := r.parent()
	told := phone.Dialled{
		Again: again, CallStatus: in.Status, DialCallStatus: r.get("DialCallStatus"), Bridged: r.get("DialBridged"),
		DialCallSID: r.sid("CA", r.get("DialCallSid"), "DialCallSid", true),
	}
	return plan{
		call:      in,
		decide:    func(ctx context.Context) (phone.Answer, error) { return d.Desk.Dialled(ctx, in, told) },
		otherwise: func() (phone.Answer, func() error) { return d.Desk.DialledAway(in, told) },
	}
}

// recorded: the caller has spoken, or has not.
func (d *door) recorded(r *request) plan {
	in := r.parent()
	told := phone.Took{CallStatus: in.Status, RecordingSID: r.sid("RE", r.get("RecordingSid"), "RecordingSid", true), Digits: r.get("Digits")}
	return plan{
		call:      in,
		decide:    func(ctx context.Context) (phone.Answer, error) { return d.Desk.Recorded(ctx, in, told) },
		otherwise: func() (phone.Answer, func() error) { return d.Desk.RecordedAway(in, told) },
	}
}

// message: a text message came in; for now nothing is done with it.
func (d *door) message(*request) plan { return settled(phone.Incoming{}, phone.Nothing{}) }
