package mail

import (
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"time"
	_ "time/tzdata" // owners live in time zones that the machine may not know
)

// Voicemail is what a mail tells of one. All but the times may be a stranger's text.
type Voicemail struct {
	From              string // E.164, or "anonymous"
	Number, Label     string // of the masked number that was called; the label may be empty
	ReceivedAt        time.Time
	Duration          time.Duration
	Transcript        string
	TranscriptMissing string // why there is no transcript; empty: nothing is said of it
	Link              string // where it can be heard; empty: no link
	AudioAttached     bool
	AudioTooLarge     bool   // for the mail server
	AudioMissing      string // why there is no audio
	Unsubscribe       string // where the recipient can unsubscribe; empty: no link
	More              int    // so many other mails were held back
	Locale, TimeZone  string // the owner's; what is unknown becomes English and UTC
}

// MissedCall is what a mail tells of a call that was not connected and left no message.
type MissedCall struct {
	From             string // E.164, or "anonymous"
	Number, Label    string
	At               time.Time
	Unsubscribe      string
	More             int
	Locale, TimeZone string
}

// anonymous is how a caller is called who is not known.
const anonymous = "anonymous"

// page is a mail in the making, with all texts cleaned.
type page struct {
	Language, Subject, Heading, Reason string

	Say         phrases
	Facts       []fact
	Transcript  string
	Link        string
	Notes       []string
	Unsubscribe string
}

type fact struct{ Name, Value string }

// Compose writes the mail of a voicemail in its owner's language. It never fails: a mail in English and UTC is better than none.
func Compose(v Voicemail) (subject, text, html string) {
	p := compose(v)
	return p.Subject, p.text(), p.html()
}

func compose(v Voicemail) page {
	language, say := speak(v.Locale)
	caller, number, name := say.parties(v.From, v.Number, v.Label)
	return page{
		Language: language, Say: say,
		Subject: headerText(fmt.Sprintf(say.Subject, caller, name)), Heading: say.Heading, Reason: say.Reason,
		Facts: []fact{
			{say.Caller, caller},
			{say.Number, number},
			{say.Received, v.ReceivedAt.In(zone(v.TimeZone)).Format(say.Clock)},
			{say.Length, minutes(v.Duration)},
		},
		Transcript:  bodyText(v.Transcript),
		Link:        safeLink(v.Link),
		Notes:       append(v.notes(say), say.more(v.More)...),
		Unsubscribe: safeLink(v.Unsubscribe),
	}
}

// ComposeMissed writes the mail of a missed call. It never fails.
func ComposeMissed(c MissedCall) (subject, text, html string) {
	language, say := speak(c.Locale)
	caller, number, name := say.parties(c.From, c.Number, c.Label)
	p := page{
		Language: language, Say: say,
		Subject: headerText(fmt.Sprintf(say.MissedSubject, caller, name)), Heading: say.MissedHeading, Reason: say.MissedReason,
		Facts:       []fact{{say.Caller, caller}, {say.Number, number}, {say.Called, c.At.In(zone(c.TimeZone)).Format(say.Clock)}},
		Notes:       say.more(c.More),
		Unsubscribe: safeLink(c.Unsubscribe),
	}
	return p.Subject, p.text(), p.html()
}

// parties names who called, the number that was called, and the number in short.
func (say phrases) parties(from, number, label string) (caller, full, short string) {
	caller, full = headerText(from), headerText(number)
	if caller == "" || caller == anonymous {
		caller = say.Withheld
	}
	if label = headerText(label); label != "" {
		return caller, label + " (" + full + ")", label
	}
	return caller, full, full
}

func (say phrases) more(n int) []string {
	if n <= 0 {
		return nil
	}
	return []string{fmt.Sprintf(say.More, n)}
}

func (v Voicemail) notes(say phrases) (notes []string) {
	if missing := headerText(v.TranscriptMissing); missing != "" && bodyText(v.Transcript) == "" {
		notes = append(notes, say.NoTranscript+say.Colon+missing)
	}
	if missing := headerText(v.AudioMissing); missing != "" {
		notes = append(notes, say.NoAudio+say.Colon+missing)
	}
	if v.AudioTooLarge {
		notes = append(notes, say.TooLarge)
	}
	if v.AudioAttached {
		notes = append(notes, say.Attached)
	}
	return notes
}

func (p page) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", p.Heading)
	for _, f := range p.Facts {
		fmt.Fprintf(&b, "%s%s%s\n", f.Name, p.Say.Colon, f.Value)
	}
	if p.Transcript != "" {
		// Indented, so that a caller cannot dictate lines that look like ours.
		fmt.Fprintf(&b, "\n%s\n\n    %s\n", p.Say.Transcript, strings.ReplaceAll(p.Transcript, "\n", "\n    "))
	}
	if p.Link != "" {
		fmt.Fprintf(&b, "\n%s%s%s\n", p.Say.Listen, p.Say.Colon, p.Link)
	}
	for _, note := range p.Notes {
		fmt.Fprintf(&b, "\n%s\n", note)
	}
	fmt.Fprintf(&b, "\n-- \n%s\n", p.Reason)
	if p.Unsubscribe != "" {
		fmt.Fprintf(&b, "%s%s%s\n", p.Say.Unsubscribe, p.Say.Colon, p.Unsubscribe)
	}
	return b.String()
}

func (p page) html() string {
	var b strings.Builder
	if err := layout.Execute(&b, p); err != nil {
		panic(err) // a builder takes all, so that the template itself would be wrong
	}
	return b.String()
}

// safeLink keeps what is an address of the web only, since a mail reader makes a link of it.
func safeLink(link string) string {
	u, err := url.Parse(link)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return u.String()
}

func zone(name string) *time.Location {
	if name == "Local" {
		return time.UTC
	}
	place, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return place
}

func minutes(d time.Duration) string {
	seconds := int64(max(d, 0).Round(time.Second) / time.Second)
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}

// layout needs nothing from anywhere, and asks the reader not to make links of what callers say.
var layout = template.Must(template.New("voicemail").Parse(`<!DOCTYPE html>
<html lang="{{.Language}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="format-detection" content="telephone=no, date=no, address=no, email=no, url=no">
<title>{{.Subject}}</title>
</head>
<body style="margin:0; padding:24px 12px; background:#f3f4f6; color:#1f2937; font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif; font-size:16px; line-height:1.5">
<table role="presentation" align="center" width="100%" cellspacing="0" cellpadding="0" style="max-width:560px; margin:0 auto; background:#ffffff; border:1px solid #e5e7eb; border-radius:8px">
<tr><td style="padding:24px">
<h1 style="margin:0 0 16px; font-size:20px">{{.Heading}}</h1>
<table role="presentation" cellspacing="0" cellpadding="0">
{{- range .Facts}}
<tr><td style="padding:2px 16px 2px 0; color:#6b7280; vertical-align:top">{{.Name}}</td><td style="padding:2px 0"><bdi>{{.Value}}</bdi></td></tr>
{{- end}}
</table>
{{- with .Transcript}}
<h2 style="margin:24px 0 8px; font-size:16px">{{$.Say.Transcript}}</h2>
<div dir="auto" style="padding:12px 16px; background:#f9fafb; border-left:3px solid #9ca3af; white-space:pre-wrap; overflow-wrap:anywhere">{{.}}</div>
{{- end}}
{{- with .Link}}
<p style="margin:24px 0"><a href="{{.}}" style="display:inline-block; padding:10px 18px; background:#1d4ed8; color:#ffffff; text-decoration:none; border-radius:6px">{{$.Say.Listen}}</a></p>
{{- end}}
{{- range .Notes}}
<p style="margin:16px 0 0; color:#4b5563"><bdi>{{.}}</bdi></p>
{{- end}}
<p style="margin:24px 0 0; padding-top:12px; border-top:1px solid #e5e7eb; color:#6b7280; font-size:13px">{{.Reason}}{{with .Unsubscribe}}<br><a href="{{.}}" style="color:#6b7280">{{$.Say.Unsubscribe}}</a>{{end}}</p>
</td></tr>
</table>
</body>
</html>
`))
