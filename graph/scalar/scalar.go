// Package scalar says how the scalars of the schema are read and written, and holds the types that ent has not.
package scalar

import (
	"io"
	"strconv"
	"time"

	"entgo.io/contrib/entgql"
	"github.com/99designs/gqlgen/graphql"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/phone"
)

// MarshalCursor writes a place in a list.
func MarshalCursor(c entgql.Cursor[string]) graphql.Marshaler {
	return graphql.WriterFunc(c.MarshalGQL)
}

const maxCursor = 1024 // ours are shorter

// UnmarshalCursor reads a place in a list; of which list it is, the resolver checks.
func UnmarshalCursor(v any) (entgql.Cursor[string], error) {
	if c, ok := v.(ent.Cursor); ok {
		return c, nil
	}
	var c ent.Cursor
	if s, ok := v.(string); !ok || s == "" || len(s) > maxCursor {
		return c, errCursor()
	}
	if err := c.UnmarshalGQL(v); err != nil {
		return c, errCursor()
	}
	return c, nil
}

func errCursor() error {
	return phone.Bad("", "A cursor is a text that an edge, pageInfo or a push gave; this is none.")
}

// MarshalTime writes a moment as RFC 3339 in UTC.
func MarshalTime(t time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		_, _ = io.WriteString(w, strconv.Quote(t.UTC().Format(time.RFC3339Nano)))
	})
}

// UnmarshalTime reads RFC 3339. The year has four digits in UTC too, and when the database has rounded the time to microseconds.
func UnmarshalTime(v any) (time.Time, error) {
	if t, ok := v.(time.Time); ok {
		return t, nil
	}
	s, _ := v.(string)
	t, err := time.Parse(time.RFC3339Nano, s)
	if year := t.Round(time.Microsecond).UTC().Year(); err != nil || year < 1 || year > 9999 {
		return time.Time{}, phone.Bad("", "A time is written as RFC 3339, such as 2026-01-31T12:00:00Z.")
	}
	return t.UTC(), nil
}
