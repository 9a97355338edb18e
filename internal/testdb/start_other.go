//go:build !unix

package testdb

import "context"

// startPostgres starts nothing on this system.
func startPostgres(context.Context) (string, error) { return "", errNoPostgres }
