package database

import (
	"context"
	"fmt"
	"slices"
	"strings"

	atlas "ariga.io/atlas/sql/migrate"
	atlasschema "ariga.io/atlas/sql/schema"
	entsql "entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/schema"

	"github.com/maskline/maskline/ent/migrate"
)

// Diff writes into dir, as one more migration, what its migrations lack to arrive at ent's schema; it writes nothing when they lack
// nothing. It plays them through in empty, a database without tables, and leaves it so.
func Diff(ctx context.Context, empty *DB, dir atlas.Dir, name string) error {
	m, err := schema.NewMigrate(entsql.OpenDB(empty.dialect, empty.writer),
		schema.WithDir(dir),
		schema.WithMigrationMode(schema.ModeReplay),
		schema.WithDialect(empty.dialect),
		schema.WithFormatter(atlas.DefaultFormatter),
		schema.WithDropColumn(true),
		schema.WithDropIndex(true),
		schema.WithDiffHook(keepSearch),
	)
	if err != nil {
		return fmt.Errorf("compare the migrations with the schema: %w", err)
	}
	if err := m.NamedDiff(ctx, name, migrate.Tables...); err != nil {
		return fmt.Errorf("compare the migrations with the schema: %w", err)
	}
	return nil
}

// keepSearch leaves alone the indexes that ent's schema cannot tell of, since there is no word for them on all databases.
func keepSearch(next schema.Differ) schema.Differ {
	return schema.DiffFunc(func(current, desired *atlasschema.Schema) ([]atlasschema.Change, error) {
		for _, t := range current.Tables {
			t.Indexes = slices.DeleteFunc(t.Indexes, func(i *atlasschema.Index) bool { return strings.HasSuffix(i.Name, "_search") })
		}
		return next.Diff(current, desired)
	})
}
