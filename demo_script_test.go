package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// playScript plays a script as the command line does.
func playScript(name string) (status int, out, errs string) {
	var o, e strings.Builder
	status = run([]string{"demo", "--script", name, "--speed=1e6"}, &o, &e)
	return status, o.String(), e.String()
}

// Each script that comes with the program does what it says. Like the other demos they are not played side by side.
func TestTheShippedScriptsComeTrue(t *testing.T) {
	for _, name := range shippedScripts() {
		t.Run(name, func(t *testing.T) {
			status, out, errs := playScript(name)
			if status != 0 || errs != "" {
				t.Fatalf("status %d, stderr %q, want 0 and nothing\n%s", status, errs, out)
			}
			inOrder(t, out, "was given masked numbers", "dials the masked number", "POST /webhooks/voice: a call comes in", "stored", "All went well")
			for line := range strings.Lines(out) {
				if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > pageWidth {
					t.Errorf("a line of %d characters, want at most %d: %s", n, pageWidth, line)
				}
			}
		})
	}
}

func TestAScriptThatDoesNotComeTrueSaysSo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.txt")
	check(t, os.WriteFile(file, []byte(`# Nothing here is as expected.
number +15550006789 forward +15550100001 plan 10 calls 5 voicemails
phone +15550100001 rings
call from +15550200002 leaves 8s "Hello"
expect outcome ANSWERED
expect transcript "Good-bye"
expect heard "Good morning"
expect shown +15550006789
expect voicemails 0
expect mails 2
expect used 0 calls 5 voicemails
expect used 1 calls 1 voicemails
`), 0o600))
	status, out, errs := playScript(file)
	if status != 1 || strings.Count(errs, "\n") != 1 || strings.Contains(out, "All went well") {
		t.Errorf("status %d, stderr %q, want 1 and one line", status, errs)
	}
	inOrder(t, errs, "maskline: call 1: "+file+" is not met: line 5 expects outcome ANSWERED, but it is VOICEMAIL; ",
		`line 6 expects transcript "Good-bye", but it is "Hello"; `, `line 7 expects heard "Good morning", but it is "Nobody can take your call right now.`,
		"line 8 expects shown +15550006789, but it is +15550200002; ", "line 9 expects voicemails 0, but it is 1; ",
		"line 10 expects mails 2, but it is 1; ", "line 11 expects used 0 calls 5 voicemails, but it is 1 calls 1 voicemails")
}

// A service that cannot take a setting refuses it with the number that it was for.
func TestASettingThatTheServiceRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.txt")
	check(t, os.WriteFile(file, []byte("number +15550006789 rings 1s\n"+"call from +15550200002\n"), 0o600))
	status, _, errs := playScript(file)
	if want := "the number +15550006789: "; status != 1 || !strings.Contains(errs, want) || !strings.Contains(errs, "ringSeconds") {
		t.Errorf("status %d, stderr %q, want 1 and %q", status, errs, want)
	}
}

func TestScriptsThatAreNotThere(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"--script=nowhere":         "maskline: there is no script nowhere; those that come with the program are answered, ",
		"--script=.":               "maskline: read the script: ",
		"--once --script=answered": "maskline: --once and --script exclude each other",
	} {
		var errs strings.Builder
		status := run(append([]string{"demo"}, strings.Fields(args)...), io.Discard, &errs)
		if status != 1 || !strings.HasPrefix(errs.String(), want) || strings.Count(errs.String(), "\n") != 1 {
			t.Errorf("%s: status %d, stderr %q, want 1 and %q", args, status, errs.String(), want)
		}
	}
}

// The documentation knows every script.
func TestShippedScriptsAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docs/scripts.md")
	check(t, err)
	for _, name := range shippedScripts() {
		if !strings.Contains(string(text), "| `"+name+"` |") {
			t.Errorf("docs/scripts.md says nothing of %s", name)
		}
	}
}
