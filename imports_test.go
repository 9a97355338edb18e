package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/maskline/maskline"

// mayImport is the map of the house: each package, and the only ones of ours that it may know. A name ending in /... stands for all below.
var mayImport = map[string]string{
	"phone":               "",
	"ent/...":             "ent/... phone",
	"internal/database":   "ent/...",
	"internal/testdb":     "internal/database ent/...",
	"internal/faults":     "",
	"internal/jobs":       "internal/database internal/faults",
	"internal/mail":       "phone",
	"internal/recordings": "phone internal/faults",
	"internal/network":    "phone",
	"internal/script":     "phone internal/network",
	"internal/twilio":     "",
	"internal/events":     "internal/database internal/faults",
	"internal/journal":    "internal/faults",
	"internal/links":      "",
	"internal/oidc":       "",
	"internal/peers":      "",
	"internal/compress":   "",
	"internal/admission":  "",
	"internal/transcribe": "",
	"doctor":              "phone ent/... internal/...",
	"switchboard":         "phone ent/... internal/database internal/events internal/faults internal/jobs internal/journal internal/links internal/mail internal/oidc internal/peers internal/recordings internal/transcribe internal/twilio",
	"graph":               "ent/... phone switchboard web graph/generated graph/scalar graph/socket internal/compress internal/events internal/links internal/peers internal/recordings",
	"graph/generated":     "ent/... phone graph/scalar",
	"graph/scalar":        "ent/... phone",
	"graph/socket":        "",
	"webhooks":            "phone switchboard internal/faults internal/twilio",
	"web":                 "internal/compress",
	"":                    "ent/... phone switchboard graph/... webhooks web doctor internal/...", // package main knows everybody
}

func TestNobodyImportsWhomTheyMayNot(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range packages(t) {
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		rule, known := ruleOf(name)
		if !known {
			t.Errorf("package %s stands in no room: add it to mayImport, and to the README's map of the house", name)
			continue
		}
		seen[rule] = true
		for _, imported := range p.Imports {
			if ours, ok := strings.CutPrefix(imported, module+"/"); ok && !allows(mayImport[rule], ours) {
				t.Errorf("%s imports %s", name, ours)
			}
		}
	}
	for rule := range mayImport {
		if !seen[rule] {
			t.Errorf("there is no package %s", rule)
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		if p.Doc == "" && !strings.Contains(p.ImportPath, "/ent/") && !strings.HasSuffix(p.ImportPath, "/generated") {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}

type pkg struct {
	ImportPath, Doc string
	Imports         []string
}

func packages(t *testing.T) (all []pkg) {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Doc,Imports", "./...").Output()
	if err != nil {
		t.Fatal("go list: ", err)
	}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func ruleOf(name string) (string, bool) {
	if _, ok := mayImport[name]; ok {
		return name, true
	}
	if first, _, _ := strings.Cut(name, "/"); first == "ent" {
		return "ent/...", true
	}
	return "", false
}

func allows(rule, name string) bool {
	return slices.ContainsFunc(strings.Fields(rule), func(r string) bool {
		all, isTree := strings.CutSuffix(r, "/...")
		return r == name || isTree && (name == all || strings.HasPrefix(name, all+"/"))
	})
}
