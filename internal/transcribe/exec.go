package transcribe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	programsAtOnce = 2
	runFor         = 8 * time.Minute
	goodbye        = time.Second // for those who hold a dead program's output open
	maxText        = 64 << 10
	maxComplaint   = 500
	notFoundStatus = 127 // of a shell, or env, that was to start the program
)

// passedOn are the variables that the program gets: ours have secrets among them. Who needs more begins the command with env NAME=VALUE.
var passedOn = []string{
	"PATH", "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR",
	"SYSTEMROOT", "SYSTEMDRIVE", "COMSPEC", "PATHEXT", "TEMP", "TMP", "USERPROFILE", "LOCALAPPDATA", "APPDATA",
}

// Exec runs a program for each recording, two at once at most. It is safe for concurrent use.
type Exec struct {
	command []string
	turns   chan struct{}
	within  time.Duration
}

// NewExec is an engine that runs command, whose words are separated by spaces; a word with spaces in it stands between quotes. The path of
// a WAV file is added to them. The program prints the text; it finds the language, such as en-US, in MASKLINE_LANGUAGE. It runs in a folder
// of its own, so that other paths in command must be absolute.
func NewExec(command string) (*Exec, error) {
	all, err := words(command)
	if err == nil && (len(all) == 0 || all[0] == "") {
		err = errors.New("it names no program")
	}
	if err != nil {
		return nil, fmt.Errorf("TRANSCRIBER_COMMAND: %w", err)
	}
	return &Exec{command: all, turns: make(chan struct{}, programsAtOnce), within: runFor}, nil
}

// Check tells whether the program is there.
func (e *Exec) Check(context.Context) error {
	if _, err := e.program(); err != nil {
		return fmt.Errorf("TRANSCRIBER_COMMAND: %w", err)
	}
	return nil
}

// program is looked for in PATH, and from here, since it will run elsewhere.
func (e *Exec) program() (string, error) {
	path, err := exec.LookPath(e.command[0])
	if notFound := (*exec.Error)(nil); errors.As(err, &notFound) {
		return "", fmt.Errorf("exec: %w", notFound.Err) // without its name, which is part of a setting
	}
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

// Transcribe gives the program the recording as a WAV of 16-bit PCM with one channel and 16,000 samples a second. It fails for good when
// there is no such program, or when the recording is nothing that such a WAV can be made of.
func (e *Exec) Transcribe(ctx context.Context, audio io.Reader, language string) (text string, err error) {
	select {
	case e.turns <- struct{}{}:
		defer func() { <-e.turns }()
	case <-ctx.Done():
		return "", overtime(ctx, errors.New("two programs are running already"))
	}
	path, err := e.program()
	if err != nil {
		return "", missing(err)
	}
	wav, notWAV, err := load(audio)
	if err != nil {
		return "", err
	}
	if notWAV != nil {
		return "", final("The transcription program takes WAV files of 16-bit PCM or µ-law only, which the recording is not.", notWAV)
	}
	dir, err := os.MkdirTemp("", "maskline-")
	if err != nil {
		return "", unprepared(err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // what cannot be removed is no reason to lose the text
	file := filepath.Join(dir, "voicemail.wav")
	if err := os.WriteFile(file, wav, 0o600); err != nil {
		return "", unprepared(err)
	}
	return e.run(ctx, path, file, language)
}

func missing(err error) *Error { return final("The transcription program was not found.", err) }

func unprepared(err error) *Error {
	return passing("The recording could not be prepared for transcription.", err)
}

func (e *Exec) run(ctx context.Context, path, file, language string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, e.within)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, append(slices.Clone(e.command[1:]), file)...) // #nosec G204 -- the program is the operator's setting TRANSCRIBER_COMMAND; the file is ours
	said, complaint := &head{}, &tail{}
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = filepath.Dir(file), said, complaint, goodbye
	cmd.Env = append(environment(), "MASKLINE_LANGUAGE="+language)
	asGroup(cmd)
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) { // the program is done, and what it left running is not waited for
		_ = cmd.Cancel() // it may be gone by itself
		err = nil
	}
	if err == nil {
		return strings.TrimSpace(string(*said)), nil
	}
	if over := overtime(ctx, err); over != nil {
		return "", over
	}
	if errors.Is(err, fs.ErrNotExist) || cmd.ProcessState.ExitCode() == notFoundStatus {
		return "", missing(complaint.about(err))
	}
	return "", passing("The transcription program failed.", complaint.about(err))
}

func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return !slices.Contains(passedOn, strings.ToUpper(name))
	})
}

// head keeps the beginning of what is written to it, and takes the rest too, so that the program can go on.
type head []byte

func (h *head) Write(p []byte) (int, error) {
	*h = append(*h, p[:min(len(p), maxText-len(*h))]...)
	return len(p), nil
}

// tail keeps the end.
type tail []byte

func (t *tail) Write(p []byte) (int, error) {
	*t = append(*t, p[max(0, len(p)-maxComplaint):]...)
	*t = (*t)[max(0, len(*t)-maxComplaint):]
	return len(p), nil
}

// about adds to an error what the program last complained of.
func (t *tail) about(err error) error {
	if text := strings.Join(strings.Fields(strings.ToValidUTF8(string(*t), "")), " "); text != "" {
		return fmt.Errorf("%w: %s", err, text)
	}
	return err
}
