package transcribe

import (
	"errors"
	"strings"
)

var errQuote = errors.New("a quote in it is never closed")

// words splits a command at its spaces; what stands between quotes of one kind, '…' or "…", is taken as it is. No shell is involved, and
// backslashes are what paths are made of on some systems.
func words(command string) (all []string, err error) {
	var word strings.Builder
	var quote rune
	begun := false // a word may be a pair of quotes with nothing in it
	for _, c := range command + " " {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '\'' || c == '"':
			quote, begun = c, true
		case strings.ContainsRune(" \t\r\n", c):
			if begun {
				all = append(all, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteRune(c)
			begun = true
		}
	}
	if quote != 0 {
		return nil, errQuote
	}
	return all, nil
}
