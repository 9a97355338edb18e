package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var testName = regexp.MustCompile(`\bTest[A-Z][A-Za-z0-9]+`)

// testsOfTheHouse are the names of all tests.
func testsOfTheHouse(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	check(t, filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, f := range regexp.MustCompile(`(?m)^func (Test\w+)`).FindAllStringSubmatch(string(text), -1) {
			names[f[1]] = true
		}
		return err
	}))
	return names
}

func TestTheTableOfFaultsTellsTheTruth(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("docs/faults.md")
	check(t, err)
	for n := 1; n <= 42; n++ {
		if rows := strings.Count(string(table), fmt.Sprintf("\n| F%02d ", n)); rows != 1 {
			t.Errorf("F%02d has %d rows", n, rows)
		}
	}
	exist := testsOfTheHouse(t)
	for _, name := range testName.FindAllString(string(table), -1) {
		if !exist[name] && name != "TestF" {
			t.Errorf("there is no %s", name)
		}
	}
	for name := range exist {
		if regexp.MustCompile(`^TestF\d\d`).MatchString(name) && !strings.Contains(string(table), "`"+name+"`") {
			t.Errorf("%s is not in the table", name)
		}
	}
}
