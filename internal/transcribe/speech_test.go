package transcribe

import (
	"bytes"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// listener is a speech recognizer that knows every English word, as an operator would set it up.
const listener = "pocketsphinx_continuous -logfn /dev/null -infile"

const sentence = "please call me back tomorrow"

func TestARealEngineUnderstandsATelephone(t *testing.T) {
	t.Parallel()
	needed(t, "espeak-ng", "pocketsphinx_continuous")
	e, err := NewExec(listener)
	check(t, err)
	// Of the voices that are made by rules, this is one that an engine understands which learned from people.
	audio := spoken(t, "espeak-ng", "-v", "en-us+klatt2", "-s", "140", "-a", "60", sentence, "-w")
	got, err := e.Transcribe(t.Context(), bytes.NewReader(audio), "en-US")
	check(t, err)
	const atLeast = 4
	if n := understood(got); n < atLeast {
		t.Errorf("understood %d words of %q, want %d at least: %q", n, sentence, atLeast, got)
	}
	t.Logf("understood %q", got)
}

// understood counts the words of the sentence that were heard.
func understood(heard string) (n int) {
	for _, w := range strings.Fields(sentence) {
		if slices.Contains(strings.Fields(heard), w) {
			n++
		}
	}
	return n
}

// needed skips the test where a program is missing, unless TEST_SPEECH_REQUIRED says that none may be.
func needed(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		_, err := exec.LookPath(p)
		if err != nil && os.Getenv("TEST_SPEECH_REQUIRED") == "1" {
			t.Fatal(err)
		}
		if err != nil {
			t.Skipf("NOT TESTED WITH REAL SPEECH: %v (apt-get install pocketsphinx pocketsphinx-en-us espeak-ng)", err)
		}
	}
}

// spoken is what a speaker says, as Twilio records it.
func spoken(t *testing.T, speaker ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "spoken.wav")
	out, err := exec.CommandContext(t.Context(), speaker[0], append(speaker[1:], path)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", speaker[0], err, out)
	}
	wide, err := os.ReadFile(path)
	check(t, err)
	s, err := parseWAV(wide)
	check(t, err)
	pause := make([]int16, 8000/2)
	return phoneWAV(slices.Concat(pause, narrow(s), pause)...)
}

// narrow takes away what a telephone does not carry, with a filter as steep as those of telephones.
func narrow(s sound) (out []int16) {
	const reach = 40
	ratio := float64(s.rate) / 8000
	for at := 0.0; at < float64(s.len()); at += ratio {
		var sum, weights float64
		for i := max(0, int(at)-reach); i < min(s.len(), int(at)+reach); i++ {
			x := float64(i) - at
			w := sinc(x/ratio) * sinc(x/reach)
			sum, weights = sum+w*float64(s.at(i)), weights+w
		}
		out = append(out, int16(sum/weights))
	}
	return out
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}
