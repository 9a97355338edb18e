package doctor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/maskline/maskline/internal/twilio"
)

// before is where numbers led before we first changed them.
type before struct {
	Numbers []kept `json:"numbers"`
}

// kept is one number, as it was.
type kept struct {
	Account     string    `json:"account_sid"`
	SID         string    `json:"sid"`
	PhoneNumber string    `json:"phone_number"`
	At          time.Time `json:"kept_at"`
	twilio.Routing
}

// keep writes a number down, unless an older state of it already is.
func (b *before) keep(account string, n twilio.Number, now time.Time) {
	if !slices.ContainsFunc(b.Numbers, func(k kept) bool { return k.SID == n.SID }) {
		b.Numbers = append(b.Numbers, kept{account, n.SID, n.PhoneNumber, now.UTC().Truncate(time.Second), n.Routing})
	}
}

func (b *before) forget(sid string) {
	b.Numbers = slices.DeleteFunc(b.Numbers, func(k kept) bool { return k.SID == sid })
}

// of are the numbers of one account: a folder may have served another one.
func (b *before) of(account string) (mine []kept) {
	for _, k := range b.Numbers {
		if k.Account == account {
			mine = append(mine, k)
		}
	}
	return mine
}

// BeforeFile is where [Fix] writes down how things were.
func (p Patient) BeforeFile() string { return filepath.Join(p.DataDir, "twilio-before.json") }

// readBefore refuses a file that it does not understand, lest it be written over.
func (p Patient) readBefore() (b before, err error) {
	text, err := os.ReadFile(p.BeforeFile())
	if errors.Is(err, fs.ErrNotExist) {
		return before{}, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &b)
	}
	if err != nil {
		return before{}, fmt.Errorf("read how the numbers were set before: %s: %w", p.BeforeFile(), err)
	}
	return b, nil
}

// writeBefore puts the new file in the place of the old one in one step. Of nothing there is no file.
func (p Patient) writeBefore(b before) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write down how the numbers were set before: %w", err)
		}
	}()
	if len(b.Numbers) == 0 {
		if err := os.Remove(p.BeforeFile()); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	text, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(p.DataDir, 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(p.DataDir, ".twilio-before-*.tmp") // readable by nobody else: addresses may have passwords in them
	if err != nil {
		return err
	}
	_, err = temp.Write(append(text, '\n'))
	if err = errors.Join(err, temp.Sync(), temp.Close()); err == nil {
		err = os.Rename(temp.Name(), p.BeforeFile())
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}
