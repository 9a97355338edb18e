package graph_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The audits come with graphql-http, the reference implementation of GraphQL over HTTP.
const auditCount = 61

// run runs a program in a folder and returns what it prints.
func run(t *testing.T, dir, program string, args ...string) ([]byte, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Stderr = dir, t.Output()
	return cmd.Output()
}

// withPackages is a folder in which node finds packages. Where there is no node or no registry the test is skipped, unless
// CI_NODE_REQUIRED is 1.
func withPackages(t *testing.T, packages ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	out, err := run(t, dir, "npm", append([]string{"install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", dir}, packages...)...)
	switch {
	case err != nil && os.Getenv("CI_NODE_REQUIRED") == "1":
		t.Fatalf("npm install %v: %v\n%s", packages, err, out)
	case err != nil:
		t.Skipf("NOT TESTED WITH %v: npm install: %v", packages, err)
	}
	return dir
}

func TestTheAuditsOfGraphQLOverHTTPAreMet(t *testing.T) {
	t.Parallel()
	dir := withPackages(t, "graphql-http@1.23.1", "graphql@16.11.0")
	script, err := os.ReadFile("testdata/audits.mjs")
	check(t, err)
	check(t, os.WriteFile(filepath.Join(dir, "audits.mjs"), script, 0o600))
	w := light(t)
	out, err := run(t, dir, "node", "audits.mjs", w.url, w.admin)
	check(t, err)
	met := 0
	for line := range strings.Lines(string(out)) {
		var audit struct{ ID, Name, Status, Reason string }
		check(t, json.Unmarshal([]byte(line), &audit))
		if audit.Status != "ok" {
			t.Errorf("%s %s: %s: %s", audit.ID, audit.Name, audit.Status, audit.Reason)
			continue
		}
		met++
	}
	t.Logf("%d of %d audits are met", met, auditCount)
	if met != auditCount {
		t.Errorf("got %d audits met, want %d", met, auditCount)
	}
}
