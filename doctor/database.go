package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"entgo.io/ent/dialect"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/ent/maskednumber"
	"github.com/maskline/maskline/ent/migrate"
	"github.com/maskline/maskline/ent/rawwebhook"
	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/phone"
)

// inventory is which numbers are ours.
type inventory struct {
	read    bool // false: the database could not say
	numbers []ent.MaskedNumber
}

var products = map[string]string{dialect.SQLite: "SQLite", dialect.Postgres: "PostgreSQL"}

func (p Patient) examineDatabase(ctx context.Context) ([]Finding, inventory) {
	db, err := database.Open(p.DatabaseURL)
	if err != nil {
		return []Finding{trouble(areaDatabase, fmt.Sprintf("The database can't be opened: %v.", err), "Mend "+p.databaseSetting()+".")}, inventory{}
	}
	defer func() { _ = db.Close() }() // nothing was written
	if err := db.Ping(ctx); err != nil {
		return []Finding{p.databaseAway(db, err)}, inventory{}
	}
	if err := db.Check(ctx); err != nil {
		return []Finding{p.databaseAway(db, err)}, inventory{}
	}
	schema := examineSchema(ctx, db)
	ours, err := readNumbers(ctx, db)
	if err != nil && schema.Level == OK {
		schema = trouble(areaDatabase, fmt.Sprintf("The masked numbers can't be read: %v.", err), "See what the log of the database says.")
	}
	return append([]Finding{schema}, examineAside(ctx, db, schema)...), ours
}

// databaseSetting is what says where the database is.
func (p Patient) databaseSetting() string {
	if p.DataDir != "" && strings.HasPrefix(p.DatabaseURL, "sqlite://"+filepath.ToSlash(p.DataDir)+"/") {
		return "DATA_DIR"
	}
	return "DATABASE_URL"
}

// examineAside tells of what Twilio told and nobody could take. A schema that is not this version's may have no such table.
func examineAside(ctx context.Context, db *database.DB, schema Finding) []Finding {
	if schema.Level != OK {
		return nil
	}
	var found []struct {
		Number string
		Count  int
	}
	err := db.Client().RawWebhook.Query().Where(rawwebhook.WhyNotNil()).Order(ent.Asc(rawwebhook.FieldNumber)).
		GroupBy(rawwebhook.FieldNumber).Aggregate(ent.Count()).Scan(viewer.System(ctx), &found)
	if err != nil {
		return []Finding{trouble(areaDatabase, fmt.Sprintf("What is set aside can't be counted: %v.", err), "See what the log of the database says.")}
	}
	if len(found) == 0 {
		return nil
	}
	total, numbers := 0, make([]string, len(found))
	for i, f := range found {
		total += f.Count
		numbers[i] = cmp.Or(f.Number, "an unreadable journal")
	}
	return []Finding{warning(areaDatabase, fmt.Sprintf("What Twilio told is set aside, %d in all, since its number is not ours or it could not be taken: %s.", total, listed(numbers)),
		"Create the number, and the next pass of the reconciler takes it up; or point the number elsewhere at Twilio. The table raw_webhooks says why.")}
}

// databaseAway tells a database that is away from a file that nobody has made yet.
func (p Patient) databaseAway(db *database.DB, err error) Finding {
	if db.Dialect() == dialect.SQLite {
		file := filepath.FromSlash(strings.TrimPrefix(p.DatabaseURL, "sqlite://"))
		if _, missing := os.Stat(file); errors.Is(missing, fs.ErrNotExist) {
			return warning(areaDatabase, "There is no database yet.", "Start maskline, or run maskline migrate: that makes it.")
		}
	}
	told, known := database.Explain(err)
	if !known {
		told = database.Trouble{What: "The database can't be asked", Remedy: "See the error, and the log of the database."}
	}
	remedy := strings.ReplaceAll(told.Remedy, database.FileSetting, p.databaseSetting())
	if !told.Final {
		remedy += " Until it answers, callers are led to leave a message."
	}
	return trouble(areaDatabase, fmt.Sprintf("%s: %s.", told.What, db.Clean(err)), remedy)
}

// examineSchema compares what the database has with what this version of the program works on.
func examineSchema(ctx context.Context, db *database.DB) Finding {
	has, err := readSchema(ctx, db)
	if err != nil {
		return trouble(areaDatabase, fmt.Sprintf("The schema can't be read: %v.", err), "See what the log of the database says.")
	}
	lacks, extra := compareSchemas(has, wantedSchema())
	const old = "Start this version, or run maskline migrate: that brings an older database up to date."
	product := products[db.Dialect()]
	switch {
	case len(lacks) == 0 && len(extra) == 0:
		return fine(areaDatabase, product+" answers, and has this version's schema.")
	case len(extra) == 0:
		return warning(areaDatabase, fmt.Sprintf("%s answers, but its schema is older than this version: it lacks %s.", product, listed(lacks)), old)
	case len(lacks) == 0:
		return trouble(areaDatabase, fmt.Sprintf("%s answers, but its schema is newer than this version: it has %s.", product, listed(extra)),
			"Run the newer version, or restore a backup: this one will not start on it.")
	}
	return trouble(areaDatabase, fmt.Sprintf("%s answers, but its schema is another one than this version's: it lacks %s, and has %s.", product, listed(lacks), listed(extra)),
		old+" A newer one needs the newer version.")
}

// columns are the columns of each table.
type columns map[string][]string

func wantedSchema() columns {
	want := columns{}
	for _, t := range migrate.Tables {
		for _, c := range t.Columns {
			want[t.Name] = append(want[t.Name], c.Name)
		}
	}
	return want
}

var schemaQuery = map[string]string{
	dialect.SQLite:   `SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'`,
	dialect.Postgres: `SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()`,
}

func readSchema(ctx context.Context, db *database.DB) (has columns, err error) {
	rows, err := db.Writer().QueryContext(ctx, schemaQuery[db.Dialect()])
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	has = columns{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			return nil, err
		}
		has[table] = append(has[table], column)
	}
	return has, rows.Err()
}

// compareSchemas looks at the wanted tables only: others may belong to the job queue, or to somebody else.
func compareSchemas(has, want columns) (lacks, extra []string) {
	for _, table := range slices.Sorted(maps.Keys(want)) {
		if has[table] == nil {
			lacks = append(lacks, table)
			continue
		}
		for _, c := range want[table] {
			if !slices.Contains(has[table], c) {
				lacks = append(lacks, table+"."+c)
			}
		}
		for _, c := range has[table] {
			if !slices.Contains(want[table], c) {
				extra = append(extra, table+"."+c)
			}
		}
	}
	return lacks, extra
}

func readNumbers(ctx context.Context, db *database.DB) (inventory, error) {
	all, err := db.Client().MaskedNumber.Query().
		Select(maskednumber.FieldPhoneNumber, maskednumber.FieldState, maskednumber.FieldForwardTo).
		Order(ent.Asc(maskednumber.FieldPhoneNumber)).All(viewer.System(ctx))
	if err != nil {
		return inventory{}, err
	}
	ours := inventory{read: true}
	for _, n := range all {
		ours.numbers = append(ours.numbers, *n)
	}
	return ours, nil
}

// inUse are those that are to take calls: a paused one does, to say so.
func (i inventory) inUse() []string { return i.which(false) }

// released are those that are not ours any more, though one may have become ours anew.
func (i inventory) released() []string { return i.which(true) }

func (i inventory) which(released bool) (numbers []string) {
	for _, n := range i.numbers {
		if (n.State == phone.NumberReleased) == released {
			numbers = append(numbers, string(n.PhoneNumber))
		}
	}
	return numbers
}

// phones are those that calls are forwarded to.
func (i inventory) phones() (numbers []string) {
	for _, n := range i.numbers {
		for _, f := range n.ForwardTo {
			if n.State != phone.NumberReleased && !slices.Contains(numbers, string(f)) {
				numbers = append(numbers, string(f))
			}
		}
	}
	return numbers
}

const listedAtMost = 5

// listed is a list for a sentence.
func listed(all []string) string {
	if len(all) > listedAtMost {
		return fmt.Sprintf("%s and %d more", strings.Join(all[:listedAtMost], ", "), len(all)-listedAtMost)
	}
	return strings.Join(all, ", ")
}
