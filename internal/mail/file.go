package mail

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

func makeFolder(dir string) error {
	if dir == "" {
		return errors.New("neither a mail server nor a folder for mails is set")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make folder for mails: %w", err)
	}
	return nil
}

// save writes the mail beside its place and then moves it there, so that whoever watches the folder sees whole mails only.
func (s *Sender) save(ctx context.Context, id string, msg *gomail.Msg) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	temp, err := os.CreateTemp(s.dir, "."+id+"-*.tmp")
	if err != nil {
		return fmt.Errorf("create mail file: %w", err)
	}
	_, err = msg.WriteTo(temp)
	// The time of the file is that of our clock, by which it is deleted one day.
	if err = errors.Join(err, temp.Sync(), temp.Close(), os.Chtimes(temp.Name(), time.Time{}, s.now())); err == nil {
		err = os.Rename(temp.Name(), filepath.Join(s.dir, id+".eml"))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write mail file: %w", err), os.Remove(temp.Name()))
	}
	return syncFolder(s.dir)
}

// syncFolder makes the new name outlive a power cut; Windows journals names and cannot flush a folder.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder, err := os.Open(dir) // #nosec G304 -- the path is the operator's or made of our own ids
	if err != nil {
		return fmt.Errorf("open folder for mails: %w", err)
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return fmt.Errorf("sync folder for mails: %w", err)
	}
	return nil
}

// Discard deletes the files of mails, of those that are files.
func (s *Sender) Discard(ids ...string) error {
	for _, id := range ids {
		if !plainID.MatchString(id) {
			continue // it was never written
		}
		if err := os.Remove(filepath.Join(s.dir, id+".eml")); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("delete mail file: %w", err)
		}
	}
	return nil
}

// DiscardBefore deletes the files of all mails that were written before a time, and what an interrupted writing left.
func (s *Sender) DiscardBefore(before time.Time) error {
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // all mails go to a server
	}
	if err != nil {
		return fmt.Errorf("read folder for mails: %w", err)
	}
	for _, e := range entries {
		if ours := strings.HasSuffix(e.Name(), ".eml") || strings.HasSuffix(e.Name(), ".tmp"); !ours || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if err == nil && info.ModTime().Before(before) {
			err = os.Remove(filepath.Join(s.dir, e.Name()))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("delete mail file: %w", err)
		}
	}
	return nil
}

func (s *Sender) probe() error {
	temp, err := os.CreateTemp(s.dir, ".probe-*.tmp")
	if err != nil {
		return fmt.Errorf("create mail file: %w", err)
	}
	return errors.Join(temp.Close(), os.Remove(temp.Name()))
}
