package graph_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/phone"
)

// statements is what the database is asked for an operation beside the token.
func (w *world) statements(token, query string, v vars) []string {
	w.t.Helper()
	body, err := json.Marshal(vars{"query": query, "variables": v})
	check(w.t, err)
	r := request(w.t, http.MethodPost, "/graphql", strings.NewReader(string(body)), "Authorization", "Bearer "+token, "Content-Type", "application/json")
	ctx, counter := database.Count(r.Context())
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r.WithContext(ctx))
	if got := parse(w.t, answer.Code, answer.Header(), answer.Body.Bytes()); got.Status != http.StatusOK || len(got.Errors) > 0 {
		w.t.Fatalf("got %d %s", got.Status, got.Body)
	}
	const theToken = 2 // it and its owner
	return counter.Statements()[theToken:]
}

func TestEachQueryAsksTheDatabaseAsLittleAsItMust(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		vm := w.voicemails(a, 25)[0]
		w.write(func(tx *ent.Client) error {
			for i := range 25 {
				n := phone.Number(fmt.Sprintf("+1666%07d", i))
				tx.MaskedNumber.Create().SetOwnerID(a.user).SetPhoneNumber(n).SetForwardTo([]phone.Number{}).SetNotifyEmails([]string{}).SaveX(w.ctx)
			}
			return nil
		})
		w.ask(a.token, deleteThem, vars{"ids": w.voicemails(a, 25)})
		w.ask(a.token, `{ viewer { id } }`, nil) // notes the use of the token
		const info = ` pageInfo { hasNextPage hasPreviousPage startCursor endCursor }`
		for _, c := range []struct {
			query  string
			want   int
			counts int
		}{
			{`{ viewer { email } }`, 1, 0},
			{`{ numbers(first: 20) { edges { node { label } } } }`, 1, 0},
			{`{ numbers(first: 20) { edges { node { label state owner { email } } } } }`, 2, 0},
			{`{ numbers(first: 20) { edges { cursor node { label } }` + info + ` } }`, 1, 0},
			{`{ numbers(first: 20) { edges { node { label } } totalCount } }`, 2, 1},
			{`{ numbers(first: 20) { totalCount } }`, 1, 1},
			{`{ voicemails(first: 20) { edges { cursor node { from } }` + info + ` } }`, 1, 0},
			{`{ voicemails(first: 20) {` + info + ` } }`, 1, 0},
			{`{ voicemails(first: 20) { edges { node { from number { label owner { name } } call { outcome } deliveries { state } } }` + info + ` } }`, 5, 0},
			{`{ voicemails(first: 20) { edges { node { a: number { label } b: number { state owner { name } } } } } }`, 3, 0},
			{`{ voicemails(first: 20, where: {from: "nobody"}) { edges { cursor }` + info + ` } }`, 3, 0}, // the list, the present place, the list again
			{`{ voicemails(first: 20) { followCursor edges { cursor node { from } }` + info + ` } }`, 1, 0},
			{`{ voicemails(first: 20, where: {from: "nobody"}) { followCursor edges { cursor } } }`, 3, 0},
			{`{ voicemails { followCursor } }`, 1, 0},
			{`{ deletedVoicemails(first: 20) { followCursor edges { cursor node { from audioURL deliveries { state } } } totalCount } }`, 3, 1},
			{`query($v: ID!) { node(id: $v) { id ... on Voicemail { from } } }`, 1, 0},
			{`query($v: ID!) { node(id: $v) { ... on Voicemail { number { label } call { outcome } } } }`, 3, 0},
			{`query($v: ID!, $n: ID!, $u: ID!) { nodes(ids: [$v, $n, $u, $v]) { id } }`, 3, 0},
		} {
			used := map[string]any{}
			for name, id := range map[string]string{"v": vm, "n": a.number, "u": a.user} {
				if strings.Contains(c.query, "$"+name+":") {
					used[name] = id
				}
			}
			got := w.statements(a.token, c.query, used)
			counts := 0
			for _, s := range got {
				if strings.Contains(s, "COUNT(") {
					counts++
				}
			}
			if len(got) != c.want || counts != c.counts {
				t.Errorf("%s\ngot %d statements, %d of them counts; want %d and %d:\n%s", c.query, len(got), counts, c.want, c.counts, strings.Join(got, "\n"))
			}
		}
	})
}

func TestChangingManyVoicemailsCostsWhatChangingOneDoes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		a := w.tenant("ann")
		ids := w.voicemails(a, 6)
		w.statements(a.token, "{ viewer { id } }", nil) // notes that the token is used, once a minute
		for _, do := range []string{"markVoicemails(ids: $ids, heard: true) { id }", "deleteVoicemails(ids: $ids)", "restoreVoicemails(ids: $ids) { id }"} {
			mutation := "mutation($ids: [ID!]!) { " + do + " }"
			one, many := w.statements(a.token, mutation, vars{"ids": ids[:1]}), w.statements(a.token, mutation, vars{"ids": ids[1:]})
			if len(one) != len(many) {
				t.Errorf("%s: %d statements for one, %d for five:\n%s", do, len(one), len(many), strings.Join(many, "\n"))
			}
		}
	})
}
