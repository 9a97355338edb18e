package script

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// word is one of a script's line. In quotes it may be empty, and hold spaces.
type word struct {
	text   string
	quoted bool
}

// words are what is left to read of a line. The first thing that is wrong stays in err, and everything read after it is empty.
type words struct {
	rest []word
	err  error
}

var errUnclosed = errors.New(`a text in quotes does not end, or has something strange in it`)

// split takes a line apart.
func split(line string) (words, error) {
	var w words
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		if !strings.HasPrefix(line, `"`) {
			text, rest := cut(line)
			w.rest, line = append(w.rest, word{text: text}), rest
			continue
		}
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			return w, errUnclosed
		}
		text, err := strconv.Unquote(quoted)
		if err != nil || !isPlain(text) {
			return w, errUnclosed
		}
		w.rest, line = append(w.rest, word{text, true}), line[len(quoted):]
	}
	return w, nil
}

// cut takes the first word off a text.
func cut(text string) (first, rest string) {
	end := strings.IndexFunc(text, unicode.IsSpace)
	if end < 0 {
		return text, ""
	}
	return text[:end], strings.TrimSpace(text[end:])
}

// isPlain refuses what a terminal would not show as it stands.
func isPlain(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return r != '\t' && !unicode.IsPrint(r) })
}

// wrong notes what is wrong with a line.
func (w *words) wrong(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf(format, args...)
	}
}

// take is the next word, which has to be there.
func (w *words) take(wanted string) word {
	if w.err == nil && len(w.rest) == 0 {
		w.wrong("the line ends where %s is wanted", wanted)
	}
	if w.err != nil {
		return word{}
	}
	next := w.rest[0]
	w.rest = w.rest[1:]
	return next
}

// is takes a phrase if it stands next, word for word.
func (w *words) is(phrase string) bool {
	want := strings.Fields(phrase)
	if w.err != nil || len(w.rest) < len(want) {
		return false
	}
	for i, text := range want {
		if w.rest[i] != (word{text: text}) {
			return false
		}
	}
	w.rest = w.rest[len(want):]
	return true
}

// must takes a phrase that has to stand next.
func (w *words) must(phrase string) {
	if !w.is(phrase) {
		w.wrong("%s where %q is wanted", w.found(), phrase)
	}
}

// found is the next word, for an error.
func (w *words) found() string {
	switch {
	case len(w.rest) == 0:
		return "the line ends"
	case w.rest[0].quoted:
		return "there is the text " + strconv.Quote(w.rest[0].text)
	}
	return "there is " + strconv.Quote(w.rest[0].text)
}

const longestDuration = time.Hour

func (w *words) duration() time.Duration {
	next := w.take("a time such as 8s or 1m30s")
	d, err := time.ParseDuration(next.text)
	if w.err == nil && (err != nil || d < 0 || d > longestDuration) {
		w.wrong("%q is not a time such as 8s or 1m30s, from 0s to 1h", next.text)
	}
	return d
}

const largestCount = 1_000_000

func (w *words) count() int {
	next := w.take("a count such as 5")
	n, err := strconv.Atoi(next.text)
	if w.err == nil && (err != nil || n < 0 || n > largestCount) {
		w.wrong("%q is not a count such as 5, from 0 to %d", next.text, largestCount)
	}
	return n
}

func (w *words) chance() float64 {
	next := w.take("a chance from 0 to 1")
	p, err := strconv.ParseFloat(next.text, 64)
	if w.err == nil && (err != nil || !(p >= 0 && p <= 1)) {
		w.wrong("%q is not a chance from 0 to 1", next.text)
	}
	return p
}

// end wants nothing to follow.
func (w *words) end() {
	if len(w.rest) > 0 {
		w.wrong("%s where the line should end", w.found())
	}
}

// oneOf is a word out of a few.
func (w *words) oneOf(all ...string) string {
	next := w.take(either(all))
	if w.err == nil && !slices.Contains(all, next.text) {
		w.wrong("%q is none of %s", next.text, either(all))
	}
	return next.text
}

// either lists words as a sentence does.
func either(all []string) string {
	if len(all) < 2 {
		return strings.Join(all, "")
	}
	last := len(all) - 1
	return strings.Join(all[:last], ", ") + " or " + all[last]
}

// clause is a phrase that a line may go on with, and what reads whatever belongs to it.
type clause struct {
	phrase string
	read   func(*words)
}

// clauses reads a line to its end, as a row of these in any order.
func (w *words) clauses(all ...clause) {
	for w.err == nil && len(w.rest) > 0 {
		at := slices.IndexFunc(all, func(c clause) bool { return w.is(c.phrase) })
		if at < 0 {
			w.wrong("%s where only this may follow: %s", w.found(), phrases(all))
			return
		}
		all[at].read(w)
	}
}

func phrases(all []clause) string {
	names := make([]string, len(all))
	for i, c := range all {
		names[i] = c.phrase
	}
	return either(names)
}
