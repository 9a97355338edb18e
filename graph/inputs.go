package graph

import (
	"github.com/99designs/gqlgen/graphql"

	"github.com/maskline/maskline/graph/generated"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

func newUser(in generated.CreateUserInput) switchboard.NewUser {
	return switchboard.NewUser{Email: in.Email, Name: or(in.Name, ""), Role: or(in.Role, ""), Locale: or(in.Locale, ""), TimeZone: or(in.TimeZone, "")}
}

func or[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}

// userChange says what changes, and what may not be null.
func userChange(in generated.UpdateUserInput) (c switchboard.UserChange) {
	c.Name = changed(&c.Faults, "name", in.Name)
	c.Locale = changed(&c.Faults, "locale", in.Locale)
	c.TimeZone = changed(&c.Faults, "timeZone", in.TimeZone)
	c.Role = changed(&c.Faults, "role", in.Role)
	return c
}

// changed is nil for what was left out. null is a fault.
func changed[T any](f *phone.Faults, field string, o graphql.Omittable[*T]) *T {
	v, isSet := o.ValueOK()
	if isSet && v == nil {
		notNull(f, field)
	}
	return v
}

func notNull(f *phone.Faults, field string) {
	f.Add(field, field+" must not be null. Leave it out to keep it as it is.")
}

func newSettings(in generated.CreateNumberInput) phone.Settings {
	s := phone.DefaultSettings()
	s.Label = or(in.Label, s.Label)
	s.ForwardingEnabled = or(in.ForwardingEnabled, s.ForwardingEnabled)
	if in.ForwardTo != nil {
		s.ForwardTo = in.ForwardTo
	}
	s.RingSeconds = or(in.RingSeconds, s.RingSeconds)
	s.CallerID = or(in.CallerID, s.CallerID)
	s.Screening = or(in.Screening, s.Screening)
	s.VoicemailEnabled = or(in.VoicemailEnabled, s.VoicemailEnabled)
	s.Greeting = in.Greeting
	s.Language = or(in.Language, s.Language)
	s.MaxSeconds = or(in.MaxVoicemailSeconds, s.MaxSeconds)
	s.SilenceSeconds = or(in.SilenceSeconds, s.SilenceSeconds)
	s.ScreenSeconds = or(in.ScreenSeconds, s.ScreenSeconds)
	s.MaxCallMinutes = or(in.MaxCallMinutes, s.MaxCallMinutes)
	s.MailMissedCalls = or(in.MailMissedCalls, s.MailMissedCalls)
	s.FinishOnKey = or(in.FinishOnKey, s.FinishOnKey)
	s.Transcribe = or(in.Transcribe, s.Transcribe)
	if in.NotifyEmails != nil {
		s.NotifyEmails = in.NotifyEmails
	}
	s.KeepVoicemailsDays = in.KeepVoicemailsDays
	return s
}

// changeSettings changes what was given, and tells what may not be null.
func changeSettings(s *phone.Settings, in generated.UpdateNumberInput) (f phone.Faults) {
	set(&f, "label", &s.Label, in.Label)
	set(&f, "forwardingEnabled", &s.ForwardingEnabled, in.ForwardingEnabled)
	setList(&f, "forwardTo", &s.ForwardTo, in.ForwardTo)
	set(&f, "ringSeconds", &s.RingSeconds, in.RingSeconds)
	set(&f, "callerID", &s.CallerID, in.CallerID)
	set(&f, "screening", &s.Screening, in.Screening)
	set(&f, "voicemailEnabled", &s.VoicemailEnabled, in.VoicemailEnabled)
	setNullable(&s.Greeting, in.Greeting)
	set(&f, "language", &s.Language, in.Language)
	set(&f, "maxVoicemailSeconds", &s.MaxSeconds, in.MaxVoicemailSeconds)
	set(&f, "silenceSeconds", &s.SilenceSeconds, in.SilenceSeconds)
	set(&f, "screenSeconds", &s.ScreenSeconds, in.ScreenSeconds)
	set(&f, "maxCallMinutes", &s.MaxCallMinutes, in.MaxCallMinutes)
	set(&f, "mailMissedCalls", &s.MailMissedCalls, in.MailMissedCalls)
	set(&f, "finishOnKey", &s.FinishOnKey, in.FinishOnKey)
	set(&f, "transcribe", &s.Transcribe, in.Transcribe)
	setList(&f, "notifyEmails", &s.NotifyEmails, in.NotifyEmails)
	setNullable(&s.KeepVoicemailsDays, in.KeepVoicemailsDays)
	return f
}

func set[T any](f *phone.Faults, field string, to *T, o graphql.Omittable[*T]) {
	if v := changed(f, field, o); v != nil {
		*to = *v
	}
}

// setList replaces the list.
func setList[T any](f *phone.Faults, field string, to *[]T, o graphql.Omittable[[]T]) {
	switch v, isSet := o.ValueOK(); {
	case isSet && v == nil:
		notNull(f, field)
	case isSet:
		*to = v
	}
}

func setNullable[T any](to **T, o graphql.Omittable[*T]) {
	if v, isSet := o.ValueOK(); isSet {
		*to = v
	}
}
