package graph

import (
	"context"

	"entgo.io/contrib/entgql"
	"entgo.io/ent/dialect/sql"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/blockedcaller"
	"github.com/maskline/maskline/ent/numbersubscription"
	"github.com/maskline/maskline/ent/token"
	"github.com/maskline/maskline/ent/voicemail"
	"github.com/maskline/maskline/phone"
)

// What objects have besides lists with pages. It too is read for all objects of a level at once.

// activeSubscription is the one of a number that is active; there is one at most.
func (r *Resolver) activeSubscription(ctx context.Context, n *ent.MaskedNumber) (*ent.NumberSubscription, error) {
	l := list{by: "started_at", direction: newestFirst}
	q := r.DB.NumberSubscription.Query().Where(numbersubscription.Active(true))
	return below(ctx, aboveNumber(n), firsts(q, l, numberOfSubscription))
}

// firstVoicemail is the first one that was recorded of a call.
func (r *Resolver) firstVoicemail(ctx context.Context, c *ent.Call) (*ent.Voicemail, error) {
	l := list{by: "received_at", direction: entgql.OrderDirectionAsc}
	return below(ctx, above{c, c.ID}, firsts(r.DB.Voicemail.Query(), l, callOfVoicemail))
}

// firsts reads the first row of each parent, with what is selected of it in the field that is being resolved.
func firsts[Q rows[Q, W, S, N], W ~func(*sql.Selector), S any, N row](q Q, l list, parent *parent[N]) func(context.Context, []string) (map[string]N, error) {
	return func(ctx context.Context, ids []string) (map[string]N, error) {
		q, err := q.CollectFields(collecting(ctx))
		if err != nil {
			return nil, err
		}
		first := func(s *sql.Selector) { withColumn(s, l.by); l.sort(s, l.direction); s.Limit(1) }
		found, err := readEach(ctx, q, first, parent, ids)
		firsts := map[string]N{}
		for id, rows := range found {
			firsts[id] = rows[0]
		}
		return firsts, err
	}
}

// unheardVoicemails counts those of a number that are not marked as heard.
func (r *Resolver) unheardVoicemails(ctx context.Context, n *ent.MaskedNumber) (int, error) {
	return below(ctx, aboveNumber(n), func(ctx context.Context, ids []string) (map[string]int, error) {
		return countEach(ctx, r.DB.Voicemail.Query().Where(voicemail.HeardAtIsNil()), numberOfVoicemail, ids)
	})
}

// tokens are those of a user that are valid, newest first.
func (r *Resolver) tokens(ctx context.Context, u *ent.User) ([]*ent.Token, error) {
	valid := token.And(token.RevokedAtIsNil(), token.Or(token.ExpiresAtIsNil(), token.ExpiresAtGT(r.Now())))
	tokens, err := below(ctx, above{u, u.ID}, func(ctx context.Context, ids []string) (map[string][]*ent.Token, error) {
		rows, err := r.DB.Token.Query().Where(valid, token.OwnerIDIn(ids...)).Order(ent.Desc(token.FieldCreatedAt, token.FieldID)).All(ctx)
		return grouped(rows, func(t *ent.Token) (string, *ent.Token) { return t.OwnerID, t }), err
	})
	return append([]*ent.Token{}, tokens...), err
}

// blockedCallers are those whom a user has blocked.
func (r *Resolver) blockedCallers(ctx context.Context, u *ent.User) ([]phone.Number, error) {
	callers, err := below(ctx, above{u, u.ID}, func(ctx context.Context, ids []string) (map[string][]phone.Number, error) {
		rows, err := r.DB.BlockedCaller.Query().Where(blockedcaller.OwnerIDIn(ids...)).Order(ent.Asc(blockedcaller.FieldCaller)).All(ctx)
		return grouped(rows, func(b *ent.BlockedCaller) (string, phone.Number) { return b.OwnerID, b.Caller }), err
	})
	return append([]phone.Number{}, callers...), err
}

// grouped are values by whose they are.
func grouped[N, T any](rows []N, of func(N) (string, T)) map[string][]T {
	groups := map[string][]T{}
	for _, row := range rows {
		id, value := of(row)
		groups[id] = append(groups[id], value)
	}
	return groups
}
