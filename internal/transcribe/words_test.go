package transcribe

import (
	"slices"
	"strings"
	"testing"
)

func TestACommandIsSplitIntoWords(t *testing.T) {
	t.Parallel()
	for command, want := range map[string][]string{
		"":                             nil,
		" \t\n":                        nil,
		" a  b\tc\nd ":                 {"a", "b", "c", "d"},
		`'a b' "c d" e`:                {"a b", "c d", "e"},
		`a''b ""`:                      {"ab", ""},
		`-m'/my models/x'.bin`:         {"-m/my models/x.bin"},
		`"it's" 'say "hi"'`:            {"it's", `say "hi"`},
		`C:\w\main.exe "C:\my models"`: {`C:\w\main.exe`, `C:\my models`},
		`sh -c 'x "$1" | tail' --`:     {"sh", "-c", `x "$1" | tail`, "--"},
	} {
		if got, err := words(command); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %v; want %q", command, got, err, want)
		}
	}
	for _, command := range []string{`"a`, `a 'b`, `'a"`} {
		if got, err := words(command); err == nil {
			t.Errorf("%s: got %q, want an error", command, got)
		}
	}
}

func FuzzWordsComeBackFromQuotes(f *testing.F) {
	f.Add("a b", `say "$x"`)
	f.Fuzz(func(t *testing.T, first, second string) {
		quoted := func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'" }
		want := []string{strings.ToValidUTF8(first, "\uFFFD"), strings.ToValidUTF8(second, "\uFFFD")}
		if got, err := words(quoted(want[0]) + " " + quoted(want[1])); err != nil || !slices.Equal(got, want) {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	})
}
