package transcribe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const asProgram = "play-program"

// told is what the program "tell" found.
type told struct {
	Args, Env               []string
	Folder, Input, Language string
	Audio                   []byte
}

// play is the program that transcribes, in all its moods. The last argument is the recording's path.
func play(args []string) {
	switch args[0] {
	case "say":
		fmt.Print(args[1])
	case "tell":
		tell(args)
	case "fail":
		fmt.Print("half a text")
		fmt.Fprint(os.Stderr, strings.Repeat("much ado\n", 1000), "cannot open model:\n\tno such file \xff")
		os.Exit(3)
	case "not found":
		os.Exit(notFoundStatus)
	case "flood":
		for range 100 {
			fmt.Print(strings.Repeat("ü", 32<<10))
		}
	case "hang":
		call(args[1], args[0])
	case "parent", "orphan":
		self, err := os.Executable()
		must(err)
		child := exec.Command(self, asProgram, "hang", args[1])
		child.Stdout = os.Stdout
		must(child.Start())
		call(args[1], args[0])
		fmt.Print("done")
	}
}

func tell(args []string) {
	must(os.WriteFile("voicemail.txt", []byte("litter"), 0o600))
	folder, err := os.Getwd()
	must(err)
	audio, err := os.ReadFile(args[len(args)-1])
	must(err)
	input, err := io.ReadAll(os.Stdin)
	must(err)
	must(json.NewEncoder(os.Stdout).Encode(told{
		Args: args[1:], Env: os.Environ(), Folder: folder, Audio: audio, Input: string(input), Language: os.Getenv("MASKLINE_LANGUAGE"),
	}))
}

// call says who we are and waits for a word from the test.
func call(address, name string) {
	conn, err := net.Dial("tcp", address)
	must(err)
	_, err = fmt.Fprintln(conn, name)
	must(err)
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		os.Exit(1)
	}
}

// programThat is an engine that runs this binary in one of its moods.
func programThat(t *testing.T, mood ...string) *Exec {
	t.Helper()
	self, err := os.Executable()
	check(t, err)
	command := fmt.Sprintf("'%s' %s", self, asProgram)
	for _, m := range mood {
		command += " '" + m + "'"
	}
	e, err := NewExec(command)
	check(t, err)
	check(t, e.Check(t.Context()))
	return e
}

func TestTheProgramGetsAWAVAndLittleElse(t *testing.T) {
	t.Setenv("TWILIO_AUTH_TOKEN", "secret")
	text, err := programThat(t, "tell", "two words", "").Transcribe(t.Context(), bytes.NewReader(voice), "de-DE")
	check(t, err)
	var got told
	check(t, json.Unmarshal([]byte(text), &got))
	if want := []string{"two words", ""}; len(got.Args) != 3 || !slices.Equal(got.Args[:2], want) || !filepath.IsAbs(got.Args[2]) || filepath.Ext(got.Args[2]) != ".wav" {
		t.Errorf("got the arguments %q, want %q and the path of a WAV", got.Args, want)
	}
	if want, err := wideband(voice); err != nil || !bytes.Equal(got.Audio, want) {
		t.Errorf("got %d bytes of audio, want %d (%v)", len(got.Audio), len(want), err)
	}
	if got.Language != "de-DE" || got.Input != "" {
		t.Errorf("got language %q and input %q", got.Language, got.Input)
	}
	if slices.ContainsFunc(got.Env, func(v string) bool { return strings.Contains(v, "secret") }) || !slices.Contains(got.Env, "PATH="+os.Getenv("PATH")) {
		t.Errorf("got the environment %q", got.Env)
	}
	if _, err := os.Stat(got.Folder); !os.IsNotExist(err) {
		t.Errorf("the folder that it ran in is left: %v", err)
	}
}

func TestWhatTheProgramPrintsIsTheText(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{"\n hello there \n\n": "hello there", "": "", "<b>hi</b> “ünï”": "<b>hi</b> “ünï”"} {
		if got, err := programThat(t, "say", said).Transcribe(t.Context(), bytes.NewReader(voice), ""); err != nil || got != want {
			t.Errorf("%q: got %q, %v", said, got, err)
		}
	}
	got, err := programThat(t, "flood").Transcribe(t.Context(), bytes.NewReader(voice), "")
	if err != nil || got != strings.Repeat("ü", maxText/2) {
		t.Errorf("of a flood: got %d bytes, %v; want its beginning", len(got), err)
	}
}

func TestAProgramThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	text, err := programThat(t, "fail").Transcribe(t.Context(), bytes.NewReader(voice), "")
	e := mustFail(t, text, err, true, "The transcription program failed.")
	if got := e.Err.Error(); !strings.HasPrefix(got, "exit status 3: ") || !strings.HasSuffix(got, "much ado cannot open model: no such file") || len(got) > maxComplaint+20 {
		t.Errorf("got %d bytes: %s", len(got), got)
	}
}

func TestAProgramThatIsMissingIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	e, err := NewExec("no-such-program -x")
	check(t, err)
	text, err := e.Transcribe(t.Context(), bytes.NewReader(voice), "")
	mustFail(t, text, err, false, "The transcription program was not found.")
	if err := e.Check(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "TRANSCRIBER_COMMAND: ") || !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("got %v, want TRANSCRIBER_COMMAND named", err)
	}
	text, err = programThat(t, "not found").Transcribe(t.Context(), bytes.NewReader(voice), "")
	mustFail(t, text, err, false, "The transcription program was not found.")
}

func TestTheProgramIsNotAskedAboutWhatIsNoWAV(t *testing.T) {
	t.Parallel()
	e := programThat(t, "fail")
	for _, audio := range [][]byte{mp3, []byte("<html>"), wavOf(sound{encoding: formatPCM, channels: 1, bits: 24, rate: 8000}, voice)} {
		text, err := e.Transcribe(t.Context(), bytes.NewReader(audio), "")
		mustFail(t, text, err, false, "The transcription program takes WAV files of 16-bit PCM or µ-law only, which the recording is not.")
	}
}

func TestAProgramThatHangsIsEnded(t *testing.T) {
	t.Parallel()
	e := programThat(t, "hang", listen(t).Addr().String())
	e.within = 100 * time.Millisecond
	text, err := e.Transcribe(t.Context(), bytes.NewReader(voice), "")
	mustFail(t, text, err, true, "The transcription took too long.")
}

func listen(t *testing.T) *net.TCPListener {
	t.Helper()
	line, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	check(t, err)
	t.Cleanup(func() { check(t, line.Close()) })
	check(t, line.SetDeadline(time.Now().Add(20*time.Second)))
	return line
}

func TestAThirdProgramWaitsForATurn(t *testing.T) {
	t.Parallel()
	e := programThat(t, "say", "hello")
	e.turns <- struct{}{}
	if text, err := e.Transcribe(t.Context(), bytes.NewReader(voice), ""); err != nil || text != "hello" {
		t.Errorf("beside one: got %q, %v", text, err)
	}
	e.turns <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	text, err := e.Transcribe(ctx, bytes.NewReader(voice), "")
	mustFail(t, text, err, true, "The transcription was interrupted.")
	done := make(chan error)
	go func() {
		_, err := e.Transcribe(t.Context(), bytes.NewReader(voice), "")
		done <- err
	}()
	<-e.turns
	check(t, <-done)
}

func TestACommandThatCannotBeOneIsRefused(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"", " ", "''", "'/unfinished"} {
		if _, err := NewExec(command); err == nil || !strings.HasPrefix(err.Error(), "TRANSCRIBER_COMMAND: ") {
			t.Errorf("%q: got %v", command, err)
		}
	}
}
