package main

import (
	"context"
	"fmt"

	"github.com/maskline/maskline/internal/network"
)

// Who is in the story. The numbers are those that are kept free for films and examples.
const (
	oliviasEmail = "olivia@example.com"
	oliviasPhone = "+12025550120"
	planName     = "Basic"
	tokenName    = "demo"
)

// maskedNumber is one that customers know.
type maskedNumber struct{ number, label string }

var (
	frontDesk = maskedNumber{"+12025550110", "Front desk"}
	webShop   = maskedNumber{"+12025550111", "Web shop"}
)

// seed sees to it that Olivia, a plan and her numbers are there and as the story needs them, through the API that everybody uses. What an
// earlier demo left stays.
func (d *demo) seed(ctx context.Context) error {
	admin := client{d.home, d.PublicURL, string(d.AdminToken)}
	olivia, err := admin.olivia(ctx)
	if err != nil {
		return err
	}
	plan, err := admin.plan(ctx)
	if err != nil {
		return err
	}
	for _, n := range []maskedNumber{frontDesk, webShop} {
		if err := admin.number(ctx, n, olivia, plan); err != nil {
			return err
		}
		d.net.AddNumber(network.Number{
			PhoneNumber: n.number, FriendlyName: n.label, VoiceURL: d.PublicURL + "/webhooks/voice", VoiceFallbackURL: d.PublicURL + "/webhooks/voice/fallback",
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

// plan is the id of the plan that the numbers are subscribed to.
func (c client) plan(ctx context.Context) (string, error) {
	var found struct {
		Plans struct {
			Edges []struct{ Node struct{ ID, Name string } }
		}
	}
	if err := c.ask(ctx, `{ plans(first: 100) { edges { node { id name } } } }`, nil, &found); err != nil {
		return "", err
	}
	for _, e := range found.Plans.Edges {
		if e.Node.Name == planName {
			return e.Node.ID, nil
		}
	}
	var made struct{ CreatePlan struct{ ID string } }
	err := c.ask(ctx, `mutation($n: String!) { createPlan(input: {name: $n, type: PACKAGE, callsLimit: 100, voicemailsLimit: 50, period: MONTH}) { id } }`,
		map[string]any{"n": planName}, &made)
	return made.CreatePlan.ID, err
}

// number makes a masked number of Olivia's, or sets it back to how the story needs it, and subscribes it anew.
func (c client) number(ctx context.Context, n maskedNumber, owner, plan string) error {
	var found struct{ Numbers one }
	err := c.ask(ctx, `query($n: PhoneNumber!) { numbers(first: 1, where: {phoneNumber: $n, state: ACTIVE}) { edges { node { id } } } }`, map[string]any{"n": n.number}, &found)
	if err != nil {
		return err
	}
	var id string
	if len(found.Numbers.Edges) > 0 {
		id = found.Numbers.Edges[0].Node.ID
	} else {
		var made struct{ CreateNumber struct{ ID string } }
		err := c.ask(ctx, `mutation($n: PhoneNumber!, $o: ID!) { createNumber(input: {phoneNumber: $n, ownerID: $o}) { id } }`, map[string]any{"n": n.number, "o": owner}, &made)
		if err != nil {
			return fmt.Errorf("make the number %s: %w", n.number, err)
		}
		id = made.CreateNumber.ID
	}
	return c.ask(ctx, `mutation($id: ID!, $plan: ID!, $label: String!, $phone: PhoneNumber!) {
		updateNumber(id: $id, input: {
			label: $label, forwardTo: [$phone], forwardingEnabled: null, ringSeconds: null, callerID: null, screening: null, voicemailEnabled: null,
			greeting: null, language: null, maxVoicemailSeconds: null, finishOnKey: null, transcribe: null, notifyEmails: null, keepVoicemailsDays: null
		}) { id }
		subscribeNumber(numberID: $id, planID: $plan) { id }
	}`, map[string]any{"id": id, "plan": plan, "label": n.label, "phone": oliviasPhone}, &struct{}{})
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
