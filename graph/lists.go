package graph

import (
	"context"
	"strings"

	"entgo.io/contrib/entgql"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/graph/scalar"
)

const (
	pageSize    = 20
	maxPageSize = 100
	countsTo    = 10_000
)

// The lists, of all rows and below an object. Each is newest first unless ordered otherwise.

const newestFirst = entgql.OrderDirectionDesc

// Where rows name what they hang from.
var (
	ownerOfNumber        = &parent[*ent.MaskedNumber]{"owner_id", func(n *ent.MaskedNumber) string { return n.OwnerID }}
	numberOfSubscription = &parent[*ent.NumberSubscription]{"number_id", func(s *ent.NumberSubscription) string { return s.NumberID }}
	numberOfCall         = &parent[*ent.Call]{"number_id", func(c *ent.Call) string { return c.NumberID }}
	numberOfVoicemail    = &parent[*ent.Voicemail]{"number_id", func(v *ent.Voicemail) string { return v.NumberID }}
	callOfVoicemail      = &parent[*ent.Voicemail]{"call_id", func(v *ent.Voicemail) string { return *v.CallID }}
)

func (r *Resolver) users(ctx context.Context, p page, o *ent.UserOrder, where *ent.UserWhereInput) (*ent.UserConnection, error) {
	where = settled(where)
	if o == nil {
		o = &ent.UserOrder{Direction: newestFirst, Field: ent.UserOrderFieldCreatedAt}
	}
	l := list{prefix: "usr_", by: columnOf(o.Field), direction: o.Direction, value: isTime}
	if l.by == columnOf(ent.UserOrderFieldEmail) {
		l.value, l.unique = isText, true
	}
	edge := func(u *ent.User) (*ent.UserEdge, *ent.Cursor) { e := u.ToEdge(o); return e, &e.Cursor }
	c, err := readPage(ctx, root, r.DB.User.Query(), l, p, where.Filter, nil, edge)
	return (*ent.UserConnection)(c), err
}

func (r *Resolver) numbers(ctx context.Context, a above, p page, o *ent.MaskedNumberOrder, where *ent.MaskedNumberWhereInput) (*ent.MaskedNumberConnection, error) {
	where = settled(where)
	if o == nil {
		o = &ent.MaskedNumberOrder{Direction: newestFirst, Field: ent.MaskedNumberOrderFieldCreatedAt}
	}
	l := list{prefix: "num_", by: columnOf(o.Field), direction: o.Direction, value: isTime}
	if l.by == columnOf(ent.MaskedNumberOrderFieldLabel) {
		l.value, l.zero = isText, ""
	}
	if a == root && where != nil {
		among, err := r.amongOwners(ctx, where.HasOwnerWith)
		if err != nil {
			return nil, err
		}
		l.among, where = narrowed(among, where, func(w *ent.MaskedNumberWhereInput) { w.HasOwnerWith = nil })
	}
	if where != nil && where.LabelContainsFold != nil {
		rest := *where
		l.search, where, rest.LabelContainsFold = search{column: "label", text: where.LabelContainsFold}, &rest, nil
	}
	edge := func(n *ent.MaskedNumber) (*ent.MaskedNumberEdge, *ent.Cursor) { e := n.ToEdge(o); return e, &e.Cursor }
	c, err := readPage(ctx, a, r.DB.MaskedNumber.Query(), l, p, where.Filter, ownerOfNumber, edge)
	return (*ent.MaskedNumberConnection)(c), err
}

func (r *Resolver) subscriptions(ctx context.Context, a above, p page, o *ent.NumberSubscriptionOrder,
	where *ent.NumberSubscriptionWhereInput) (*ent.NumberSubscriptionConnection, error) {
	where = settled(where)
	if o == nil {
		o = &ent.NumberSubscriptionOrder{Direction: newestFirst, Field: ent.NumberSubscriptionOrderFieldStartedAt}
	}
	l := list{prefix: "sub_", by: columnOf(o.Field), direction: o.Direction, value: isTime}
	edge := func(s *ent.NumberSubscription) (*ent.NumberSubscriptionEdge, *ent.Cursor) {
		e := s.ToEdge(o)
		return e, &e.Cursor
	}
	c, err := readPage(ctx, a, r.DB.NumberSubscription.Query(), l, p, where.Filter, numberOfSubscription, edge)
	return (*ent.NumberSubscriptionConnection)(c), err
}

func (r *Resolver) calls(ctx context.Context, a above, p page, o *ent.CallOrder, where *ent.CallWhereInput) (*ent.CallConnection, error) {
	where = settled(where)
	if o == nil {
		o = &ent.CallOrder{Direction: newestFirst, Field: ent.CallOrderFieldStartedAt}
	}
	l := list{prefix: "call_", by: columnOf(o.Field), direction: o.Direction, value: isTime}
	l.among, where = amongOutcomes(where)
	if a == root && where != nil && l.among == nil {
		among, err := r.amongNumbers(ctx, where.HasNumberWith)
		if err != nil {
			return nil, err
		}
		l.among, where = narrowed(among, where, func(w *ent.CallWhereInput) { w.HasNumberWith = nil })
	}
	edge := func(c *ent.Call) (*ent.CallEdge, *ent.Cursor) { e := c.ToEdge(o); return e, &e.Cursor }
	c, err := readPage(ctx, a, r.DB.Call.Query(), l, p, where.Filter, numberOfCall, edge)
	return (*ent.CallConnection)(c), err
}

// voicemails without an order of their own are in the order of appearance, whose cursors are places.
func (r *Resolver) voicemails(ctx context.Context, a above, p page, o *ent.VoicemailOrder, where *ent.VoicemailWhereInput) (*scalar.VoicemailConnection, error) {
	where = settled(where)
	l, inOrderOfAppearance := placed, o == nil
	if inOrderOfAppearance {
		o = inPlace
	} else {
		l = list{prefix: "vm_", by: columnOf(o.Field), direction: o.Direction, value: isTime}
	}
	if a == root && where != nil {
		among, err := r.amongNumbers(ctx, where.HasNumberWith)
		if err != nil {
			return nil, err
		}
		l.among, where = narrowed(among, where, func(w *ent.VoicemailWhereInput) { w.HasNumberWith = nil })
	}
	if where != nil && where.TranscriptContainsFold != nil {
		rest := *where
		l.search, where, rest.TranscriptContainsFold = search{column: "transcript", text: where.TranscriptContainsFold}, &rest, nil
	}
	edge := func(v *ent.Voicemail) (*ent.VoicemailEdge, *ent.Cursor) { e := v.ToEdge(o); return e, &e.Cursor }
	l.also = presentPlace(ctx)
	read, err := pages(r.DB.Voicemail.Query(), l, p, where.Filter, numberOfVoicemail, edge)
	if err != nil {
		return nil, err
	}
	return r.followed(read, inOrderOfAppearance).at(ctx, a)
}

// plans without an order of their own are by id: an id begins with its time, and plans carry no other.
func (r *Resolver) plans(ctx context.Context, p page, o *ent.PlanOrder, where *ent.PlanWhereInput) (*ent.PlanConnection, error) {
	where = settled(where)
	l := list{prefix: "plan_", by: "id", unique: true, direction: newestFirst, value: isNothing}
	if o == nil {
		o = &ent.PlanOrder{Direction: newestFirst, Field: ent.DefaultPlanOrder.Field}
	} else {
		l = list{prefix: "plan_", by: columnOf(o.Field), direction: o.Direction, value: isText}
	}
	edge := func(n *ent.Plan) (*ent.PlanEdge, *ent.Cursor) { e := n.ToEdge(o); return e, &e.Cursor }
	c, err := readPage(ctx, root, r.DB.Plan.Query(), l, p, where.Filter, nil, edge)
	return (*ent.PlanConnection)(c), err
}

// columnOf is the column of an order, which is named as it is but in capitals.
func columnOf(order interface{ String() string }) string { return strings.ToLower(order.String()) }
