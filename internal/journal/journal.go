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
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/maskline/maskline/internal/faults"
)

// Journal is a folder of entries, one JSON value a line. Several processes may share it.
//
// A file is written under a name that ends in .open. A replay first renames it, and reads it then; whoever writes looks, after each sync,
// whether the file still has its name, and otherwise writes the same entries once more, into another file. So an entry is in a file that is
// still to be read, perhaps twice, and never only in one that has been.
type Journal struct {
	Sync func(*os.File) error // makes a file safe; a test has a disk that takes its time

	dir string

	mu   sync.Mutex
	file *os.File // where entries go now; nil until there is one

	joining sync.Mutex // never held while something is written
	next    *batch     // waits for mu; nil while nobody does
}

// batch is what is made safe at once. A disk makes some hundred things safe in a second, and calls bring more than that.
type batch struct {
	lines []byte
	done  chan struct{}
	err   error // of all of them, once it is done
}

var errNotWritten = errors.New("write the journal: it was broken off")

const (
	writing = ".open"
	written = ".jsonl"
)

// New is a journal in a folder, which is made when it is needed.
func New(dir string) *Journal { return &Journal{dir: dir, Sync: (*os.File).Sync} }

// Append writes an entry and returns once it is safe. What others bring while one entry is written goes into one write after it.
func (j *Journal) Append(entry []byte) error {
	if bytes.IndexByte(entry, '\n') >= 0 {
		return errors.New("journal: an entry is one line")
	}
	b, first := j.join(entry)
	if first {
		j.write(b)
	}
	<-b.done
	return b.err
}

// join puts an entry into the next batch, which whoever is the first in it has to write.
func (j *Journal) join(entry []byte) (b *batch, first bool) {
	j.joining.Lock()
	defer j.joining.Unlock()
	if first = j.next == nil; first {
		j.next = &batch{done: make(chan struct{}), err: errNotWritten}
	}
	j.next.lines = append(append(j.next.lines, entry...), '\n')
	return j.next, first
}

// write writes a batch as soon as the one before it is written.
func (j *Journal) write(b *batch) {
	j.mu.Lock()
	defer j.mu.Unlock()
	defer close(b.done)
	j.joining.Lock()
	j.next = nil // who comes from now on is in another
	j.joining.Unlock()
	b.err = j.writeSafely(b.lines)
}

func (j *Journal) writeSafely(lines []byte) error {
	for {
		if err := j.writeOnce(lines); err != nil {
			return fmt.Errorf("write the journal: %w", errors.Join(err, j.abandon())) // half a line may be there: go on in another file
		}
		if j.stillThere() {
			return nil
		}
		if err := j.close(); err != nil {
			return fmt.Errorf("close the journal: %w", err)
		}
	}
}

func (j *Journal) writeOnce(lines []byte) error {
	if err := j.open(); err != nil {
		return err
	}
	if _, err := j.file.Write(lines); err != nil {
		return err
	}
	err := j.Sync(j.file)
	faults.Point("journal written")
	return err
}

// stillThere tells whether the file has its name: a replay, of ours or of another process, has not begun to read it.
func (j *Journal) stillThere() bool {
	named, err := os.Stat(j.file.Name())
	if err != nil {
		return false
	}
	ours, err := j.file.Stat()
	return err == nil && os.SameFile(named, ours)
}

func (j *Journal) open() error {
	if j.file != nil {
		return nil
	}
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		return err
	}
	name := fmt.Sprintf("%020d_%s%s", time.Now().UnixNano(), rand.Text(), writing)                             // sorted, they are in the order of their time
	file, err := os.OpenFile(filepath.Join(j.dir, name), os.O_CREATE|os.O_EXCL|os.O_APPEND|os.O_WRONLY, 0o600) // #nosec G304 -- the path is the operator's or made of our own ids
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

// abandon closes a file that could not be written. On a full disk not even the first byte found room, and an empty file for each entry that
// is refused would be all that is left of them.
func (j *Journal) abandon() error {
	file := j.file
	err := j.close()
	if file == nil {
		return err
	}
	if info, gone := os.Stat(file.Name()); gone == nil && info.Size() == 0 {
		err = errors.Join(err, os.Remove(file.Name()))
	}
	return err
}

// syncFolder makes the name of a new file as safe as its content. Windows has no words for it, and does so by itself.
func syncFolder(dir string) error {
	d, err := os.Open(dir) // #nosec G304 -- the path is the operator's or made of our own ids
	if err != nil {
		return err
	}
	_ = d.Sync()
	return d.Close()
}

// Empty tells whether there is nothing to replay.
func (j *Journal) Empty() bool { return len(j.files(writing)) == 0 && len(j.files(written)) == 0 }

// files are those with an ending, the oldest first.
func (j *Journal) files(ending string) []string {
	files, err := filepath.Glob(filepath.Join(j.dir, "*"+ending))
	if err != nil {
		return nil // the pattern is malformed: the folder's name has brackets in it
	}
	slices.Sort(files)
	return files
}

// Replay hands out every entry, the oldest file first, until do fails. An entry may be handed out again later: whoever takes it must not
// mind.
func (j *Journal) Replay(do func(entry []byte) error) error {
	if err := j.take(); err != nil {
		return err
	}
	for _, name := range j.files(written) {
		if err := j.replay(name, do); err != nil {
			return err
		}
	}
	return nil
}

// take renames what is being written, so that it can be read. Windows does not let go of a file that another process writes: that one
// renames it itself.
func (j *Journal) take() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.close(); err != nil {
		return fmt.Errorf("close the journal: %w", err)
	}
	for _, name := range j.files(writing) {
		_ = os.Rename(name, strings.TrimSuffix(name, writing)+written) // another process was faster, or holds it
	}
	return nil
}

func (j *Journal) replay(name string, do func([]byte) error) error {
	text, err := os.ReadFile(name) // #nosec G304 -- the path is the operator's or made of our own ids
	if errors.Is(err, os.ErrNotExist) {
		return nil // another process was faster
	}
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	for entry := range bytes.Lines(text) {
		if err := do(bytes.TrimSuffix(entry, []byte("\n"))); err != nil {
			return err
		}
	}
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
