package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/maskline/maskline/internal/script"
)

//go:embed scripts/*.txt
var shipped embed.FS

// builtInStory is the script that the demo plays when it is given none.
const builtInStory = "story"

// findScript reads a file, or a script that comes with the program.
func findScript(name string) (script.Script, error) {
	text, err := os.ReadFile(name) // #nosec G304 -- the path is the operator's or made of our own ids
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return shippedScript(name)
	case err != nil:
		return script.Script{}, fmt.Errorf("read the script: %w", err)
	}
	return script.Read(name, string(text))
}

func shippedScript(name string) (script.Script, error) {
	text, err := shipped.ReadFile("scripts/" + name + ".txt")
	if err != nil {
		return script.Script{}, fmt.Errorf("there is no script %s; those that come with the program are %s", name, strings.Join(shippedScripts(), ", "))
	}
	return script.Read(name, string(text))
}

func shippedScripts() (names []string) {
	files, err := fs.Glob(shipped, "scripts/*.txt")
	if err != nil {
		panic(err) // the pattern is wrong
	}
	for _, file := range files {
		names = append(names, strings.TrimSuffix(path.Base(file), ".txt"))
	}
	return names
}
