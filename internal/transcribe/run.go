package transcribe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	maxComplaint = 512
	// goodbye is how long we wait for those who hold a dead program's output open.
	goodbye = time.Second
)

// Transcribe gives the program the recording as a WAV of 16-bit PCM with one channel and 16,000 samples a second. An MP3 is
// refused for good, as is what is no audio; whatever the program itself does wrong counts as passing, since the operator mends it.
func (p *program) Transcribe(ctx context.Context, audio Audio) (string, error) {
	done, err := p.turns.take(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	ctx, cancel := context.WithTimeoutCause(ctx, audio.patience(p.patience), errPatience)
	defer cancel()
	said, err := p.work(ctx, audio)
	if err != nil {
		return "", explainProgram(ctx, err)
	}
	return plain(said), nil
}

func explainProgram(ctx context.Context, err error) error {
	if over := ended(ctx, err); over != nil {
		return over
	}
	final := func(message string) error { return &Error{Message: message, Err: err} }
	switch {
	case errors.As(err, new(readError)):
		return unreadable(err)
	case errors.Is(err, errMP3):
		return final("The recording is an MP3 file, and the transcription program takes WAV files only.")
	case errors.Is(err, errNotWAV), errors.Is(err, errFormat):
		return final("The recording is not in a form that can be transcribed.")
	case errors.Is(err, errEmpty):
		return final("The recording is empty.")
	case errors.Is(err, errTooLong):
		return final("The recording is too long to be transcribed.")
	case errors.As(err, new(failure)):
		return &Error{Retry: true, Message: "The transcription program failed.", Err: err}
	}
	return &Error{Retry: true, Message: "The recording could not be prepared for transcription.", Err: err}
}

// work does everything in a folder that is gone afterwards.
func (p *program) work(ctx context.Context, audio Audio) (said string, err error) {
	dir, err := os.MkdirTemp(p.dir, folderPrefix)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "voicemail.wav")
	if err := audio.save(ctx, path); err != nil {
		return "", err
	}
	return p.run(ctx, dir, path, audio.Language)
}

// save writes the recording as engines want it.
func (a Audio) save(ctx context.Context, path string) (err error) {
	if a.ContentType == typeMP3 {
		return errMP3
	}
	from, err := a.Open(ctx)
	if err != nil {
		return readError{err}
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(convert(to, source{from}, engineRate), to.Close())
}

func (p *program) run(ctx context.Context, dir, path, language string) (string, error) {
	said, complaint := &head{most: MaxText}, &tail{most: maxComplaint}
	cmd := exec.CommandContext(ctx, p.path, append(p.args[:len(p.args):len(p.args)], path)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = dir, said, complaint, goodbye
	cmd.Env = append(p.env[:len(p.env):len(p.env)], "MASKLINE_LANGUAGE="+language)
	together(cmd)
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) {
		// The program is done, and what it left behind is not waited for.
		err = end(cmd)
	}
	if err != nil {
		return "", failure{err, complaint.String()}
	}
	return said.String(), nil
}

func end(cmd *exec.Cmd) error {
	if err := cmd.Cancel(); !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// failure is what became of the program, and the last that it said.
type failure struct {
	error
	complaint string
}

func (f failure) Error() string {
	if f.complaint == "" {
		return f.error.Error()
	}
	return fmt.Sprintf("%v: %s", f.error, f.complaint)
}

func (f failure) Unwrap() error { return f.error }

// head keeps the beginning of what is written to it, and takes the rest too, so that the program can go on.
type head struct {
	kept []byte
	most int
}

func (h *head) Write(p []byte) (int, error) {
	h.kept = append(h.kept, p[:min(len(p), h.most-len(h.kept))]...)
	return len(p), nil
}

func (h *head) String() string { return string(h.kept) }

// tail keeps the end.
type tail struct {
	kept []byte
	most int
}

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p[max(0, len(p)-t.most):]...)
	t.kept = t.kept[max(0, len(t.kept)-t.most):]
	return len(p), nil
}

func (t *tail) String() string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(string(t.kept), "")), " ")
}
