package twilio

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	api "github.com/twilio/twilio-go/rest/api/v2010"
)

// Call is one leg of a call as Twilio remembers it.
type Call struct {
	SID       string
	From, To  string
	Status    string // Twilio's CallStatus
	Direction string // inbound, outbound-api or outbound-dial
	StartedAt time.Time
	EndedAt   time.Time // zero: not over, or not said
	Seconds   int
}

// Recording is what Twilio remembers of a recording.
type Recording struct {
	SID, CallSID string
	Status       string // in-progress, processing, completed, absent, deleted …
	Seconds      int
	StartedAt    time.Time
	CreatedAt    time.Time // by this Twilio lists them
	ErrorCode    string
	Source       string // RecordVerb is a message; others are recordings of talks
}

// Calls lists the calls that began between two moments, all legs of them, newest first. With ErrMore there are older ones than those that are
// returned.
func (c *Client) Calls(ctx context.Context, from, until time.Time) (all []Call, err error) {
	library := (&wire{ctx: ctx, twilio: c}).library()
	params := new(api.ListCallParams).SetPathAccountSid(c.account).SetPageSize(c.perPage).SetStartTimeAfter(from).SetStartTimeBefore(until)
	err = c.pages(func(token, page string) (*string, error) {
		got, err := library.PageCall(params, token, page)
		if err != nil {
			return nil, err
		}
		for i := range got.Calls {
			all = append(all, call(&got.Calls[i]))
		}
		return got.NextPageUri, nil
	})
	if err != nil {
		return all, fmt.Errorf("list calls: %w", err)
	}
	return all, nil
}

// Call asks for one call.
func (c *Client) Call(ctx context.Context, sid string) (Call, error) {
	if !callSID.MatchString(sid) {
		return Call{}, fmt.Errorf("ask for call %q: %w", sid, ErrSID)
	}
	got, err := (&wire{ctx: ctx, twilio: c}).library().FetchCall(sid, new(api.FetchCallParams).SetPathAccountSid(c.account))
	if err != nil {
		return Call{}, fmt.Errorf("ask for call %s: %w", sid, refused(err))
	}
	return call(got), nil
}

// codeNotInProgress is Twilio's for a call that is over, or not begun.
const codeNotInProgress = 21220

// HangUp ends a running call. One that is over, or that Twilio does not know any more, counts as ended.
func (c *Client) HangUp(ctx context.Context, sid string) error {
	if !callSID.MatchString(sid) {
		return fmt.Errorf("hang up call %q: %w", sid, ErrSID)
	}
	params := new(api.UpdateCallParams).SetPathAccountSid(c.account).SetStatus("completed")
	_, err := (&wire{ctx: ctx, twilio: c}).library().UpdateCall(sid, params)
	if err == nil {
		return nil
	}
	err = refused(err)
	if e := new(Error); errors.As(err, &e) && (e.NotFound() || e.Code == codeNotInProgress) {
		return nil
	}
	return fmt.Errorf("hang up call %s: %w", sid, err)
}

// Recordings lists the recordings that began between two moments, newest first. With ErrMore there are older ones than those that are returned.
func (c *Client) Recordings(ctx context.Context, from, until time.Time) ([]Recording, error) {
	return c.recordings(ctx, new(api.ListRecordingParams).SetDateCreatedAfter(from).SetDateCreatedBefore(until))
}

// RecordingsOf lists the recordings of a call.
func (c *Client) RecordingsOf(ctx context.Context, callSID string) ([]Recording, error) {
	return c.recordings(ctx, new(api.ListRecordingParams).SetCallSid(callSID))
}

func (c *Client) recordings(ctx context.Context, params *api.ListRecordingParams) (all []Recording, err error) {
	library := (&wire{ctx: ctx, twilio: c}).library()
	params.SetPathAccountSid(c.account).SetPageSize(c.perPage)
	err = c.pages(func(token, page string) (*string, error) {
		got, err := library.PageRecording(params, token, page)
		if err != nil {
			return nil, err
		}
		for i := range got.Recordings {
			all = append(all, recording(&got.Recordings[i]))
		}
		return got.NextPageUri, nil
	})
	if err != nil {
		return all, fmt.Errorf("list recordings: %w", err)
	}
	return all, nil
}

// Transcription is what Twilio made of a recording.
type Transcription struct {
	Status string // in-progress, completed or failed
	Text   string
}

// Transcriptions lists the transcriptions of a recording.
func (c *Client) Transcriptions(ctx context.Context, sid string) (all []Transcription, err error) {
	if !recordingSID.MatchString(sid) {
		return nil, fmt.Errorf("ask for the transcriptions of %q: %w", sid, ErrSID)
	}
	library := (&wire{ctx: ctx, twilio: c}).library()
	params := new(api.ListRecordingTranscriptionParams).SetPathAccountSid(c.account)
	err = c.pages(func(token, page string) (*string, error) {
		got, err := library.PageRecordingTranscription(sid, params, token, page)
		if err != nil {
			return nil, err
		}
		for _, t := range got.Transcriptions {
			all = append(all, Transcription{Status: text(t.Status), Text: text(t.TranscriptionText)})
		}
		return got.NextPageUri, nil
	})
	if err != nil {
		return all, fmt.Errorf("ask for the transcriptions of %s: %w", sid, err)
	}
	return all, nil
}

// pages has one page after the other read, until there is no next one.
func (c *Client) pages(read func(token, page string) (next *string, err error)) error {
	var token, page string
	for range c.maxPages {
		next, err := read(token, page)
		if err != nil {
			return refused(err)
		}
		if text(next) == "" {
			return nil
		}
		if token, page, err = nextPage(*next); err != nil {
			return err
		}
	}
	return ErrMore
}

func call(c *api.ApiV2010Call) Call {
	return Call{
		SID: text(c.Sid), From: text(c.From), To: text(c.To), Status: text(c.Status), Direction: text(c.Direction),
		StartedAt: date(c.StartTime), EndedAt: date(c.EndTime), Seconds: count(c.Duration),
	}
}

func recording(r *api.ApiV2010Recording) Recording {
	out := Recording{SID: text(r.Sid), CallSID: text(r.CallSid), Status: text(r.Status), Seconds: count(r.Duration), StartedAt: date(r.StartTime), CreatedAt: date(r.DateCreated), Source: text(r.Source)}
	if r.ErrorCode != nil && *r.ErrorCode != 0 {
		out.ErrorCode = strconv.Itoa(*r.ErrorCode)
	}
	return out
}

// date is a date as Twilio writes it; zero when it is missing or odd.
func date(s *string) time.Time {
	t, err := time.Parse(time.RFC1123Z, text(s))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// count is a number that Twilio writes as a text; 0 when it is missing, odd or below nought.
func count(s *string) int {
	n, err := strconv.Atoi(text(s))
	if err != nil {
		return 0
	}
	return max(n, 0)
}
