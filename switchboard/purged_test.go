package switchboard_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"github.com/maskline/maskline/ent/viewer"
	"github.com/maskline/maskline/ent/voicemail"
	"github.com/maskline/maskline/internal/jobs"
	"github.com/maskline/maskline/internal/journal"
	"github.com/maskline/maskline/internal/recordings"
	"github.com/maskline/maskline/phone"
	"github.com/maskline/maskline/switchboard"
)

// traces is a desk whose every file and table is searched.
type traces struct {
	*desk
	dirs []string
}

// traced gives the desk folders that the test knows.
func traced(d *desk) *traces {
	d.t.Helper()
	w := &traces{desk: d, dirs: []string{d.t.TempDir(), d.t.TempDir()}}
	store, err := recordings.Open(d.ctx, recordings.FolderURL(w.dirs[0]))
	d.check(err)
	d.t.Cleanup(func() { d.check(store.Close()) })
	d.Recordings, d.Journal = store, journal.New(w.dirs[1])
	if d.db.Dialect() == dialect.SQLite {
		file, _, _ := strings.Cut(strings.TrimPrefix(d.db.DSN(), "file:"), "?")
		w.dirs = append(w.dirs, filepath.Dir(file))
	}
	return w
}

// secrets are what one caller leaves: the number, the words and the sound of a message. Each has letters that nothing else has.
type secrets struct{ number, words, sound string }

func secretsOf(n int) secrets {
	return secrets{fmt.Sprintf("+1555987%04d", n), fmt.Sprintf("The code is 龘靐麤%c, %d.", '一'+rune(n), 7_000_000+n), fmt.Sprintf("<sound %07d>", n)}
}

// leaves is a call of one who leaves a message, with all that is written of it on its way; every other one comes while the database is away.
func (w *traces) leaves(n int) {
	w.t.Helper()
	s := secretsOf(n)
	in := phone.Incoming{CallSID: incoming(n).CallSID, From: s.number, To: mask, Status: "ringing", Form: "From=" + s.number + "&CallStatus=ringing"}
	_, err := w.Receive(w.ctx, in)
	w.check(err)
	_, err = w.Dialled(w.ctx, in, unanswered)
	w.check(err)
	samples := bytes.Repeat([]byte(s.sound), 3200)
	sound := bytes.Clone(message[:44])
	putLE(sound[4:], uint32(36+len(samples)))
	putLE(sound[40:], uint32(len(samples)))
	w.answers(http.StatusOK, string(append(sound, samples...)))
	told := switchboard.Transcript{RecordingSID: recording(n), Completed: true, Text: s.words}
	if n%2 == 0 {
		w.check(w.ReportedAway(in, phone.Reported{RecordingSID: recording(n), Status: "completed", Seconds: 7}))
		w.check(w.TranscribedAway(in, told))
		w.check(w.Replay(w.ctx))
	} else {
		w.check(w.Reported(w.ctx, in, phone.Reported{RecordingSID: recording(n), Status: "completed", Seconds: 7}))
		w.check(w.Transcribed(w.ctx, in, told))
	}
	w.check(w.Ended(w.ctx, in, switchboard.Over{Status: "completed"}))
	w.check(w.work())
	v := w.db.Client().Voicemail.Query().Where(voicemail.RecordingSid(recording(n))).OnlyX(w.ctx)
	if v.Audio != phone.AudioStored || v.Transcript == nil || v.From != s.number {
		w.t.Fatalf("voicemail %d has no sound, words or number: %v", n, v)
	}
}

func putLE(b []byte, n uint32) {
	b[0], b[1], b[2], b[3] = byte(n), byte(n>>8), byte(n>>16), byte(n>>24)
}

// found tells where a text is: in which files and tables.
func (w *traces) found(text string) (where []string) {
	w.t.Helper()
	for _, dir := range w.dirs {
		err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			content, err := os.ReadFile(path)
			if bytes.Contains(content, []byte(text)) {
				where = append(where, filepath.Base(path))
			}
			return err
		})
		w.check(err)
	}
	list := "SELECT name FROM sqlite_master WHERE type = 'table'"
	if w.db.Dialect() == dialect.Postgres {
		list = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
	}
	for _, table := range w.column(list) {
		if bytes.Contains([]byte(strings.Join(w.column("SELECT * FROM "+table), "\n")), []byte(text)) {
			where = append(where, table)
		}
	}
	return where
}

// column is each row of a query as a text.
func (w *traces) column(query string) (texts []string) {
	w.t.Helper()
	rows, err := w.db.Writer().QueryContext(w.ctx, query)
	w.check(err)
	defer rows.Close()
	columns, err := rows.Columns()
	w.check(err)
	for rows.Next() {
		values, places := make([]sql.Null[any], len(columns)), make([]any, len(columns))
		for i := range values {
			places[i] = &values[i]
		}
		w.check(rows.Scan(places...))
		parts := make([]string, len(values))
		for i, v := range values {
			if b, ok := v.V.([]byte); ok {
				v.V = string(b)
			}
			parts[i] = fmt.Sprint(v.V)
		}
		texts = append(texts, strings.Join(parts, "|"))
	}
	w.check(rows.Err())
	return texts
}

func (w *traces) gone(what string, texts ...string) {
	w.t.Helper()
	for _, text := range texts {
		if where := w.found(text); len(where) > 0 {
			w.t.Errorf("%s: %q is still in %v", what, text, where)
		}
	}
}

func (w *traces) keepHouse() {
	w.t.Helper()
	w.check(w.Work()[jobs.KeepHouse](w.ctx, jobs.Job{Kind: jobs.KeepHouse}))
	w.answers(http.StatusNoContent, "") // Twilio deletes
	w.check(w.work())
	w.check(w.Work()[jobs.KeepHouse](w.ctx, jobs.Job{Kind: jobs.KeepHouse}))
}

// TestNothingIsLeftOfAPurgedVoicemail looks into every file and table: first for words and sound, then, when its call is old, for the number.
func TestNothingIsLeftOfAPurgedVoicemail(t *testing.T) {
	each(t, func(d *desk) {
		d.Settings.BinDays, d.Settings.RawDays, d.Settings.AuditDays = 7, 30, 365
		owner, _, _ := d.number(-1, -1)
		w := traced(d)
		const messages = 12
		for n := 1; n <= messages; n++ {
			w.leaves(n)
		}
		stranger := secretsOf(messages + 1) // calls a number that is not ours yet: it is set aside
		w.check(w.Reported(w.ctx, phone.Incoming{CallSID: incoming(99).CallSID, From: stranger.number, To: "+15550009999", Form: "From=" + stranger.number},
			phone.Reported{RecordingSID: recording(99), Status: "completed"}))
		for _, text := range []string{secretsOf(1).words, secretsOf(2).number, secretsOf(3).sound, stranger.number} {
			if len(w.found(text)) == 0 {
				w.t.Fatalf("%q is nowhere: the test sees nothing", text)
			}
		}

		purged, kept := []string{}, []string{}
		for n := 1; n <= messages; n++ {
			v := w.db.Client().Voicemail.Query().Where(voicemail.RecordingSid(recording(n))).OnlyX(w.ctx)
			if n%3 == 0 {
				kept = append(kept, v.ID)
			} else {
				purged = append(purged, v.ID)
			}
		}
		as := viewer.With(w.t.Context(), viewer.Viewer{ID: owner, Role: phone.RoleOwner})
		w.check(w.Mark(as, purged, true))
		w.check(w.Delete(as, purged))
		w.wait(8 * 24 * time.Hour)
		w.keepHouse()
		for n := 1; n <= messages; n++ {
			s := secretsOf(n)
			if n%3 != 0 {
				w.gone("after BIN_DAYS", s.words, fmt.Sprint(7_000_000+n), "靐麤"+string('一'+rune(n)), s.sound)
			} else if len(w.found(s.words)) == 0 || len(w.found(s.sound)) == 0 {
				w.t.Errorf("message %d is gone, and was not deleted", n)
			}
		}
		for _, id := range purged {
			if v := w.db.Client().Voicemail.GetX(w.ctx, id); v.From != phone.Anonymous || v.AudioSha256 != "" {
				w.t.Errorf("the purged voicemail is %v", v)
			}
		}

		w.wait(366 * 24 * time.Hour)
		w.keepHouse()
		for n := 1; n <= messages; n++ {
			if n%3 != 0 {
				w.gone("after CALL_DAYS", secretsOf(n).number, secretsOf(n).number[1:])
			}
		}
		w.gone("after RAW_WEBHOOK_DAYS", stranger.number[1:])
		for i, id := range kept {
			if v := w.db.Client().Voicemail.GetX(w.ctx, id); v.CallID != nil || v.From != secretsOf(3*(i+1)).number || v.Audio != phone.AudioStored {
				w.t.Errorf("the voicemail that was kept is %v, want it without its call", v)
			}
		}
	})
}

func TestCallsGoWhenTheyAreOld(t *testing.T) {
	each(t, func(d *desk) {
		d.Settings.CallDays, d.Settings.BinDays, d.Settings.RawDays = 30, 7, 30
		d.number(-1, -1)
		for n := range 130 { // more than go at once
			d.check(d.Ended(d.ctx, d.led(n), switchboard.Over{Status: "completed"}))
		}
		d.led(500) // has not ended
		d.wait(time.Hour)
		d.check(d.Ended(d.ctx, d.led(501), switchboard.Over{Status: "completed"}))
		keepHouse := func(want int) {
			d.t.Helper()
			d.check(d.Work()[jobs.KeepHouse](d.ctx, jobs.Job{Kind: jobs.KeepHouse}))
			if n := d.db.Client().Call.Query().CountX(d.ctx); n != want {
				d.t.Errorf("%d calls are left, want %d", n, want)
			}
		}
		d.wait(30*24*time.Hour - time.Hour)
		d.check(d.work()) // gives back what was reserved for them
		keepHouse(132)
		d.wait(time.Second)
		keepHouse(2)
		d.wait(time.Hour)
		keepHouse(1)
		if c := d.db.Client().Call.Query().OnlyX(d.ctx); c.CallSid != incoming(500).CallSID {
			d.t.Errorf("the call that is left is %v, want the one that has not ended", c)
		}
	})
}
