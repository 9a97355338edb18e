package transcribe

import (
	"slices"
	"strings"
	"testing"
)

func TestACommandIsSplitAsAShellDoes(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]string{
		"":                        nil,
		" \t\n":                   nil,
		"whisper":                 {"whisper"},
		" a  b\tc\nd ":            {"a", "b", "c", "d"},
		`'a b' "c d"`:             {"a b", "c d"},
		`a''b ""`:                 {"ab", ""},
		`-m'/my models/x'.bin`:    {"-m/my models/x.bin"},
		`a\ b \"c\' \\`:           {"a b", `"c'`, `\`},
		`"a \"b\" \\ \$x \n"`:     {`a "b" \ $x \n`},
		`'\ $HOME | "x"'`:         {`\ $HOME | "x"`},
		`"it's" 'say "hi"'`:       {"it's", `say "hi"`},
		`"a|b;c>d"`:               {"a|b;c>d"},
		`{x} (y) * ~ # = ! [z] 世`: {"{x}", "(y)", "*", "~", "#", "=", "!", "[z]", "世"},
		"a\xffb":                  {"a\xffb"},
	} {
		if got, err := words(line, true); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %v; want %q", line, got, err, want)
		}
	}
}

func TestWhereBackslashesMakePathsTheyStay(t *testing.T) {
	t.Parallel()
	got, err := words(`C:\whisper\main.exe -m "C:\my models\x.bin" '\\host\share'`, false)
	if want := []string{`C:\whisper\main.exe`, "-m", `C:\my models\x.bin`, `\\host\share`}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestWhatNeedsAShellIsRefused(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"a | b": "|", "a & b": "&", "a; b": ";", "a > b": ">", "a < b": "<", "$HOME/a": "$", `"$HOME/a"`: "$", "a `b`": "`", `"a" "b`: "unfinished", "a 'b": "unfinished", `a\`: "unfinished",
	} {
		if got, err := words(line, true); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %q, %v; want an error that names %s", line, got, err, want)
		}
	}
}

func FuzzWordsComeBackFromQuotes(f *testing.F) {
	f.Add("a b", `it's $x`)
	f.Fuzz(func(t *testing.T, first, second string) {
		var quoted []string
		for _, w := range []string{first, second} {
			quoted = append(quoted, "'"+strings.ReplaceAll(w, "'", `'\''`)+"'")
		}
		if got, err := words(strings.Join(quoted, " "), true); err != nil || !slices.Equal(got, []string{first, second}) {
			t.Errorf("got %q, %v", got, err)
		}
	})
}
