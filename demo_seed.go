package main

import (
	"context"
	"fmt"
	"maps"

	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/script"
	"github.com/maskline/maskline/phone"
)

// Who owns all numbers.
const (
	oliviasEmail = "olivia@example.com"
	tokenName    = "demo"
)

// seed sees to it that Olivia, the plans and her numbers are there and as the script needs them, through the API that everybody uses. What
// an earlier demo left stays.
func (d *demo) seed(ctx context.Context) error {
	admin := client{d.home, d.PublicURL, string(d.AdminToken)}
	olivia, err := admin.olivia(ctx)
	if err != nil {
		return err
	}
	for _, n := range d.script.Numbers {
		if err := admin.number(ctx, n, olivia); err != nil {
			return fmt.Errorf("the number %s: %w", n.PhoneNumber, err)
		}
		d.net.AddNumber(network.Number{
			PhoneNumber: n.PhoneNumber, FriendlyName: n.Label(), VoiceURL: d.PublicURL + "/webhooks/voice", VoiceFallbackURL: d.PublicURL + "/webhooks/voice/fallback",
			StatusCallback: d.PublicURL + "/webhooks/status", SMSURL: d.PublicURL + "/webhooks/messages",
		})
	}
	token, err := admin.freshToken(ctx, olivia)
	d.olivia = client{d.home, d.PublicURL, token}
	return err
}

// one is how GraphQL lists something of which there is one at most.
type one struct {
	Edges []struct{ Node struct{ ID string } }
}

// olivia is the id of her user. She is an administrator, so that her token opens all of the playground.
func (c client) olivia(ctx context.Context) (string, error) {
	var found struct{ Users one }
	if err := c.ask(ctx, `query($e: String!) { users(first: 1, where: {email: $e}) { edges { node { id } } } }`, map[string]any{"e": oliviasEmail}, &found); err != nil {
		return "", err
	}
	if len(found.Users.Edges) > 0 {
		return found.Users.Edges[0].Node.ID, nil
	}
	var made struct{ CreateUser struct{ ID string } }
	err := c.ask(ctx, `mutation($e: String!) { createUser(input: {email: $e, name: "Olivia", role: ADMIN}) { id } }`, map[string]any{"e": oliviasEmail}, &made)
	return made.CreateUser.ID, err
}

// nameOf says what a plan allows; a plan is found by it.
func nameOf(p script.Plan) string {
	if p.Calls == nil {
		return "As much as you like"
	}
	return fmt.Sprintf("A month of calls: %d, voicemails: %d", *p.Calls, *p.Voicemails)
}

// plan is the id of a plan.
func (c client) plan(ctx context.Context, p script.Plan) (string, error) {
	var found struct {
		Plans struct {
			Edges []struct{ Node struct{ ID, Name string } }
		}
	}
	if err := c.ask(ctx, `{ plans(first: 100) { edges { node { id name } } } }`, nil, &found); err != nil {
		return "", err
	}
	for _, e := range found.Plans.Edges {
		if e.Node.Name == nameOf(p) {
			return e.Node.ID, nil
		}
	}
	kind := phone.PlanPackage
	if p.Calls == nil {
		kind = phone.PlanUnlimited
	}
	var made struct{ CreatePlan struct{ ID string } }
	err := c.ask(ctx, `mutation($n: String!, $t: PlanType!, $c: Int, $v: Int) { createPlan(input: {name: $n, type: $t, callsLimit: $c, voicemailsLimit: $v, period: MONTH}) { id } }`,
		map[string]any{"n": nameOf(p), "t": kind, "c": p.Calls, "v": p.Voicemails}, &made)
	return made.CreatePlan.ID, err
}

// number makes a masked number of Olivia's, or sets it back to how the script needs it, and subscribes it anew.
func (c client) number(ctx context.Context, n script.Number, owner string) error {
	id, err := c.maskedNumber(ctx, n.PhoneNumber, owner)
	if err != nil {
		return err
	}
	input := defaults()
	maps.Copy(input, n.Set)
	update := `mutation($id: ID!, $input: UpdateNumberInput!) { updateNumber(id: $id, input: $input) { id } }`
	if err := c.ask(ctx, update, map[string]any{"id": id, "input": input}, &struct{}{}); err != nil || n.Plan.None {
		return err
	}
	plan, err := c.plan(ctx, n.Plan)
	if err != nil {
		return err
	}
	return c.ask(ctx, `mutation($id: ID!, $plan: ID!) { subscribeNumber(numberID: $id, planID: $plan) { id } }`, map[string]any{"id": id, "plan": plan}, &struct{}{})
}

// defaults returns every setting of a new number, so that a number of an earlier demo goes back to them.
func defaults() map[string]any {
	s := phone.DefaultSettings()
	return map[string]any{
		"label": s.Label, "forwardingEnabled": s.ForwardingEnabled, "forwardTo": s.ForwardTo, "ringSeconds": s.RingSeconds,
		"callerID": s.CallerID, "screening": s.Screening, "voicemailEnabled": s.VoicemailEnabled, "greeting": s.Greeting,
		"language": s.Language, "maxVoicemailSeconds": s.MaxSeconds, "silenceSeconds": s.SilenceSeconds,
		"screenSeconds": s.ScreenSeconds, "maxCallMinutes": s.MaxCallMinutes, "mailMissedCalls": s.MailMissedCalls,
		"finishOnKey": s.FinishOnKey, "transcribe": s.Transcribe, "notifyEmails": s.NotifyEmails,
		"keepVoicemailsDays": s.KeepVoicemailsDays,
	}
}

// maskedNumber is the id of a number, which is made if it is not there.
func (c client) maskedNumber(ctx context.Context, number, owner string) (string, error) {
	var found struct{ Numbers one }
	err := c.ask(ctx, `query($n: PhoneNumber!) { numbers(first: 1, where: {phoneNumber: $n, state: ACTIVE}) { edges { node { id } } } }`, map[string]any{"n": number}, &found)
	if err != nil {
		return "", err
	}
	if len(found.Numbers.Edges) > 0 {
		return found.Numbers.Edges[0].Node.ID, nil
	}
	var made struct{ CreateNumber struct{ ID string } }
	err = c.ask(ctx, `mutation($n: PhoneNumber!, $o: ID!) { createNumber(input: {phoneNumber: $n, ownerID: $o}) { id } }`, map[string]any{"n": number, "o": owner}, &made)
	return made.CreateNumber.ID, err
}

// freshToken revokes what earlier demos printed and makes a new token.
func (c client) freshToken(ctx context.Context, user string) (string, error) {
	var found struct {
		Node struct {
			Tokens []struct{ ID, Name string }
		}
	}
	if err := c.ask(ctx, `query($id: ID!) { node(id: $id) { ... on User { tokens { id name } } } }`, map[string]any{"id": user}, &found); err != nil {
		return "", err
	}
	for _, t := range found.Node.Tokens {
		if t.Name != tokenName {
			continue
		}
		if err := c.ask(ctx, `mutation($id: ID!) { revokeToken(id: $id) }`, map[string]any{"id": t.ID}, &struct{}{}); err != nil {
			return "", err
		}
	}
	var made struct{ CreateToken struct{ Token string } }
	err := c.ask(ctx, `mutation($id: ID!, $n: String!) { createToken(userID: $id, name: $n) { token } }`, map[string]any{"id": user, "n": tokenName}, &made)
	return made.CreateToken.Token, err
}
