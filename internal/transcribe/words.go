package transcribe

import (
	"errors"
	"fmt"
	"strings"
)

var errUnfinished = errors.New("a quote or backslash at its end is unfinished")

// words splits a command line as a shell does, with '…', "…" and, where backslashes are not what paths are made of, \.
// What only a shell could do more is refused, lest it be given to the program as an argument.
func words(line string, backslash bool) ([]string, error) {
	var s splitter
	for i := range len(line) {
		if err := s.take(line[i], backslash); err != nil {
			return nil, err
		}
	}
	if s.quote != 0 || s.escaped {
		return nil, errUnfinished
	}
	s.end()
	return s.all, nil
}

type splitter struct {
	all     []string
	word    []byte
	begun   bool // also by a pair of quotes with nothing in it
	quote   byte // the one we are in, or 0
	escaped bool
}

func (s *splitter) take(c byte, backslash bool) error {
	switch {
	case s.escaped:
		s.literal(c)
	case c == '\\' && backslash && s.quote != '\'':
		s.escaped, s.begun = true, true
	case s.quote == 0 && (c == '\'' || c == '"'):
		s.quote, s.begun = c, true
	case s.quote == c && c != 0:
		s.quote = 0
	case s.quote == 0 && strings.IndexByte("|&;<>", c) >= 0, s.quote != '\'' && strings.IndexByte("$`", c) >= 0:
		return fmt.Errorf("%c has no meaning here, since no shell runs the command: put it between single quotes, or the command into a script", c)
	case s.quote == 0 && strings.IndexByte(" \t\r\n", c) >= 0:
		s.end()
	default:
		s.word, s.begun = append(s.word, c), true
	}
	return nil
}

// literal takes what follows a backslash; between double quotes most characters leave the backslash as it is.
func (s *splitter) literal(c byte) {
	if s.quote == '"' && strings.IndexByte("\"\\$`", c) < 0 {
		s.word = append(s.word, '\\')
	}
	s.word, s.escaped = append(s.word, c), false
}

func (s *splitter) end() {
	if s.begun {
		s.all = append(s.all, string(s.word))
	}
	s.word, s.begun = nil, false
}
