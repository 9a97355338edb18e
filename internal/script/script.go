// Package script reads scenarios for the demo: lines in plain words that say which masked numbers there are, what their owner's phones do,
// who calls, and what has to come of it. docs/scripts.md says how one is written. Playing them is somebody else's business.
//
// It promises to refuse what it does not understand, and to name the line and the words that would fit there.
package script

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/maskline/maskline/internal/network"
)

// Script is a scenario: who has which numbers, and what happens, scene by scene. Each scene has a call.
type Script struct {
	Name    string
	About   string // the comment above it all
	Numbers []Number
	Scenes  []Scene
	Seed    int64
	Chaos   map[network.Topic]network.Chaos
	Unruly  []string // the lines about chaos, as they were written
}

// Scene is what happens at one time, and what has to come of it.
type Scene struct {
	Title  string // may be empty
	Phones []Phone
	Calls  []Call
	Expect []Expectation
}

// reader is a script being read.
type reader struct {
	Script
	begun bool // past the comment above it all
	line  int
	text  string
}

// Read reads a whole script.
func Read(name, text string) (Script, error) {
	r := reader{Script: Script{Name: name, Seed: 1, Chaos: map[network.Topic]network.Chaos{}}}
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		r.line++
		if err := r.read(lines.Text()); err != nil {
			return Script{}, fmt.Errorf("%s, line %d: %w", name, r.line, err)
		}
	}
	if err := lines.Err(); err != nil {
		return Script{}, fmt.Errorf("%s, line %d: %w", name, r.line+1, err)
	}
	if len(r.Scenes) == 0 || !hasCalls(r.last()) {
		return Script{}, fmt.Errorf("%s: after the last line: a line that begins with %q is missing", name, "call")
	}
	r.nameEverybody()
	return r.Script, nil
}

var errNotPlain = errors.New("this is not plain text in UTF-8")

func (r *reader) read(line string) error {
	if !isPlain(line) {
		return errNotPlain
	}
	r.text = strings.TrimSpace(line)
	if comment, ok := strings.CutPrefix(r.text, "#"); ok || r.text == "" {
		r.comment(comment)
		return nil
	}
	r.begun = true
	w, err := split(r.text)
	if err != nil {
		return err
	}
	kinds := map[string]func(*words){
		"number": r.number, "scene": r.scene, "phone": r.phone, "call": r.call, "expect": r.expect, "chaos": r.chaos, "seed": r.seed,
	}
	kind := w.take("a word").text
	read, known := kinds[kind]
	if !known {
		return fmt.Errorf("a line begins with %s, not with %q", either(slices.Sorted(maps.Keys(kinds))), kind)
	}
	read(&w)
	w.end()
	return w.err
}

func (r *reader) comment(text string) {
	if !r.begun {
		r.About = strings.TrimSpace(r.About + " " + strings.TrimSpace(text))
	}
}

// rest is the line behind its first word, as it was written.
func (r *reader) rest() string {
	_, rest := cut(r.text)
	return rest
}

func (r *reader) last() *Scene { return &r.Scenes[len(r.Scenes)-1] }

// inScene is the scene that a line belongs to: the last one, unless that is past lines of its kind.
func (r *reader) inScene(past func(*Scene) bool) *Scene {
	if len(r.Scenes) == 0 || past(r.last()) {
		r.Scenes = append(r.Scenes, Scene{})
	}
	return r.last()
}

func hasCalls(s *Scene) bool { return len(s.Calls) > 0 }

func hasExpectations(s *Scene) bool { return len(s.Expect) > 0 }

// beforeAll refuses a line about what has to be known before anything happens.
func (r *reader) beforeAll(w *words) {
	if len(r.Scenes) > 0 {
		w.wrong("this line stands above all scenes, phones and calls")
	}
}

func (r *reader) scene(w *words) {
	s := r.inScene(hasCalls)
	if s.Title != "" {
		w.wrong("nobody calls in the scene %q above", s.Title)
	}
	if s.Title = r.rest(); s.Title == "" {
		w.wrong("the line ends where the title of the scene is wanted")
	}
	w.rest = nil
}
