package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/maskline/maskline/doctor"
)

// doctorCmd examines an installation; it does not need the service to run, nor minds when it does.
type doctorCmd struct {
	Fix     bool `xor:"change" help:"Set where our numbers lead at Twilio, after asking; what was there is kept for --restore."`
	Restore bool `xor:"change" help:"Bring back what was there before the first --fix, after asking."`
	Yes     bool `help:"Do not ask."`

	in io.Reader // nil: the standard input
}

// Run examines, and changes what it is told to. It fails when there is trouble left.
func (c *doctorCmd) Run(s *Settings, to *streams) error {
	ctx, stop := untilSignal()
	defer stop()
	if c.Yes && !c.Fix && !c.Restore {
		return errors.New("--yes: it belongs to --fix or --restore")
	}
	if err := s.complete(); err != nil {
		return err
	}
	if c.in == nil {
		c.in = os.Stdin
	}
	if c.Restore {
		return c.restore(ctx, s.patient(), s.discretion().writer(to.out))
	}
	return c.examine(ctx, s.patient(), s.discretion().writer(to.out))
}

// patient is the installation for the doctor to look at.
func (s *Settings) patient() doctor.Patient {
	ours, _ := s.engine() // complete has refused what is wrong
	issuer, _ := s.issuer(time.Now)
	p := doctor.Patient{
		PublicURL: s.PublicURL, DataDir: s.DataDir, DatabaseURL: s.DatabaseURL, RecordingsURL: s.RecordingsURL,
		Mail: s.mail(nil),
		Twilio: doctor.Credentials{
			APIURL: s.TwilioAPIURL, AccountSID: s.TwilioAccountSID, AuthToken: string(s.TwilioAuthToken),
			APIKey: s.TwilioAPIKey, APISecret: string(s.TwilioAPISecret),
		},
		Engine: ours, Misspelt: misspelt(os.Environ(), settingNames()),
	}
	if issuer != nil {
		p.Issuer = issuer
	}
	return p
}

var errNotChanged = errors.New("nothing was changed")

func (c *doctorCmd) examine(ctx context.Context, p doctor.Patient, out io.Writer) error {
	report := doctor.Examine(ctx, p)
	err := report.Print(out)
	if err == nil && c.Fix {
		report, err = c.fix(ctx, p, report, out)
	}
	if n := report.Count(doctor.Trouble); err == nil && n > 0 {
		return fmt.Errorf("something does not work: see what is marked ✗, %d in all", n)
	}
	return err
}

// fix sets what the report tells to, and looks again.
func (c *doctorCmd) fix(ctx context.Context, p doctor.Patient, r doctor.Report, out io.Writer) (doctor.Report, error) {
	if len(r.Changes) == 0 {
		return r, printTo(out, "There is nothing for --fix to set.\n")
	}
	err := c.change(ctx, out, r.Changes, toSet, "What was there before the first --fix is kept in "+p.BeforeFile()+".\n",
		func(tell func(doctor.Change, error)) error { return doctor.Fix(ctx, p, r.Changes, tell) })
	if err != nil {
		return r, err
	}
	r = doctor.Examine(ctx, p)
	if err := printTo(out, "\nLooked at again:\n\n"); err != nil {
		return r, err
	}
	return r, r.Print(out)
}

func (c *doctorCmd) restore(ctx context.Context, p doctor.Patient, out io.Writer) error {
	changes, gone, err := doctor.Restorable(ctx, p)
	if err != nil {
		return err
	}
	for _, number := range gone {
		if err := printTo(out, "%s is not in the account any more, so it can't be restored.\n", number); err != nil {
			return err
		}
	}
	if len(changes) == 0 && len(gone) > 0 {
		return errNotChanged
	}
	if len(changes) == 0 {
		return printTo(out, "There is nothing to restore: --fix has changed nothing, or it has been restored.\n")
	}
	return c.change(ctx, out, changes, toRestore, "",
		func(tell func(doctor.Change, error)) error { return doctor.Restore(ctx, p, changes, tell) })
}

// deed is what is done to numbers, in its forms.
type deed struct{ plain, done string }

var (
	toSet     = deed{"set", "set"}
	toRestore = deed{"restore", "restored"}
)

// change shows the changes, asks, and has them made.
func (c *doctorCmd) change(ctx context.Context, out io.Writer, changes []doctor.Change, d deed, note string, do func(tell func(doctor.Change, error)) error) error {
	if err := printTo(out, "\n%s", proposal(changes, d, note)); err != nil {
		return err
	}
	if !c.Yes {
		if err := printTo(out, "Type yes to %s this at Twilio: ", d.plain); err != nil {
			return err
		}
		if !agreed(ctx, c.in) {
			return errors.Join(printTo(out, "\n"), errNotChanged)
		}
	}
	var told error
	err := do(func(done doctor.Change, err error) {
		text := fmt.Sprintf("✓ %s: %s\n", done.Number.PhoneNumber, d.done)
		if err != nil {
			text = fmt.Sprintf("✗ %s: %v\n", done.Number.PhoneNumber, err)
		}
		told = errors.Join(told, printTo(out, "%s", text))
	})
	return errors.Join(err, told)
}

func proposal(changes []doctor.Change, d deed, note string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "To %s at Twilio:\n", d.plain)
	for _, c := range changes {
		steps := c.Steps()
		fmt.Fprintf(&b, "\n  %s\n", c.Number.PhoneNumber)
		if len(steps) == 0 {
			b.WriteString("    is as it was already\n")
		}
		for _, s := range steps {
			fmt.Fprintf(&b, "    %-18s  %s\n    %18s  → %s\n", s.Name, s.Now, "", s.To)
		}
	}
	return b.String() + "\n" + note
}

// agreed waits for a line, and takes nothing but a yes for one.
func agreed(ctx context.Context, in io.Reader) bool {
	line := make(chan string, 1)
	go func() {
		text, _ := bufio.NewReader(in).ReadString('\n') // at the end of the input nobody said yes, unless as the last word
		line <- text
	}()
	select {
	case text := <-line:
		return strings.EqualFold(strings.TrimSpace(text), "yes")
	case <-ctx.Done():
		return false
	}
}

func printTo(w io.Writer, format string, args ...any) error {
	_, err := fmt.Fprintf(w, format, args...)
	return err
}
