package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/maskline/maskline/doctor"
	"github.com/maskline/maskline/internal/mail"
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
		return c.restore(ctx, s.patient(), to.out)
	}
	return c.examine(ctx, s.patient(), to.out)
}

// patient is the installation for the doctor to look at.
func (s *Settings) patient() doctor.Patient {
	return doctor.Patient{
		PublicURL: s.PublicURL, DataDir: s.DataDir, DatabaseURL: s.DatabaseURL, RecordingsURL: s.RecordingsURL,
		Mail: mail.Config{SMTPURL: string(s.SMTPURL), From: s.MailFrom, Dir: filepath.Join(s.DataDir, "mail")},
		Twilio: doctor.Credentials{
			APIURL: s.TwilioAPIURL, AccountSID: s.TwilioAccountSID, AuthToken: string(s.TwilioAuthToken),
			APIKey: s.TwilioAPIKey, APISecret: string(s.TwilioAPISecret),
		},
	}
}

var errNotChanged = errors.New("nothing was changed")

func (c *doctorCmd) examine(ctx context.Context, p doctor.Patient, out io.Writer) error {
	report := doctor.Examine(ctx, p)
	if err := report.Print(out); err != nil {
		return err
	}
	if c.Fix && len(report.Changes) > 0 {
		if err := c.change(ctx, out, report.Changes, "set", "What was there before the first --fix is kept in "+p.BeforeFile()+".", func(tell func(doctor.Change, error)) error {
			return doctor.Fix(ctx, p, report.Changes, tell)
		}); err != nil {
			return err
		}
		report = doctor.Examine(ctx, p)
		if err := say(out, "\nLooked at again:\n\n"); err != nil {
			return err
		}
		if err := report.Print(out); err != nil {
			return err
		}
	} else if c.Fix {
		if err := say(out, "There is nothing for --fix to set.\n"); err != nil {
			return err
		}
	}
	if n := report.Count(doctor.Trouble); n > 0 {
		return fmt.Errorf("something does not work: see the %d lines with ✗", n)
	}
	return nil
}

func (c *doctorCmd) restore(ctx context.Context, p doctor.Patient, out io.Writer) error {
	changes, gone, err := doctor.Restorable(ctx, p)
	if err != nil {
		return err
	}
	for _, number := range gone {
		if err := say(out, "%s is not in the account any more: there is nothing to restore it on.\n", number); err != nil {
			return err
		}
	}
	if len(changes) == 0 {
		return say(out, "There is nothing to restore: --fix has changed nothing, or it has been restored.\n")
	}
	return c.change(ctx, out, changes, "restore", "", func(tell func(doctor.Change, error)) error {
		return doctor.Restore(ctx, p, changes, tell)
	})
}

// change shows the changes, asks, and has them made.
func (c *doctorCmd) change(ctx context.Context, out io.Writer, changes []doctor.Change, verb, note string, do func(tell func(doctor.Change, error)) error) error {
	if err := say(out, "\n%s", proposal(changes, verb, note)); err != nil {
		return err
	}
	if !c.Yes {
		if err := say(out, "Type yes to %s this at Twilio: ", verb); err != nil {
			return err
		}
		if !agreed(ctx, c.in) {
			return errors.Join(say(out, "\n"), errNotChanged)
		}
	}
	var told error
	err := do(func(done doctor.Change, err error) {
		text := fmt.Sprintf("✓ %s: %s\n", done.Number.PhoneNumber, map[string]string{"set": "set", "restore": "restored"}[verb])
		if err != nil {
			text = fmt.Sprintf("✗ %s: %v\n", done.Number.PhoneNumber, err)
		}
		told = errors.Join(told, say(out, "%s", text))
	})
	return errors.Join(err, told)
}

func proposal(changes []doctor.Change, verb, note string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "To %s at Twilio:\n", verb)
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
	b.WriteByte('\n')
	if note != "" {
		b.WriteString(note + "\n")
	}
	return b.String()
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

func say(w io.Writer, format string, args ...any) error {
	_, err := fmt.Fprintf(w, format, args...)
	return err
}
