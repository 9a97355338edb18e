package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestTheTableOfThreatsTellsTheTruth checks docs/threats.md: it has one row for each threat, each row names tests that exist or says "no test",
// and no test whose name begins with the number of a threat is missing.
func TestTheTableOfThreatsTellsTheTruth(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("docs/threats.md")
	check(t, err)
	exist := testsOfTheHouse(t)
	rows := regexp.MustCompile(`(?m)^\| (T\d\d) .*$`).FindAllStringSubmatch(string(table), -1)
	seen := map[string]int{}
	for _, row := range rows {
		seen[row[1]]++
		named := testName.FindAllString(row[0], -1)
		if len(named) == 0 && !strings.Contains(row[0], "No test") {
			t.Errorf("%s names no test, and does not say so", row[1])
		}
		for _, name := range named {
			if !exist[name] {
				t.Errorf("%s names %s, which does not exist", row[1], name)
			}
		}
	}
	for n := 1; n <= 57; n++ {
		if id := fmt.Sprintf("T%02d", n); seen[id] != 1 {
			t.Errorf("%s has %d rows", id, seen[id])
		}
	}
	for name := range exist {
		if regexp.MustCompile(`^TestT\d\d`).MatchString(name) && !strings.Contains(string(table), "`"+name+"`") {
			t.Errorf("%s is not in the table", name)
		}
	}
}
