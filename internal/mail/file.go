package mail

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

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
	if err = errors.Join(err, temp.Sync(), temp.Close()); err == nil {
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
	folder, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("open folder for mails: %w", err)
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return fmt.Errorf("sync folder for mails: %w", err)
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
