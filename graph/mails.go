package graph

import (
	"context"
	"net/http"

	"entgo.io/ent/dialect/sql"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/mailrecipient"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/internal/links"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/web"
)

// shownFailure is what the viewer sees of a stored failure: administrators the whole, owners a sentence.
func shownFailure(ctx context.Context, kept *string) *string {
	if kept == nil {
		return nil
	}
	v, _ := viewer.From(ctx)
	shown := phone.ShowFailure(*kept, v.SeesAll())
	return &shown
}

const maxLeftOut = 100

// leftOutEmails are the addresses that get no mails of a number.
func (r *Resolver) leftOutEmails(ctx context.Context, n *ent.MaskedNumber) ([]*phone.LeftOutEmail, error) {
	all, err := below(ctx, aboveNumber(n), func(ctx context.Context, ids []string) (map[string][]*phone.LeftOutEmail, error) {
		// The numbers are the viewer's. Their recipients are the system's own rows.
		rows, err := r.DB.MailRecipient.Query().
			Where(mailrecipient.NumberIDIn(ids...), mailrecipient.Or(mailrecipient.LeftOutAtNotNil(), mailrecipient.UnsubscribedAtNotNil())).
			Order(latestLeftOut, ent.Asc(mailrecipient.FieldID)).All(viewer.System(ctx))
		return grouped(rows, leftOut), err
	})
	return append([]*phone.LeftOutEmail{}, all[:min(len(all), maxLeftOut)]...), err
}

func latestLeftOut(s *sql.Selector) {
	s.OrderExpr(sql.Expr("COALESCE(unsubscribed_at, left_out_at) DESC"))
}

func leftOut(m *ent.MailRecipient) (numberID string, e *phone.LeftOutEmail) {
	reason, since := phone.LeftOut(m.Refusals, m.LeftOutAt, m.UnsubscribedAt)
	return m.NumberID, &phone.LeftOutEmail{Address: m.Address, Reason: reason, Since: since}
}

const maxUnsubscribeBody = 4 << 10

// unsubscribePage shows what the link in a mail takes its recipient off. A GET changes nothing: programs follow links too.
func (a Audio) unsubscribePage(w http.ResponseWriter, r *http.Request) { a.unsubscribing(w, r, nil) }

// unsubscribe takes the recipient of a mail off the number with one POST (RFC 8058), or back on.
func (a Audio) unsubscribe(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxUnsubscribeBody)
	change := a.Desk.Unsubscribe
	if r.PostFormValue("again") != "" {
		change = a.Desk.Resubscribe
	}
	a.unsubscribing(w, r, change)
}

func (a Audio) unsubscribing(w http.ResponseWriter, r *http.Request, change func(context.Context, string) error) {
	id := r.PathValue("id")
	switch a.Links.Check(links.Unsubscribe, id, r.URL.Query(), a.Now()) {
	case links.Valid:
	case links.Unchecked:
		web.WriteUnsubscribe(w, http.StatusServiceUnavailable, web.UnsubscribePage{State: web.UnsubscribeFailed})
		return
	default:
		web.WriteUnsubscribe(w, http.StatusNotFound, web.UnsubscribePage{State: web.UnsubscribeNotFound})
		return
	}
	ctx := viewer.With(r.Context(), viewer.Viewer{Role: phone.RoleAdmin}) // whoever has the mail
	var err error
	if change != nil {
		err = change(ctx, id)
	}
	var p web.UnsubscribePage
	if err == nil {
		p, err = a.subscription(ctx, id)
	}
	switch {
	case phone.CodeOf(err) == phone.NotFound && err != nil:
		web.WriteUnsubscribe(w, http.StatusNotFound, web.UnsubscribePage{State: web.UnsubscribeNotFound})
	case err != nil:
		a.Log.ErrorContext(ctx, "unsubscribe", "recipient", id, "error", err)
		web.WriteUnsubscribe(w, http.StatusServiceUnavailable, web.UnsubscribePage{State: web.UnsubscribeFailed})
	default:
		web.WriteUnsubscribe(w, http.StatusOK, p)
	}
}

func (a Audio) subscription(ctx context.Context, id string) (web.UnsubscribePage, error) {
	s, err := a.Desk.Recipient(ctx, id)
	p := web.UnsubscribePage{Address: s.Address, Number: s.Number, Label: s.Label, State: web.UnsubscribeAsk}
	if s.Unsubscribed {
		p.State = web.UnsubscribeDone
	}
	return p, err
}
