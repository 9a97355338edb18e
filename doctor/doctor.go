// Package doctor looks at an installation as its settings describe it, says in plain words what is wrong and how to mend it, and mends
// what can be mended from here: where our numbers lead at Twilio.
//
// It promises:
//   - [Examine] changes nothing, but for probes that it takes away again and missing folders that the start would make too; what is away
//     keeps it from examining nothing else.
//   - [Fix] touches our own numbers only, after writing down what they were; [Restore] brings back what was written down first.
//   - No password, key or token is in anything that it says.
package doctor

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/maskline/maskline/internal/mail"
)

// Patient is an installation, as its settings describe it.
type Patient struct {
	PublicURL     string // without a slash at its end
	DataDir       string
	DatabaseURL   string
	RecordingsURL string
	Mail          mail.Config
	Twilio        Credentials
	Engine        Part             // nil: Twilio transcribes, or nobody
	Issuer        Part             // of tokens beside ours; nil: nobody
	Misspelt      []string         // a sentence for each environment variable that looks like a setting and is none
	Now           func() time.Time // nil: the system's clock
}

// Part is something that knows by itself whether it works.
type Part interface {
	Check(ctx context.Context) error
}

// Credentials are what opens Twilio; any of them may be missing.
type Credentials struct {
	APIURL, AccountSID, AuthToken, APIKey, APISecret string
}

// Level is how bad a finding is.
type Level int

// The levels. With a warning calls still arrive; with a trouble something does not work that is there to work.
const (
	OK Level = iota
	Warning
	Trouble
)

// String is the level in a word.
func (l Level) String() string { return [...]string{"ok", "warning", "trouble"}[l] }

// The areas that findings are about.
const (
	areaSettings   = "settings"
	areaDatabase   = "database"
	areaMail       = "mail"
	areaRecordings = "recordings"
	areaTranscript = "transcript"
	areaSignIn     = "sign-in"
	areaTwilio     = "Twilio"
	areaClock      = "clock"
	areaNumbers    = "numbers"
)

// Finding is one thing that was looked at.
type Finding struct {
	Area        string
	Level       Level
	What        string // in plain words
	Now, Wanted string // where a number leads, when that is what is wrong
	Mend        string // what to do; empty when nothing is wrong
}

func fine(area, what string) Finding          { return Finding{Area: area, What: what} }
func warning(area, what, mend string) Finding { return Finding{area, Warning, what, "", "", mend} }
func trouble(area, what, mend string) Finding { return Finding{area, Trouble, what, "", "", mend} }

// Report is everything that was looked at.
type Report struct {
	Findings []Finding
	Changes  []Change // what [Fix] would do
}

// Count is how many findings have that level.
func (r Report) Count(l Level) (n int) {
	for _, f := range r.Findings {
		if f.Level == l {
			n++
		}
	}
	return n
}

// patience is how long each part may take to show that it is there.
const patience = 20 * time.Second

// Examine looks at everything, at the same time.
func Examine(ctx context.Context, p Patient) Report {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var database, mails, recordings, transcripts, signIn, account []Finding
	var ours inventory
	var theirs office
	var all sync.WaitGroup
	all.Go(func() { database, ours = p.examineDatabase(ctx) })
	all.Go(func() { mails = p.examineMail(ctx) })
	all.Go(func() { recordings = p.examineRecordings(ctx) })
	all.Go(func() { transcripts = p.examineEngine(ctx) })
	all.Go(func() { signIn = p.examineIssuer(ctx) })
	all.Go(func() { account, theirs = p.examineTwilio(ctx) })
	all.Wait()
	numbers, changes := p.examineNumbers(ours, theirs)
	return Report{slices.Concat([]Finding{p.examineSettings()}, p.examineMisspelt(), p.examineFolder(), database, mails, recordings, transcripts, signIn, account, numbers), changes}
}

func (p Patient) now() time.Time {
	if p.Now == nil {
		return time.Now()
	}
	return p.Now()
}
