// Package journal keeps on disk what cannot be written into the database just now. What [Journal.Append] has accepted survives the process
// and the machine's power, and [Journal.Replay] hands it out again until somebody has taken it.
package journal

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// Journal is a folder of entries, one JSON value a line. Several processes may share it.
type Journal struct {
	dir  string
	mu   sync.Mutex
	file *os.File // where entries go now; nil until there is one
}

const (
	ending   = ".jsonl"
	setAside = "refused.json" // not one of the files that are replayed
)

// ErrRefused, wrapped in the error that a replay's do returns, says that an entry can never be taken: it is set aside.
var ErrRefused = errors.New("entry refused")

// New is a journal in a folder, which is made when it is needed.
func New(dir string) *Journal { return &Journal{dir: dir} }

// Append writes an entry and returns once it is safe.
func (j *Journal) Append(entry []byte) error {
	if bytes.IndexByte(entry, '\n') >= 0 {
		return errors.New("journal: an entry is one line")
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.open(); err != nil {
		return fmt.Errorf("open the journal: %w", err)
	}
	_, err := j.file.Write(append(bytes.Clone(entry), '\n'))
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		err = fmt.Errorf("write the journal: %w", errors.Join(err, j.close())) // half a line may be there: go on in another file
	}
	return err
}

func (j *Journal) open() error {
	if j.file != nil {
		return nil
	}
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(j.dir, rand.Text()+ending), os.O_CREATE|os.O_EXCL|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := syncFolder(j.dir); err != nil {
		return errors.Join(err, file.Close())
	}
	j.file = file
	return nil
}

func (j *Journal) close() error {
	file := j.file
	j.file = nil
	if file == nil {
		return nil
	}
	return file.Close()
}

// syncFolder makes the name of a new file as safe as its content. Windows has no words for it, and does so by itself.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync()
	return d.Close()
}

// Empty tells whether there is nothing to replay.
func (j *Journal) Empty() bool {
	files, err := filepath.Glob(filepath.Join(j.dir, "*"+ending))
	return err == nil && len(files) == 0
}

// Replay hands out every entry, those of each file in their order, until do fails. An entry may be handed out again later: whoever takes it
// must not mind. Entries that are refused are set aside, and counted.
func (j *Journal) Replay(do func(entry []byte) error) (refused int, err error) {
	j.mu.Lock()
	err = j.close() // what comes now goes into another file
	j.mu.Unlock()
	if err != nil {
		return 0, err
	}
	files, err := filepath.Glob(filepath.Join(j.dir, "*"+ending))
	if err != nil {
		return 0, err
	}
	for _, name := range files {
		n, err := j.replay(name, do)
		refused += n
		if err != nil {
			return refused, err
		}
	}
	return refused, nil
}

func (j *Journal) replay(name string, do func([]byte) error) (refused int, err error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil // another process was faster
	}
	if err != nil {
		return 0, fmt.Errorf("read the journal: %w", err)
	}
	for entry := range bytes.Lines(text) {
		err := do(bytes.TrimSuffix(entry, []byte("\n")))
		if errors.Is(err, ErrRefused) {
			refused++
			err = j.keepRefused(entry)
		}
		if err != nil {
			return refused, err
		}
	}
	return refused, os.Remove(name)
}

func (j *Journal) keepRefused(entry []byte) error {
	file, err := os.OpenFile(filepath.Join(j.dir, setAside), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(append(bytes.TrimSuffix(bytes.Clone(entry), []byte("\n")), '\n'))
	return errors.Join(err, file.Sync(), file.Close())
}
