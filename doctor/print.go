package doctor

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

var marks = [...]string{"✓", "!", "✗"}

// Print writes the report for people to read: a line for each finding, with what to do below it, and the result.
func (r Report) Print(w io.Writer) error {
	var b strings.Builder
	for i, f := range r.Findings {
		fmt.Fprintf(&b, "%s %-7s  %-10s  %s\n", marks[f.Level], f.Level, f.Area, printable(f.What))
		if f.Wanted != "" {
			below(&b, "now     "+f.Now)
			below(&b, "wanted  "+f.Wanted)
		}
		if more := i+1 < len(r.Findings) && r.Findings[i+1].Mend == f.Mend; f.Mend != "" && !more {
			below(&b, "→ "+f.Mend)
		}
	}
	fmt.Fprintf(&b, "\n%s\n", r.result())
	_, err := io.WriteString(w, b.String())
	return err
}

func below(b *strings.Builder, text string) {
	fmt.Fprintf(b, "%23s%s\n", "", printable(text))
}

func (r Report) result() string {
	troubles, warnings := r.Count(Trouble), r.Count(Warning)
	switch {
	case troubles > 0 && warnings > 0:
		return fmt.Sprintf("%s and %s.", counted(troubles, "trouble"), counted(warnings, "warning"))
	case troubles > 0:
		return counted(troubles, "trouble") + "."
	case warnings > 0:
		return "No trouble, " + counted(warnings, "warning") + "."
	}
	return "Nothing is wrong."
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// printable keeps what others have set from steering a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
