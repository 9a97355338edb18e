package mail

import (
	"cmp"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxHeaderText = 150
	maxBodyText   = 64 << 10
	maxFileName   = 80
)

// headerText makes one short line of any text.
func headerText(s string) string { return shorten(oneLine(s), maxHeaderText) }

// oneLine strips line breaks and controls, and the marks that are not seen but turn the text around them.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r) || unicode.IsControl(r):
			return ' '
		case unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	// Text that looks encoded already would be sent as it is, and decoded by the reader into whatever it hides.
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "=?", "= ?")
}

// bodyText keeps the lines of any text, without controls and without the marks that turn text around, and no more of it than a
// mail can carry.
func bodyText(s string) string {
	if len(s) > maxBodyText {
		s = s[:maxBodyText] + "…"
	}
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n").Replace(strings.ToValidUTF8(s, ""))
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, s))
}

func shorten(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:most-1])) + "…"
}

// fileName is the last part of a path, in the characters that every mail reader and file system takes. Of a long name the end
// stays, which tells its kind.
func fileName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && (strings.ContainsRune(".-_", r) || unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return r
		}
		return '_'
	}, path.Base(strings.ReplaceAll(name, `\`, "/")))
	name = strings.TrimLeft(name[max(0, len(name)-maxFileName):], ".")
	return cmp.Or(name, "audio")
}
