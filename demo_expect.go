package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/script"
)

// played is a call that is over, and what came of it.
type played struct {
	script.Call
	call   *network.Call
	result result
}

// judge compares what was expected with what came, and says of each line where they differ.
func (d *demo) judge(ctx context.Context, all []played) error {
	var unmet []string
	for _, e := range d.scene.Expect {
		mine := slices.DeleteFunc(slices.Clone(all), func(p played) bool { return e.From != "" && p.From != e.From })
		got, ok, err := d.look(ctx, e, mine)
		if err != nil {
			return err
		}
		if !ok {
			unmet = append(unmet, fmt.Sprintf("line %d expects %s %s, but it is %s", e.Line, e.About, quotedIfText(e.About, e.Want), got))
		}
	}
	if unmet == nil {
		return nil
	}
	return fmt.Errorf("%s is not met: %s", d.script.Name, strings.Join(unmet, "; "))
}

func quotedIfText(about, text string) string {
	if about == "transcript" || about == "heard" {
		return strconv.Quote(text)
	}
	return text
}

// look finds out what came of one expectation. What is about each call has to be so for all of them.
func (d *demo) look(ctx context.Context, e script.Expectation, all []played) (got string, ok bool, err error) {
	switch e.About {
	case "voicemails", "mails":
		got = strconv.Itoa(count(e.About, all))
		return got, got == e.Want, nil
	case "used":
		got, err = d.used(ctx, all[0].To)
		return got, got == e.Want, err
	}
	for _, p := range all {
		if got, ok = seen(e, p); !ok {
			return got, false, nil
		}
	}
	return got, true, nil
}

// seen is what came of one call.
func seen(e script.Expectation, p played) (got string, ok bool) {
	switch e.About {
	case "outcome":
		got = string(p.result.Outcome)
		return got, got == e.Want
	case "transcript":
		if p.result.Voicemail != nil {
			got = p.result.Voicemail.Transcript
		}
		return strconv.Quote(got), got == e.Want
	case "heard":
		got = strings.Join(p.call.Heard(p.From), " ")
		return strconv.Quote(got), strings.Contains(got, e.Want)
	}
	for _, event := range p.call.Story() {
		if event.Kind == network.Rang {
			return event.Text, event.Text == e.Want
		}
	}
	return "nothing, since no phone rang", false
}

func count(about string, all []played) (n int) {
	for _, p := range all {
		switch {
		case p.result.Voicemail == nil:
		case about == "voicemails":
			n++
		default:
			n += len(p.result.Voicemail.Deliveries)
		}
	}
	return n
}

// used is what a number's subscription has used.
func (d *demo) used(ctx context.Context, number string) (string, error) {
	var found struct {
		Numbers struct {
			Edges []struct {
				Node struct {
					Subscription *struct{ CallsUsed, VoicemailsUsed int }
				}
			}
		}
	}
	err := d.olivia.ask(ctx, `query($n: PhoneNumber!) { numbers(first: 1, where: {phoneNumber: $n}) { edges { node { subscription { callsUsed voicemailsUsed } } } } }`,
		map[string]any{"n": number}, &found)
	if err != nil || len(found.Numbers.Edges) == 0 || found.Numbers.Edges[0].Node.Subscription == nil {
		return "nothing, since there is no plan", err
	}
	s := found.Numbers.Edges[0].Node.Subscription
	return script.Used(s.CallsUsed, s.VoicemailsUsed), nil
}
