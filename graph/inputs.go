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

// userChange says what changes: null resets to the default.
func userChange(in generated.UpdateUserInput) switchboard.UserChange {
	return switchboard.UserChange{
		Name: changed(in.Name, ""), Locale: changed(in.Locale, "en"), TimeZone: changed(in.TimeZone, "UTC"), Role: changed(in.Role, phone.RoleOwner),
	}
}

// changed is nil for what was left out, and the default for null.
func changed[T any](o graphql.Omittable[*T], def T) *T {
	v, set := o.ValueOK()
	if set && v == nil {
		return &def
	}
	return v
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

func changeSettings(s *phone.Settings, in generated.UpdateNumberInput) {
	def := phone.DefaultSettings()
	set(&s.Label, in.Label, def.Label)
	set(&s.ForwardingEnabled, in.ForwardingEnabled, def.ForwardingEnabled)
	setList(&s.ForwardTo, in.ForwardTo)
	set(&s.RingSeconds, in.RingSeconds, def.RingSeconds)
	set(&s.CallerID, in.CallerID, def.CallerID)
	set(&s.Screening, in.Screening, def.Screening)
	set(&s.VoicemailEnabled, in.VoicemailEnabled, def.VoicemailEnabled)
	setNullable(&s.Greeting, in.Greeting)
	set(&s.Language, in.Language, def.Language)
	set(&s.MaxSeconds, in.MaxVoicemailSeconds, def.MaxSeconds)
	set(&s.SilenceSeconds, in.SilenceSeconds, def.SilenceSeconds)
	set(&s.ScreenSeconds, in.ScreenSeconds, def.ScreenSeconds)
	set(&s.MaxCallMinutes, in.MaxCallMinutes, def.MaxCallMinutes)
	set(&s.MailMissedCalls, in.MailMissedCalls, def.MailMissedCalls)
	set(&s.FinishOnKey, in.FinishOnKey, def.FinishOnKey)
	set(&s.Transcribe, in.Transcribe, def.Transcribe)
	setList(&s.NotifyEmails, in.NotifyEmails)
	setNullable(&s.KeepVoicemailsDays, in.KeepVoicemailsDays)
}

func set[T any](to *T, o graphql.Omittable[*T], def T) {
	if v := changed(o, def); v != nil {
		*to = *v
	}
}

// setList replaces the list; null empties it.
func setList[T any](to *[]T, o graphql.Omittable[[]T]) {
	if v, isSet := o.ValueOK(); isSet {
		*to = append([]T{}, v...)
	}
}

func setNullable[T any](to **T, o graphql.Omittable[*T]) {
	if v, isSet := o.ValueOK(); isSet {
		*to = v
	}
}
