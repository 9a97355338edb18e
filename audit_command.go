package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/auditentry"
	"github.com/maskline/maskline/ent/user"
)

type auditCmd struct {
	User  string        `placeholder:"EMAIL" help:"Only what this user did, and what was done to what is this user's."`
	Since time.Duration `default:"24h" help:"From so long ago on."`
}

// Run prints the audit, newest last.
func (c *auditCmd) Run(s *Settings, to *streams) error {
	return onDatabase(s, to, func(ctx context.Context, a *app) error {
		q := a.db.Client().AuditEntry.Query().Where(auditentry.AtGTE(a.now().Add(-c.Since)))
		if c.User != "" {
			id, err := a.desk.UserByEmail(ctx, c.User)
			if ent.IsNotFound(err) {
				return fmt.Errorf("there is no user %s", c.User)
			}
			if err != nil {
				return err
			}
			q.Where(auditentry.Or(auditentry.ActorID(id), auditentry.OwnerID(id)))
		}
		return printAudit(ctx, a, q, to.out)
	})
}

const auditPage = 1000

// printAudit reads in pages: there may be more than fits in memory.
func printAudit(ctx context.Context, a *app, q *ent.AuditEntryQuery, w io.Writer) error {
	emails := map[string]string{}
	q.Order(ent.Asc(auditentry.FieldAt, auditentry.FieldID)).Limit(auditPage)
	for page := q.Clone(); ; {
		entries, err := page.All(ctx)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := printEntry(ctx, a, emails, e, w); err != nil {
				return err
			}
		}
		if len(entries) < auditPage {
			return nil
		}
		last := entries[len(entries)-1]
		page = q.Clone().Where(auditentry.Or(auditentry.AtGT(last.At), auditentry.And(auditentry.At(last.At), auditentry.IDGT(last.ID))))
	}
}

func printEntry(ctx context.Context, a *app, emails map[string]string, e *ent.AuditEntry, w io.Writer) error {
	actor, err := emailOf(ctx, a, emails, e.ActorID)
	if err != nil {
		return err
	}
	owner, err := emailOf(ctx, a, emails, e.OwnerID)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\tof %s\t%s\n", e.At.UTC().Format(time.RFC3339), actor, orDash(e.TokenID), e.Action, orDash(e.Subject), owner, orDash(e.Detail))
	return err
}

// emailOf is a user's address, or the id of one who is not there any more.
func emailOf(ctx context.Context, a *app, emails map[string]string, id string) (string, error) {
	if known, ok := emails[id]; ok || id == "" {
		return orDash(known), nil
	}
	u, err := a.db.Client().User.Query().Where(user.ID(id)).Only(ctx)
	switch {
	case ent.IsNotFound(err):
		emails[id] = id
	case err != nil:
		return "", err
	default:
		emails[id] = u.Email
	}
	return emails[id], nil
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
