package transcribe

import (
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
	case "flood":
		for range 1600 {
			fmt.Print(strings.Repeat("ü", 32<<10))
		}
	case "litter":
		must(os.WriteFile("voicemail.txt", []byte("text"), 0o600))
		must(os.WriteFile(args[len(args)-1]+".srt", []byte("text"), 0o600))
		must(os.Mkdir("more", 0o700))
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

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func tell(args []string) {
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

// asked is an engine that runs this binary in one of its moods.
func asked(t *testing.T, mood ...string) (engine *program, dir string) {
	t.Helper()
	self, err := os.Executable()
	check(t, err)
	dir = filepath.Join(t.TempDir(), "transcribe")
	quoted := []string{"'" + self + "'", asProgram}
	for _, m := range mood {
		quoted = append(quoted, "'"+m+"'")
	}
	e, err := Exec(ExecConfig{Command: strings.Join(quoted, " "), Dir: dir})
	check(t, err)
	return e.(*program), dir
}

func mustBeEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	check(t, err)
	if len(left) > 0 {
		t.Errorf("%v was left behind", left)
	}
}

var voice = phoneWAV(tone(8000, 440, 10000)...)

func TestTheProgramGetsAWAVAndLittleElse(t *testing.T) {
	t.Setenv("TWILIO_AUTH_TOKEN", "secret")
	engine, dir := asked(t, "tell", "two words", "", `\"`)
	rec := &recording{data: voice}
	audio := rec.audio()
	audio.Language = "de-DE"
	text, err := engine.Transcribe(t.Context(), audio)
	check(t, err)
	var got told
	check(t, json.Unmarshal([]byte(text), &got))
	if want := []string{"two words", "", `\"`}; len(got.Args) != 4 || !slices.Equal(got.Args[:3], want) || filepath.Ext(got.Args[3]) != ".wav" || !filepath.IsAbs(got.Args[3]) {
		t.Errorf("got the arguments %q, want %q and an absolute path", got.Args, want)
	}
	if got.Language != "de-DE" || got.Input != "" {
		t.Errorf("got language %q and input %q", got.Language, got.Input)
	}
	if slices.ContainsFunc(got.Env, func(v string) bool { return strings.Contains(v, "secret") }) || !slices.Contains(got.Env, "PATH="+os.Getenv("PATH")) {
		t.Errorf("got the environment %q", got.Env)
	}
	if filepath.Base(got.Folder) != filepath.Base(filepath.Dir(got.Args[3])) {
		t.Errorf("it ran in %s, want the folder of %s", got.Folder, got.Args[3])
	}
	if string(got.Audio[:headerSize]) != string(header(16000, 16000)) || len(got.Audio) != headerSize+32000 {
		t.Errorf("got %d bytes that begin %q", len(got.Audio), got.Audio[:headerSize])
	}
	if rec.opened.Load() != 1 || rec.closed.Load() != 1 {
		t.Errorf("opened %d times and closed %d times", rec.opened.Load(), rec.closed.Load())
	}
	mustBeEmpty(t, dir)
}

func TestWhatTheProgramPrintsIsTheText(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"\n hello there \n\n":   "hello there",
		"":                      "",
		"<b>hi</b> &amp; “ünï”": "<b>hi</b> &amp; “ünï”",
		"a\xff\xfeb":            "ab",
	} {
		engine, dir := asked(t, "say", said)
		if got, err := engine.Transcribe(t.Context(), (&recording{data: voice}).audio()); err != nil || got != want {
			t.Errorf("%q: got %q, %v", said, got, err)
		}
		mustBeEmpty(t, dir)
	}
}

func TestOfAHundredMegabytesTheBeginningIsKept(t *testing.T) {
	t.Parallel()
	engine, _ := asked(t, "flood")
	got, err := engine.Transcribe(t.Context(), (&recording{data: voice}).audio())
	if err != nil || got != strings.Repeat("ü", MaxText/2) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

func TestWhatTheProgramLeavesIsRemoved(t *testing.T) {
	t.Parallel()
	engine, dir := asked(t, "litter")
	_, err := engine.Transcribe(t.Context(), (&recording{data: voice}).audio())
	check(t, err)
	mustBeEmpty(t, dir)
}

func TestAProgramThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	engine, dir := asked(t, "fail")
	text, err := engine.Transcribe(t.Context(), (&recording{data: voice}).audio())
	e := mustFail(t, text, err, true, "The transcription program failed.")
	if exit := new(exec.ExitError); !errors.As(e, &exit) || exit.ExitCode() != 3 {
		t.Errorf("got %v, want exit status 3", e.Err)
	}
	if got := e.Err.Error(); !strings.Contains(got, "much ado cannot open model: no such file") || len(got) > maxComplaint+100 {
		t.Errorf("got %d bytes: %s", len(got), got)
	}
	mustBeEmpty(t, dir)
}

func TestAProgramThatIsGoneIsTriedAgain(t *testing.T) {
	t.Parallel()
	engine, dir := asked(t, "say")
	engine.path += ".gone"
	text, err := engine.Transcribe(t.Context(), (&recording{data: voice}).audio())
	mustFail(t, text, err, true, "The transcription program failed.")
	mustBeEmpty(t, dir)
}

func TestAFolderThatIsGoneIsNoReasonToGiveUp(t *testing.T) {
	t.Parallel()
	engine, dir := asked(t, "say")
	check(t, os.Remove(dir))
	text, err := engine.Transcribe(t.Context(), (&recording{data: voice}).audio())
	mustFail(t, text, err, true, "The recording could not be prepared for transcription.")
}

func TestTheProgramIsNotAskedAboutWhatIsNoAudio(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, message string
		rec           *recording
		contentType   string
		retry         bool
	}{
		{"MP3", "The recording is an MP3 file, and the transcription program takes WAV files only.", &recording{}, typeMP3, false},
		{"HTML", "The recording is not in a form that can be transcribed.", &recording{data: []byte("<html>")}, typeWAV, false},
		{"24 bits", "The recording is not in a form that can be transcribed.", &recording{data: wavOf(format{formatPCM, 1, 24, 8000}, voice)}, typeWAV, false},
		{"silence", "The recording is empty.", &recording{data: phoneWAV()}, typeWAV, false},
		{"a broken disk", "The recording could not be read.", &recording{data: voice[:999], broken: errors.New("broken")}, typeWAV, true},
	} {
		engine, dir := asked(t, "fail")
		audio := c.rec.audio()
		audio.ContentType = c.contentType
		text, err := engine.Transcribe(t.Context(), audio)
		mustFail(t, text, err, c.retry, c.message)
		if c.rec.opened.Load() != c.rec.closed.Load() {
			t.Errorf("%s: opened %d times and closed %d times", c.name, c.rec.opened.Load(), c.rec.closed.Load())
		}
		mustBeEmpty(t, dir)
	}
}

func TestALectureIsRefusedForGood(t *testing.T) {
	t.Parallel()
	mustFail(t, "", explainProgram(t.Context(), fmt.Errorf("convert: %w", errTooLong)), false, "The recording is too long to be transcribed.")
}

func TestAProgramThatHangsIsEnded(t *testing.T) {
	t.Parallel()
	line := listen(t)
	engine, dir := asked(t, "hang", line.Addr().String())
	engine.patience = time.Millisecond // and a second more, since that is how long the message is
	text, err := engine.Transcribe(t.Context(), (&recording{data: voice}).audio())
	mustFail(t, text, err, true, "The transcription took too long.")
	mustBeEmpty(t, dir)
}

func listen(t *testing.T) *net.TCPListener {
	t.Helper()
	line, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	check(t, err)
	t.Cleanup(func() { check(t, line.Close()) })
	check(t, line.SetDeadline(time.Now().Add(20*time.Second)))
	return line
}

func TestACommandThatCannotWorkIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	check(t, os.WriteFile(file, nil, 0o600))
	for _, c := range []struct{ command, dir, want string }{
		{"", t.TempDir(), "TRANSCRIBER_COMMAND: it names no program"},
		{"''", t.TempDir(), "TRANSCRIBER_COMMAND: "},
		{"no-such-program -x", t.TempDir(), `TRANSCRIBER_COMMAND: exec: "no-such-program": executable file not found`},
		{"./no-such-program", t.TempDir(), "TRANSCRIBER_COMMAND: "},
		{"'/unfinished", t.TempDir(), "TRANSCRIBER_COMMAND: a quote or backslash"},
		{"cat | grep x", t.TempDir(), "TRANSCRIBER_COMMAND: | has no meaning here"},
		{"go version", "", "prepare the folder for transcriptions: "},
		{"go version", file, "prepare the folder for transcriptions: "},
	} {
		if _, err := Exec(ExecConfig{Command: c.command, Dir: c.dir}); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q in %s: got %v, want %q", c.command, c.dir, err, c.want)
		}
	}
}

func TestWhatAKilledProcessLeftIsRemovedLater(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, age := range map[string]time.Duration{folderPrefix + "old": 2 * time.Hour, folderPrefix + "new": time.Minute, "other": 2 * time.Hour} {
		path := filepath.Join(dir, name)
		check(t, os.Mkdir(path, 0o700))
		check(t, os.WriteFile(filepath.Join(path, "voicemail.wav"), voice, 0o600))
		check(t, os.Chtimes(path, time.Time{}, time.Now().Add(-age)))
	}
	_, err := Exec(ExecConfig{Command: "go", Dir: dir})
	check(t, err)
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	check(t, err)
	if want := []string{filepath.Join(dir, "other"), filepath.Join(dir, folderPrefix+"new")}; !slices.Equal(left, want) {
		t.Errorf("got %q, want %q", left, want)
	}
}
