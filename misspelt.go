package main

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// settingNames are the environment variables that are read.
func settingNames() (names []string) {
	for f := range reflect.TypeFor[Settings]().Fields() {
		names = append(names, f.Tag.Get("env"))
	}
	return names
}

// ourPrefixes begin the names of settings, and hardly those of anything else.
var ourPrefixes = []string{"MASKLINE_", "TWILIO_", "OIDC_", "SMTP_", "MAIL_", "TRANSCRIBER_", "RECORDINGS_", "RECORDING_"}

// ofACluster is how Kubernetes tells of a service that has such a name.
var ofACluster = regexp.MustCompile(`_SERVICE_(HOST|PORT)|_PORT$|_PORT_\d+_`)

// misspelt returns a sentence for each variable in environ that is no setting but looks like one. It quotes names only.
func misspelt(environ, settings []string) (warnings []string) {
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		if value == "" || slices.Contains(settings, name) || ofACluster.MatchString(name) {
			continue
		}
		meant, d := nearest(strings.TrimPrefix(name, "MASKLINE_"), settings)
		isOurs := slices.ContainsFunc(ourPrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
		switch {
		case d <= likely(name), isOurs && d <= 4:
			warnings = append(warnings, fmt.Sprintf("%s is no setting and is ignored; did you mean %s?", name, meant))
		case isOurs:
			warnings = append(warnings, fmt.Sprintf("%s is no setting and is ignored", name))
		}
	}
	slices.Sort(warnings)
	return warnings
}

// likely is how many letters of a name may be wrong, so that it still is likely to be meant.
func likely(name string) int {
	switch {
	case len(name) >= 8:
		return 2
	case len(name) >= 6:
		return 1
	}
	return 0
}

// nearest is the setting with the most similar name, and how far that is from it.
func nearest(name string, settings []string) (meant string, d int) {
	d = len(name) + 1
	for _, s := range settings {
		if singular(name) == singular(s) {
			return s, 0
		}
		if n := distance(name, s); n < d || meant == "" {
			meant, d = s, n
		}
	}
	return meant, d
}

// singular is a name whose last word has lost the ending of the plural.
func singular(name string) string {
	if stem, ok := strings.CutSuffix(name, "IES"); ok {
		return stem + "Y"
	}
	return strings.TrimSuffix(name, "S")
}

// distance is how many letters are to be put in, left out, replaced or swapped with their neighbour to make b of a.
func distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			other := 1
			if a[i] == b[j] {
				other = 0
			}
			row[j+1] = min(row[j]+1, last[j+1]+1, last[j]+other)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
