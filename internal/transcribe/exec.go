package transcribe

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

const (
	programsAtOnce = 2
	folderPrefix   = "voicemail-"
	// oldAfter is longer than any attempt.
	oldAfter = time.Hour
)

// passedOn are the variables that the program gets. Our own settings, among which there are secrets, are not for it; who needs
// more begins the command with env NAME=VALUE.
var passedOn = []string{
	"PATH", "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR",
	"SYSTEMROOT", "SYSTEMDRIVE", "COMSPEC", "PATHEXT", "TEMP", "TMP", "USERPROFILE", "LOCALAPPDATA", "APPDATA",
}

// ExecConfig says which program transcribes.
type ExecConfig struct {
	// Command is the program and its first arguments, split as a shell splits words; the path of a WAV file is added to them.
	Command string
	Dir     string // ours alone, made when it is missing: recordings lie in it while they are worked on
}

type program struct {
	path, dir string
	args      []string
	env       []string
	turns     turns
	patience  time.Duration
}

// Exec is an engine that runs a program for each recording, in a folder of its own that is removed with whatever the program left
// in it, so that other paths in the command must be absolute. The program finds the language, such as en-US, in
// MASKLINE_LANGUAGE and prints the text; what it prints on its other output is told when it fails.
// Exec fails when there is no such program or folder.
func Exec(cfg ExecConfig) (Engine, error) {
	all, err := words(cfg.Command, runtime.GOOS != "windows")
	if err == nil && len(all) == 0 {
		err = errors.New("it names no program")
	}
	if err != nil {
		return nil, fmt.Errorf("TRANSCRIBER_COMMAND: %w", err)
	}
	path, err := find(all[0])
	if err != nil {
		return nil, fmt.Errorf("TRANSCRIBER_COMMAND: %w", err)
	}
	dir, err := prepare(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("prepare the folder for transcriptions: %w", err)
	}
	return &program{path: path, dir: dir, args: all[1:], env: environment(), turns: make(turns, programsAtOnce), patience: basePatience}, nil
}

// find looks for the program in PATH, and from here, since it will run elsewhere.
func find(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

// prepare makes the folder and removes what a process that was killed left there: strangers' voices do not lie about.
func prepare(dir string) (path string, err error) {
	if dir == "" {
		return "", errors.New("it has no name")
	}
	if path, err = filepath.Abs(dir); err != nil {
		return "", err
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return "", err
	}
	left, err := os.ReadDir(path)
	if err != nil {
		return "", err
	}
	for _, folder := range left {
		if err := removeOld(path, folder); err != nil {
			return "", err
		}
	}
	return path, nil
}

// removeOld removes a folder of an attempt that is long over.
func removeOld(dir string, folder os.DirEntry) error {
	info, err := folder.Info()
	if errors.Is(err, os.ErrNotExist) {
		return nil // another process was faster
	}
	if err != nil || !strings.HasPrefix(folder.Name(), folderPrefix) || time.Since(info.ModTime()) < oldAfter {
		return err
	}
	return os.RemoveAll(filepath.Join(dir, folder.Name()))
}

func environment() (env []string) {
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		for _, passed := range passedOn {
			if strings.EqualFold(name, passed) {
				env = append(env, v)
			}
		}
	}
	return env
}
