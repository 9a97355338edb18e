//go:build ignore

// Writes what the migrations lack to arrive at the schema of ent, as one file per database, into internal/database/migrations:
//
//	TEST_POSTGRES=postgres://… go run ./ent/migrate/main.go NAME
//
// SQLite is tried out in a temporary file, PostgreSQL in a database that is made on that server and dropped again.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/url"
	"os"
	"path/filepath"
	"regexp"

	atlas "ariga.io/atlas/sql/migrate"

	"github.com/maskline/maskline/internal/database"
)

const root = "internal/database/migrations"

func main() {
	log.SetFlags(0)
	server := os.Getenv("TEST_POSTGRES")
	if len(os.Args) != 2 || !regexp.MustCompile(`^[a-z0-9_]+$`).MatchString(os.Args[1]) || server == "" {
		log.Fatal("usage, in the module's root: TEST_POSTGRES=postgres://… go run ./ent/migrate/main.go NAME\n" +
			"NAME says in small letters and _ what the migration does; TEST_POSTGRES is a server on which databases may be made.")
	}
	if _, err := os.Stat(root); err != nil {
		log.Fatal("run this in the module's root: ", err)
	}
	ctx := context.Background()
	if err := errors.Join(writeSQLite(ctx, os.Args[1]), writePostgres(ctx, os.Args[1], server)); err != nil {
		log.Fatal(err)
	}
}

func writeSQLite(ctx context.Context, name string) (err error) {
	tmp, err := os.MkdirTemp("", "migrate")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	return write(ctx, "sqlite", name, "sqlite://"+filepath.Join(tmp, "empty.db"))
}

func writePostgres(ctx context.Context, name, server string) (err error) {
	u, err := url.Parse(server)
	if err != nil {
		return errors.New("TEST_POSTGRES is not a postgres:// address")
	}
	admin, err := database.Open(server)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, admin.Close()) }()
	empty := fmt.Sprintf("maskline_migrate_%d", os.Getpid())
	if _, err := admin.Writer().ExecContext(ctx, "CREATE DATABASE "+empty+" TEMPLATE template0"); err != nil {
		return err
	}
	defer func() {
		_, e := admin.Writer().ExecContext(ctx, "DROP DATABASE "+empty+" WITH (FORCE)")
		err = errors.Join(err, e)
	}()
	u.Path = "/" + empty
	return write(ctx, "postgres", name, u.String())
}

// write compares in the empty database at address, and says which file was written.
func write(ctx context.Context, folder, name, address string) (err error) {
	db, err := database.Open(address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	path := filepath.Join(root, folder)
	if err := os.MkdirAll(path, 0o755); err != nil {
		return err
	}
	dir, err := atlas.NewLocalDir(path)
	if err != nil {
		return err
	}
	before, err := dir.Files()
	if err != nil {
		return err
	}
	if err := database.Diff(ctx, db, dir, name); err != nil {
		return err
	}
	after, err := dir.Files()
	if err != nil {
		return err
	}
	if len(after) == len(before) {
		log.Printf("%s: nothing to do", path)
		return nil
	}
	log.Printf("%s: %s", path, after[len(after)-1].Name())
	return nil
}
