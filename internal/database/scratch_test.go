package database_test

import (
	"testing"

	"github.com/maskline/maskline/ent/user"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/internal/testdb"
)

func BenchmarkScratch(b *testing.B) {
	for _, kind := range []string{"sqlite", "postgres"} {
		db := testdb.Open(b, kind)
		ctx := viewer.System(b.Context())
		h := settle(ctx, b, db, 1)
		b.Run(kind+"/webhook", func(b *testing.B) {
			for b.Loop() {
				if err := webhook(ctx, db, h); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(kind+"/read", func(b *testing.B) {
			for b.Loop() {
				if _, err := db.Client().User.Query().Where(user.Email(h.user.Email)).Only(ctx); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
