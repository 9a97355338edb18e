package transcribe

import (
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// listener is a speech recognizer that hears every English word, as an operator would set it up.
const listener = "pocketsphinx_continuous -logfn /dev/null -infile"

const sentence = "hello this is a test message please call me back"

func TestARealEngineUnderstandsATelephone(t *testing.T) {
	t.Parallel()
	for _, s := range []struct {
		speaker []string // takes the file's path as its next argument
		atLeast int      // words of the sentence
	}{
		// A voice made by rules is hard to understand for an engine that learned from people.
		{[]string{"espeak-ng", "-v", "en-us+klatt2", "-s", "140", "-a", "60", sentence, "-w"}, 4},
		{[]string{"flite", "-voice", "rms", "-t", sentence, "-o"}, 7},
	} {
		t.Run(s.speaker[0], func(t *testing.T) {
			t.Parallel()
			needed(t, s.speaker[0], "pocketsphinx_continuous")
			engine, err := Exec(ExecConfig{Command: listener, Dir: t.TempDir()})
			check(t, err)
			got, err := engine.Transcribe(t.Context(), (&recording{data: spoken(t, s.speaker...)}).audio())
			check(t, err)
			if n := understood(got); n < s.atLeast {
				t.Errorf("understood %d words of %q, want %d at least: %q", n, sentence, s.atLeast, got)
			}
			t.Logf("understood %q", got)
		})
	}
}

func needed(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		_, err := exec.LookPath(p)
		if err != nil && os.Getenv("CI_SPEECH_REQUIRED") == "1" {
			t.Fatal(err)
		}
		if err != nil {
			t.Skipf("%v: no real speech is tested (apt-get install espeak-ng flite pocketsphinx pocketsphinx-en-us)", err)
		}
	}
}

// spoken is what a speaker says, as Twilio records it.
func spoken(t *testing.T, speaker ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "spoken.wav")
	if out, err := exec.CommandContext(t.Context(), speaker[0], append(speaker[1:], path)...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", speaker[0], err, out)
	}
	wide, err := os.Open(path)
	check(t, err)
	f, size, err := readHeader(wide)
	check(t, err)
	said := narrow(t, newFrames(io.LimitReader(wide, int64(size)), f))
	check(t, wide.Close())
	pause := make([]int16, telephone.rate/2)
	return phoneWAV(slices.Concat(pause, said, pause)...)
}

// narrow takes away what a telephone does not carry, with a filter as steep as those of telephones.
func narrow(t *testing.T, in *frames) (out []int16) {
	t.Helper()
	var all []float64
	for {
		v, err := in.next(1)
		if errors.Is(err, io.EOF) {
			break
		}
		check(t, err)
		all = append(all, float64(v))
	}
	const reach = 40
	ratio := float64(in.rate) / float64(telephone.rate)
	for at := 0.0; at < float64(len(all)); at += ratio {
		var sum, weights float64
		for i := max(0, int(at)-reach); i < min(len(all), int(at)+reach); i++ {
			x := float64(i) - at
			w := sinc(x/ratio) * sinc(x/reach)
			sum, weights = sum+w*all[i], weights+w
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

// understood counts the words of the sentence that are in text.
func understood(text string) (n int) {
	heard := strings.Fields(text)
	for _, w := range strings.Fields(sentence) {
		if slices.Contains(heard, w) {
			n++
		}
	}
	return n
}
