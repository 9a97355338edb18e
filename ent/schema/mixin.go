// Package schema declares what Maskline remembers: fields, edges, indexes and annotations, in that order. Who may see what
// is declared here too, by mixins, so that no query can forget it.
package schema

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"time"

	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/dialect/sql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"entgo.io/ent/schema/mixin"

	"github.com/maskline/maskline/ent/hook"
	"github.com/maskline/maskline/ent/intercept"
	"github.com/maskline/maskline/ent/viewer"
)

var (
	errNoViewer = errors.New("ent: no viewer in the context")
	errNotYours = errors.New("ent: this belongs to somebody else")
)

// Identified gives a type its id: the prefix says what it names, the rest sorts by time of creation.
type Identified struct {
	mixin.Schema
	Prefix string
}

// Fields is the id.
func (m Identified) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").MaxLen(40).Immutable().DefaultFunc(func() string { return newID(m.Prefix) }).
			Annotations(collateC),
	}
}

var encoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

func newID(prefix string) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(time.Now().UnixMicro()))
	_, _ = rand.Read(b[6:]) // never fails; the two lowest bytes of the time give way to chance
	return prefix + "_" + encoding.EncodeToString(b[:])
}

// Owned is what belongs to a user. Reads see only the viewer's own rows, writes reach only those; administrators and the system
// see all; without a viewer everything is refused.
type Owned struct{ mixin.Schema }

// Fields is the owner.
func (Owned) Fields() []ent.Field {
	return []ent.Field{ownerID()}
}

func ownerID() ent.Field {
	return field.String("owner_id").Immutable().MaxLen(40).
		Annotations(collateC, entgql.Skip(entgql.SkipAll))
}

// Interceptors narrow every read to what the viewer owns.
func (Owned) Interceptors() []ent.Interceptor { return readsOnly("owner_id") }

// Hooks narrow every write to what the viewer owns.
func (Owned) Hooks() []ent.Hook { return writesOnly("owner_id") }

func readsOnly(column string) []ent.Interceptor {
	return []ent.Interceptor{intercept.TraverseFunc(func(ctx context.Context, q intercept.Query) error {
		v, ok := viewer.From(ctx)
		switch {
		case !ok:
			return errNoViewer
		case v.SeesAll():
			return nil
		}
		q.WhereP(sql.FieldEQ(column, v.ID))
		return nil
	})}
}

func writesOnly(column string) []ent.Hook {
	guard := func(next ent.Mutator) ent.Mutator {
		return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
			v, ok := viewer.From(ctx)
			switch {
			case !ok:
				return nil, errNoViewer
			case v.SeesAll():
				return next.Mutate(ctx, m)
			case m.Op().Is(ent.OpCreate):
				if owner, _ := m.Field(column); owner != v.ID {
					return nil, errNotYours
				}
				return next.Mutate(ctx, m)
			}
			m.(interface{ WhereP(...func(*sql.Selector)) }).WhereP(sql.FieldEQ(column, v.ID))
			return next.Mutate(ctx, m)
		})
	}
	return []ent.Hook{hook.On(guard, ent.OpCreate|ent.OpUpdate|ent.OpUpdateOne|ent.OpDelete|ent.OpDeleteOne)}
}

// Internal is what no user ever reads: the system's own rows.
type Internal struct{ mixin.Schema }

// Interceptors refuse every reader but the system.
func (Internal) Interceptors() []ent.Interceptor {
	return []ent.Interceptor{intercept.TraverseFunc(func(ctx context.Context, _ intercept.Query) error { return systemOnly(ctx) })}
}

// Hooks refuse every writer but the system.
func (Internal) Hooks() []ent.Hook { return []ent.Hook{systemWrites} }

// Annotations keep the type out of GraphQL.
func (Internal) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.Skip(entgql.SkipAll)}
}

func systemWrites(next ent.Mutator) ent.Mutator {
	return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
		if err := systemOnly(ctx); err != nil {
			return nil, err
		}
		return next.Mutate(ctx, m)
	})
}

func systemOnly(ctx context.Context) error {
	v, ok := viewer.From(ctx)
	switch {
	case !ok:
		return errNoViewer
	case !v.IsSystem():
		return errNotYours
	}
	return nil
}

func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

func createdAt() ent.Field {
	return field.Time("created_at").Default(now).Immutable().Annotations(entgql.OrderField("CREATED_AT"), entgql.Skip(entgql.SkipWhereInput))
}

// partial is an index on rows that meet a condition, of columns given in groups.
func partial(name, where string, columns ...[]string) ent.Index {
	all := slices.Concat(columns...)
	return index.Fields(all...).Annotations(entsql.IndexWhere(where)).StorageKey(name + "_" + strings.Join(all, "_"))
}

// listed is an index of the rows that lists show, of an owner or a number, or of everybody.
func listed(name, where string, of []string, columns ...[]string) ent.Index {
	if of == nil {
		name, where = name+"_everybody", strings.TrimPrefix(where+" AND "+viewer.OfEverybody, " AND ")
	}
	columns = append([][]string{of}, columns...)
	if where == "" {
		return index.Fields(slices.Concat(columns...)...)
	}
	return partial(name, where, columns...)
}

// collateC keeps PostgreSQL from sorting ids by the rules of some human language.
var collateC = &entsql.Annotation{Collation: "C"}
