//go:build unix && !linux

package testdb

import "os"

// folder is where the server's folder is made.
func folder() string { return os.TempDir() }
