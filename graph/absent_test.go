package graph_test

import "testing"

// A variable without a value, in a field of an input object, leaves the field out.
func TestALeftOutVariableLeavesItsFieldOut(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		const settings = "{ label greeting keepVoicemailsDays ringSeconds notifyEmails forwardTo }"
		w.ask(a.token, `mutation($id: ID!) { updateNumber(id: $id, input: {label: "Desk", greeting: "Hello", keepVoicemailsDays: 30, ringSeconds: 20,
			notifyEmails: ["a@example.com"]}) { id } }`, vars{"id": a.number}, "updateNumber.id")
		const update = `mutation($id: ID!, $label: String, $greeting: String, $days: Int = 40, $ring: Int, $to: [PhoneNumber!], $mails: [String!]) `
		const input = `(id: $id, input: {label: $label, greeting: $greeting, keepVoicemailsDays: $days, ringSeconds: $ring, forwardTo: $to, notifyEmails: $mails}) `
		for _, query := range []string{
			update + `{ updateNumber` + input + settings + ` }`,
			update + `{ ... { updateNumber` + input + settings + ` } }`,
			update + `{ ...f } fragment f on Mutation { updateNumber` + input + settings + ` }`,
		} {
			got := w.ask(a.token, query, vars{"id": a.number, "label": "Home"}, "updateNumber.label", "updateNumber.greeting", "updateNumber.keepVoicemailsDays",
				"updateNumber.ringSeconds", "updateNumber.notifyEmails.0")
			for i, want := range []string{"Home", "Hello", "40", "20", "a@example.com"} {
				if got[i] != want {
					t.Errorf("%s: got %v, want %s at place %d", query, got, want, i)
				}
			}
			again := w.ask(a.token, query, vars{"id": a.number, "greeting": nil}, "updateNumber.label", "updateNumber.greeting") // the same document
			if again[0] != "Home" || again[1] != "null" {
				t.Errorf("%s: got %v, want the label kept and the greeting null", query, again)
			}
			w.ask(a.token, query, vars{"id": a.number, "greeting": "Hello"}, "updateNumber.greeting")
		}
		ordered := w.ask(a.token, `query($d: OrderDirection) { numbers(orderBy: {field: LABEL, direction: $d}) { totalCount } }`, nil, "numbers.totalCount")
		if ordered[0] != "1" {
			t.Errorf("got %v numbers without a direction, want 1", ordered)
		}
	})
}
