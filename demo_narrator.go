package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// The page: a time, who, and from column 21 on what.
const (
	pageWidth  = 100
	textColumn = 21
	textWidth  = pageWidth - textColumn
)

// narrator prints the story, whoever tells a part of it. It keeps the first error of writing.
type narrator struct {
	mu     sync.Mutex
	w      io.Writer
	colour bool
	err    error
	doing  string // what goes on while nothing happens
	dots   bool   // a line that says so is open
}

// newNarrator uses colour only on a terminal, and only where every terminal shows it.
func newNarrator(w io.Writer, colour bool) *narrator {
	f, isFile := w.(*os.File)
	if colour = colour && isFile && runtime.GOOS != "windows"; colour {
		info, err := f.Stat()
		colour = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return &narrator{w: w, colour: colour}
}

// Colours, as terminals number them.
const (
	bold   = "1"
	dim    = "2"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

func (n *narrator) paint(colour, text string) string {
	if !n.colour || text == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

func (n *narrator) print(lines ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.endDots()
	for _, line := range lines {
		n.write(strings.TrimRight(line, " ") + "\n")
	}
}

func (n *narrator) write(text string) {
	if _, err := io.WriteString(n.w, text); err != nil && n.err == nil {
		n.err = fmt.Errorf("print: %w", err)
	}
}

// close ends the page and returns what went wrong on it.
func (n *narrator) close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.endDots()
	return n.err
}

func (n *narrator) endDots() {
	if n.dots {
		n.write("\n")
		n.dots = false
	}
}

// title begins a part.
func (n *narrator) title(text string) {
	text = "── " + text + " "
	n.print("", n.paint(bold, text+strings.Repeat("─", max(0, pageWidth-utf8.RuneCountInString(text)))), "")
}

// paragraph prints running text.
func (n *narrator) paragraph(text string) {
	n.print(wrapped(strings.Fields(text), pageWidth)...)
}

// colourOf tells the two machines, and what came of a call, from the people.
func colourOf(who string) string {
	switch who {
	case "Twilio":
		return yellow
	case "Maskline":
		return cyan
	case "stored", "mailed", "pushed":
		return green
	}
	return bold
}

// tell prints what somebody does or gets, and when, with more lines below it.
func (n *narrator) tell(when, who, text string, below ...string) {
	margin := fmt.Sprintf("%8s  %s  ", when, n.paint(colourOf(who), fmt.Sprintf("%-9s", who)))
	var lines []string
	for _, line := range wrapped(strings.Fields(text), textWidth) {
		lines = append(lines, margin+line)
		margin = strings.Repeat(" ", textColumn)
	}
	for _, line := range below {
		lines = append(lines, margin+n.paint(dim, line))
	}
	n.print(lines...)
}

// sinceThen is a time of a call: minutes and seconds since it began.
func sinceThen(at time.Duration) string {
	at = at.Round(100 * time.Millisecond)
	return fmt.Sprintf("%d:%04.1f", int(at.Minutes()), (at % time.Minute).Seconds())
}

// meanwhile says what goes on from here until the next thing happens.
func (n *narrator) meanwhile(doing string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.doing = doing
}

// pass shows that time passes.
func (n *narrator) pass() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.dots {
		n.write(strings.Repeat(" ", textColumn) + "… " + n.doing + " ")
		n.dots = true
	}
	n.write(".")
}

// wrapped puts words into lines of at most that many characters. A longer word has a line of its own.
func wrapped(words []string, width int) (lines []string) {
	line := ""
	for _, word := range words {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// element is one of XML.
type element struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Inside  []element  `xml:",any"`
}

// twiml is a document with one element a line, its addresses shortened to what comes after base and before the query.
func twiml(document, base string) ([]string, error) {
	var root element
	if err := xml.Unmarshal([]byte(document), &root); err != nil {
		return nil, fmt.Errorf("read TwiML: %w", err)
	}
	return root.lines("", base), nil
}

var escaped = strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;")

func (e element) lines(indent, base string) []string {
	words := []string{"<" + e.XMLName.Local}
	for _, a := range e.Attrs {
		words = append(words, a.Name.Local+`="`+escaped.Replace(shortened(a.Value, base))+`"`)
	}
	last := &words[len(words)-1]
	end := "</" + e.XMLName.Local + ">"
	text := strings.Fields(escaped.Replace(e.Text))
	switch {
	case len(e.Inside) > 0:
		*last += ">"
	case len(text) > 0:
		*last += ">" + text[0]
		words = append(words, text[1:]...)
		words[len(words)-1] += end
	default:
		*last += "/>"
	}
	lines := wrapped(words, textWidth-len(indent)-2)
	for i := range lines {
		if i > 0 {
			lines[i] = "  " + lines[i]
		}
		lines[i] = indent + lines[i]
	}
	if len(e.Inside) == 0 {
		return lines
	}
	for _, inner := range e.Inside {
		lines = append(lines, inner.lines(indent+"  ", base)...)
	}
	return append(lines, indent+end)
}

func shortened(address, base string) string {
	path, ours := strings.CutPrefix(address, base+"/")
	if !ours {
		return address
	}
	path, _, hasQuery := strings.Cut(path, "?")
	if hasQuery {
		path += "?…"
	}
	return "/" + path
}
