package switchboard

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/call"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/phone"
)

// Answers are kept under the request that they answered.
const (
	received = "received"
	screened = "screened/" // + the sid of the call to the phone
	dialled  = "dialled/"  // likewise
	again    = "dialled again/"
	recorded = "recorded/" // + the recording's sid
)

var errUnknownNumber = errors.New("no such number")

// Receive answers an incoming call. A call that is received twice is one call, and gets the same answer.
func (s *Switchboard) Receive(ctx context.Context, in phone.Incoming) (answer phone.Answer, err error) {
	ctx = database.Urgent(ctx)
	work := func(tx *Tx) error {
		c, err := tx.findCall(ctx, in.CallSID)
		if err != nil {
			return err
		}
		if c != nil {
			if stored, ok := c.Answers[received]; ok {
				answer = stored.Answer
				return nil
			}
			if c.EndedAt != nil { // its end overtook its beginning
				answer = phone.Nothing{}
				return nil
			}
		}
		answer, err = s.receive(ctx, tx, in, c)
		return err
	}
	err = s.makingCalls(ctx, in, received, work)
	if errors.Is(err, errUnknownNumber) {
		s.Metrics.unknownNumber()
		s.Log.WarnContext(ctx, "call to an unknown number", "call", in.CallSID, "number", in.To)
		return phone.Reject{}, nil
	}
	if err == nil {
		s.watch.note(in, answer, s.now())
	}
	return answer, err
}

func (s *Switchboard) receive(ctx context.Context, tx *Tx, in phone.Incoming, c *ent.Call) (phone.Answer, error) {
	l, err := s.lineTo(ctx, tx, in)
	if err != nil {
		return nil, err
	}
	if err := s.lookAround(ctx, tx, in, &l); err != nil {
		return nil, err
	}
	d, reserved, err := s.route(ctx, tx, in, l)
	if err != nil {
		return nil, err
	}
	if c == nil {
		if c, err = s.newCall(ctx, tx, in, l); err != nil {
			return nil, err
		}
	}
	return d.Answer, s.settle(ctx, tx, c, step{decision: d, key: received, reserved: reserved, contract: l.contract})
}

// route decides, and takes from the plan what the decision needs. When somebody else was faster, it decides again with what is left.
func (s *Switchboard) route(ctx context.Context, tx *Tx, in phone.Incoming, l line) (phone.Decision, bool, error) {
	allowance := l.contract.allowance(s.now())
	for {
		d := phone.Route(in, l.Line, allowance)
		ok, reserved, err := s.takeFor(ctx, tx, d.Answer, l.contract)
		if ok || err != nil {
			return d, reserved, err
		}
		if reserved {
			allowance = allowance.WithoutVoicemails()
		} else {
			allowance = allowance.WithoutCalls()
		}
	}
}

// takeFor takes from the plan what an answer costs. It tells whether that was to be had, and whether it was a voicemail.
func (s *Switchboard) takeFor(ctx context.Context, tx *Tx, a phone.Answer, c contract) (ok, voicemail bool, err error) {
	switch a := a.(type) {
	case phone.Connect:
		if a.Again { // one call is used, however often phones are rung for it
			return true, false, nil
		}
		ok, err = c.takeCall(ctx, tx)
		return ok, false, err
	case phone.TakeMessage:
		if c.sub == nil { // answered while the database was away: there is nothing to take from
			return true, false, nil
		}
		ok, err = c.takeVoicemail(ctx, tx)
		return ok, true, err
	}
	return true, false, nil
}

// Screened writes down which phone picked up, and has it asked whether it wants the call. The leg is the call to that phone.
func (s *Switchboard) Screened(ctx context.Context, in phone.Incoming, leg string, ask phone.Screen) (answer phone.Answer, err error) {
	ctx = database.Urgent(ctx)
	err = s.inCall(ctx, in, screened+leg, &answer, func(tx *Tx, c *ent.Call) error {
		answer = ask
		return s.settle(ctx, tx, c, step{decision: askedBy(ask), key: screened + leg})
	})
	return answer, err
}

func askedBy(ask phone.Screen) phone.Decision {
	return phone.Decision{Answer: ask, Notes: []phone.Note{phone.Asked(ask.Phone)}}
}

// Dialled carries a call on when its phones were rung.
func (s *Switchboard) Dialled(ctx context.Context, in phone.Incoming, d phone.Dialled) (answer phone.Answer, err error) {
	ctx = database.Urgent(ctx)
	key := dialKey(d)
	err = s.inCall(ctx, in, key, &answer, func(tx *Tx, c *ent.Call) error {
		l, err := s.lineOf(ctx, tx, c)
		if err != nil {
			return err
		}
		s.gone(in, c, d.CallStatus)
		d.Screened = pickedUp(c, d)
		dec, reserved, err := s.afterDial(ctx, tx, d, rung(c, d), l, c)
		if err != nil {
			return err
		}
		answer = dec.Answer
		return s.settle(ctx, tx, c, step{decision: dec, key: key, reserved: reserved, contract: l.contract})
	})
	return answer, err
}

// rung is the answer that had the phones rung.
func rung(c *ent.Call, d phone.Dialled) (rung phone.Connect) {
	for _, stored := range c.Answers {
		if a, ok := stored.Answer.(phone.Connect); ok && a.Again == d.Again {
			rung = a
		}
	}
	return rung
}

// pickedUp is the phone that picked up in the ringing that is over; empty when that cannot be told.
func pickedUp(c *ent.Call, d phone.Dialled) (n phone.Number) {
	if s, ok := c.Answers[screened+d.DialCallSID].Answer.(phone.Screen); ok {
		return s.Phone
	}
	for _, stored := range c.Answers {
		s, ok := stored.Answer.(phone.Screen)
		if ok && n != "" {
			return "" // more than one did
		}
		if ok {
			n = s.Phone
		}
	}
	return n
}

func (s *Switchboard) afterDial(ctx context.Context, tx *Tx, d phone.Dialled, rung phone.Connect, l line, c *ent.Call) (phone.Decision, bool, error) {
	allowance := l.contract.allowance(s.now())
	if c.ReservedIn != nil { // it has its voicemail already
		return phone.AfterDial(d, rung, l.Line, allowance), false, nil
	}
	for {
		dec := phone.AfterDial(d, rung, l.Line, allowance)
		if goesOn(dec.Answer) && c.EndedAt != nil {
			return phone.Decision{Answer: phone.Nothing{}}, false, nil // late: the caller is gone
		}
		ok, reserved, err := s.takeFor(ctx, tx, dec.Answer, l.contract)
		if ok || err != nil {
			return dec, reserved, err
		}
		allowance = allowance.WithoutVoicemails()
	}
}

// goesOn tells whether an answer keeps the caller on the line.
func goesOn(a phone.Answer) bool {
	switch a.(type) {
	case phone.Connect, phone.TakeMessage:
		return true
	}
	return false
}

// Recorded carries a call on when its caller has spoken, or has not.
func (s *Switchboard) Recorded(ctx context.Context, in phone.Incoming, t phone.Took) (answer phone.Answer, err error) {
	ctx = database.Urgent(ctx)
	key := recorded + t.RecordingSID
	err = s.inCall(ctx, in, key, &answer, func(tx *Tx, c *ent.Call) error {
		n, err := tx.numberOf(ctx, c)
		if err != nil {
			return err
		}
		s.gone(in, c, t.CallStatus)
		d := phone.AfterRecord(t, s.facts(n))
		answer = d.Answer
		return s.settle(ctx, tx, c, step{decision: d, key: key})
	})
	return answer, err
}

// gone frees the place among simultaneous calls of a caller who, by the CallStatus of an action, is not on the line any more. The number's status
// callback tells when the call ended.
func (s *Switchboard) gone(in phone.Incoming, c *ent.Call, status string) {
	if phone.CallerGone(status) {
		c.CountedUntil = nil
		s.watch.end(in)
	}
}

// Over is what the number's status callback tells of a call.
type Over struct {
	Status   string
	Seconds  int
	Duration bool      // Seconds is known
	Found    bool      // no webhook told us: we asked
	At       time.Time // by Twilio's clock; zero: now
}

// Ended writes down that a call is over. Nothing that comes later opens it again.
func (s *Switchboard) Ended(ctx context.Context, in phone.Incoming, o Over) error {
	_, err := s.ended(ctx, in, o)
	return err
}

func (s *Switchboard) ended(ctx context.Context, in phone.Incoming, o Over) (changed bool, err error) {
	s.watch.end(in)
	err = s.inCall(ctx, in, ended+o.Status, nil, func(tx *Tx, c *ent.Call) error {
		if changed = c.EndedAt == nil; !changed {
			return nil
		}
		at := s.endOf(c, o)
		c.EndedAt, c.CountedUntil = &at, nil
		if o.Duration {
			c.DurationSeconds = &o.Seconds
		}
		detail := "the call is over: " + o.Status
		if o.Found {
			detail += ", of which no webhook had told us"
		}
		d := phone.Decision{What: phone.CallEnded, Notes: []phone.Note{{Kind: "ended", Detail: detail}}}
		return s.settle(ctx, tx, c, step{decision: d})
	})
	if errors.Is(err, errUnknownNumber) {
		return false, nil // it was turned away: there is no call to end
	}
	return changed, err
}

// endOf is when a call was over by Twilio's clock, as far as ours agrees: not before it began, and not in the future.
func (s *Switchboard) endOf(c *ent.Call, o Over) time.Time {
	at := s.now()
	if !o.At.IsZero() && o.At.Before(at) {
		at = o.At
	}
	if at.Before(c.StartedAt) {
		return c.StartedAt
	}
	return at
}

// inCall runs do on the locked call, which is made when we have not heard of it yet: requests overtake each other. What was told is written
// down under key. When there is an answer to give, and it was given before, it is given again and do is not run.
func (s *Switchboard) inCall(ctx context.Context, in phone.Incoming, key string, answer *phone.Answer, do func(*Tx, *ent.Call) error) error {
	work := func(tx *Tx) error {
		c, err := s.lockCall(ctx, tx, in)
		if err != nil {
			return err
		}
		if stored, ok := c.Answers[key]; ok && answer != nil {
			*answer = stored.Answer
			return nil
		}
		return do(tx, c)
	}
	return s.makingCalls(ctx, in, key, work)
}

// makingCalls writes down what was told and runs work, which may make a call, in a transaction; once more when another request made the same
// call at the same moment. A repetition that comes at the same moment waits at the row of what was told until the first is through.
func (s *Switchboard) makingCalls(ctx context.Context, in phone.Incoming, key string, work func(*Tx) error) error {
	told := func(tx *Tx) error {
		if err := s.told(ctx, tx, in, key); err != nil {
			return err
		}
		return work(tx)
	}
	err := s.inTx(ctx, told)
	if ent.IsConstraintError(err) {
		err = s.inTx(ctx, told)
	}
	return err
}

// findCall is the call, locked until the transaction ends, or nil.
func (tx *Tx) findCall(ctx context.Context, sid string) (*ent.Call, error) {
	q := tx.Call.Query().Where(call.CallSid(sid))
	tx.forUpdate(func() { q.ForUpdate() })
	c, err := q.Only(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load call %s: %w", sid, err)
	}
	return c, nil
}

func (s *Switchboard) lockCall(ctx context.Context, tx *Tx, in phone.Incoming) (*ent.Call, error) {
	c, err := tx.findCall(ctx, in.CallSID)
	if c != nil || err != nil {
		return c, err
	}
	l, err := s.lineTo(ctx, tx, in)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", in.CallSID, err)
	}
	return s.newCall(ctx, tx, in, l)
}

func (s *Switchboard) newCall(ctx context.Context, tx *Tx, in phone.Incoming, l line) (*ent.Call, error) {
	now := s.now()
	if !in.At.IsZero() {
		now = in.At
	}
	notes := []phone.CallEvent{{At: now, Kind: "called", Detail: calledBy(in)}}
	create := tx.Call.Create().SetOwnerID(l.number.OwnerID).SetNumberID(l.number.ID).SetCallSid(in.CallSID).
		SetFrom(phone.CallerOf(in.From)).SetTo(in.To).SetStartedAt(now).SetChangedAt(now).SetTimeline(notes).SetAnswers(map[string]phone.Stored{})
	if l.contract.sub != nil {
		create.SetSubscriptionID(l.contract.sub.ID)
	}
	c, err := create.Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("write call %s: %w", in.CallSID, err)
	}
	return c, nil
}

const shownOfFrom = 100

func calledBy(in phone.Incoming) string {
	if phone.CallerOf(in.From) != phone.Anonymous {
		return fmt.Sprintf("%s called %s", in.From, in.To)
	}
	return fmt.Sprintf("a withheld caller called %s (Twilio said %q)", in.To, fmt.Sprintf("%.*s", shownOfFrom, in.From))
}

// step is what one request changes of a call.
type step struct {
	decision phone.Decision
	key      string // the answer is kept under it; empty: there is none
	reserved bool   // a voicemail of the plan was taken for it
	contract contract
	charged  bool // a recording used up the reservation

	given time.Time // when the answer was given, if that was long ago; zero: now
}

func (st step) givenAt(now time.Time) time.Time {
	if st.given.IsZero() {
		return now
	}
	return st.given
}

// settle writes a step down: state, timeline, answer, reservation; and tells clients.
func (s *Switchboard) settle(ctx context.Context, tx *Tx, c *ent.Call, st step) error {
	now := s.now()
	before := c.State
	c.State = before.After(st.decision.What)
	for _, n := range st.decision.Notes {
		c.Timeline = append(c.Timeline, phone.CallEvent{At: now, Kind: n.Kind, Detail: n.Detail})
		tx.steps = append(tx.steps, loggedStep{c.CallSid, n})
	}
	if st.key != "" {
		c.Answers[st.key] = phone.Stored{Answer: st.decision.Answer}
	}
	if a, ok := st.decision.Answer.(phone.Connect); ok && c.EndedAt == nil {
		until := a.CountsUntil(st.givenAt(now))
		c.CountedUntil = &until
	}
	if st.reserved {
		c.ReservedIn = &st.contract.period
	}
	if err := s.release(ctx, tx, c, st); err != nil {
		return err
	}
	changed := laterThan(c.ChangedAt, now)
	if err := tx.saveCall(ctx, c, changed); err != nil {
		return err
	}
	tx.announce(callEvent(c, changed))
	return s.mailMissed(ctx, tx, c, before)
}

// laterThan is now, or right after the last time, when another replica's clock has run ahead of ours.
func laterThan(last, now time.Time) time.Time {
	if now.After(last) {
		return now
	}
	return last.Add(time.Microsecond)
}

// overtakes is how much later than the end of its call a Record action may come: then there is a recording to wait for after all.
const overtakes = 10 * time.Second

// release gives a reserved voicemail back when the call is settled without a recording; one that was charged is used up. The end of a call may
// have overtaken the news that there is a recording, so it only has the reservation looked at a little later.
func (s *Switchboard) release(ctx context.Context, tx *Tx, c *ent.Call, st step) error {
	switch {
	case c.ReservedIn == nil:
		return nil
	case st.charged:
		c.ReservedIn = nil
		return nil
	case c.State.Outcome() == phone.OutcomeRinging, st.decision.What == "", st.decision.What == phone.RecordingAnnounced:
		return nil
	case st.decision.What == phone.CallEnded:
		tx.later(jobs.Job{Kind: jobs.FreeReservation, Subject: c.CallSid, At: s.now().Add(overtakes)})
		return nil
	}
	err := giveBack(ctx, tx, *c.SubscriptionID, *c.ReservedIn)
	c.ReservedIn = nil
	return err
}

// freeReservation gives back what a call that is over has reserved, unless a recording was announced meanwhile.
func (s *Switchboard) freeReservation(ctx context.Context, callSID string) error {
	return s.inTx(ctx, func(tx *Tx) error {
		c, err := tx.findCall(ctx, callSID)
		if c == nil || err != nil || c.ReservedIn == nil || announced(c) {
			return err
		}
		if err := giveBack(ctx, tx, *c.SubscriptionID, *c.ReservedIn); err != nil {
			return err
		}
		c.ReservedIn = nil
		return tx.saveCall(ctx, c, c.ChangedAt) // nothing that clients see of the call has changed
	})
}

// announced tells whether a Record action named a recording, whose fate is still to be told.
func announced(c *ent.Call) bool {
	for key := range c.Answers {
		if sid, ok := strings.CutPrefix(key, recorded); ok && sid != "" {
			return true
		}
	}
	return false
}

func (tx *Tx) saveCall(ctx context.Context, c *ent.Call, now time.Time) error {
	u := tx.Call.Update().Where(call.ID(c.ID)).SetState(c.State).SetOutcome(c.State.Outcome()).SetTimeline(c.Timeline).SetAnswers(c.Answers).SetChangedAt(now)
	if c.ReservedIn != nil {
		u.SetReservedIn(*c.ReservedIn)
	} else {
		u.ClearReservedIn()
	}
	if c.CountedUntil != nil {
		u.SetCountedUntil(*c.CountedUntil)
	} else {
		u.ClearCountedUntil()
	}
	if c.EndedAt != nil {
		u.SetEndedAt(*c.EndedAt)
	}
	if c.DurationSeconds != nil {
		u.SetDurationSeconds(*c.DurationSeconds)
	}
	if err := u.Exec(ctx); err != nil {
		return fmt.Errorf("write call %s: %w", c.CallSid, err)
	}
	return nil
}

// touchCallOf has the call of a voicemail told to clients again: the voicemail is there from now on, or gone.
func (tx *Tx) touchCallOf(v *ent.Voicemail) {
	if v.CallID != nil {
		tx.touched = append(tx.touched, *v.CallID)
	}
}

// touchCalls tells of the calls that show something else though they did not change themselves.
func (s *Switchboard) touchCalls(ctx context.Context, tx *Tx) error {
	if len(tx.touched) == 0 {
		return nil
	}
	ctx = viewer.System(ctx)
	calls, err := tx.Call.Query().Where(call.IDIn(tx.touched...)).All(ctx)
	if err != nil {
		return fmt.Errorf("load calls: %w", err)
	}
	at := s.now()
	for _, c := range calls {
		at = laterThan(c.ChangedAt, at)
	}
	for _, c := range calls {
		tx.announce(callEvent(c, at))
	}
	if err := tx.Call.Update().Where(call.IDIn(tx.touched...)).SetChangedAt(at).Exec(ctx); err != nil {
		return fmt.Errorf("write calls: %w", err)
	}
	return nil
}
