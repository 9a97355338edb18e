package recordings

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

func TestFolderPath(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		address, unix, windows string // "": refused
	}{
		{"/var/lib/a b", "/var/lib/a b", "/var/lib/a b"},
		{"/var/lib/a%20b%25", "/var/lib/a b%", "/var/lib/a b%"},
		{"localhost/var/lib", "/var/lib", "/var/lib"},
		{"./data/recordings", "./data/recordings", "./data/recordings"},
		{"../data", "../data", "../data"},
		{`.\data`, "", "./data"},
		{"/C:/Data/recordings", "/C:/Data/recordings", `C:\Data\recordings`},
		{"C:/Data", "", `C:\Data`},
		{`C:\Data/recordings`, "", `C:\Data\recordings`},
		{`//server/share/x`, "//server/share/x", "//server/share/x"},
		{"C:Data", "", ""},
		{"data", "", ""},
		{"", "", ""},
		{"/a?create_dir=1", "", ""},
		{"/a#b", "", ""},
		{"/a%zz", "", ""},
	} {
		for windows, want := range map[bool]string{false: c.unix, true: c.windows} {
			got, err := folderPath(c.address, windows)
			if want != "" && !drive(filepath.ToSlash(want)) {
				want = filepath.FromSlash(want)
			}
			if got != want || (err == nil) != (want != "") {
				t.Errorf("%s, on Windows %t: got %q, %v; want %q", c.address, windows, got, err, want)
			}
		}
	}
}

func TestFolderURL(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{t.TempDir(), filepath.Join(t.TempDir(), "a b", "50%", "q?x#y", "ü"), "data", filepath.Join(".", "data"), "."} {
		got, err := folderPath(FolderURL(dir)[len("file://"):], runtime.GOOS == "windows")
		if err != nil || filepath.Clean(got) != filepath.Clean(dir) {
			t.Errorf("%s became %s, %v", dir, got, err)
		}
	}
}

func TestFolderIsMadeForItsOwnerOnly(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such permissions")
	}
	dir := filepath.Join(t.TempDir(), "a", "b")
	store, err := Open(t.Context(), FolderURL(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("got %v, %v", info, err)
	}
}

func TestSweepRemovesOnlyWhatIsOldAndOurs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old := time.Now().Add(-2 * stranded)
	for name, at := range map[string]time.Time{"rec_1.18a.tmp": old, "rec_2.18a.tmp": time.Now(), "rec_3": old, "rec_3.attrs": old, "notes.tmp": old} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	store, err := Open(t.Context(), FolderURL(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for name, want := range map[string]bool{"rec_1.18a.tmp": false, "rec_2.18a.tmp": true, "rec_3": true, "rec_3.attrs": true, "notes.tmp": true} {
		if _, err := os.Stat(filepath.Join(dir, name)); errors.Is(err, fs.ErrNotExist) == want {
			t.Errorf("%s is there: %t, want %t", name, !want, want)
		}
	}
}

func TestRecordingIsOneFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store, err := Open(t.Context(), FolderURL(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, err := store.Put(t.Context(), "rec_1", bytes.NewReader([]byte{0xFF, 0xFB, 0x90, 0x00}), 4); err != nil {
		t.Fatal(err)
	}
	if err := store.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 || entries[0].Name() != "rec_1" {
		t.Errorf("the folder has %v, %v", entries, err)
	}
}

func TestTypeIsToldByTheBytes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store, err := Open(t.Context(), FolderURL(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	mp3 := append([]byte{0xFF, 0xFB, 0x90, 0x00}, bytes.Repeat([]byte("x"), 9000)...)
	for name, content := range map[string][]byte{"rec_mp3": mp3, "rec_page": []byte("<html>"), "rec_empty": nil} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	audio, err := store.Open(t.Context(), "rec_mp3")
	if err != nil || audio.ContentType != typeMP3 {
		t.Fatalf("got %+v, %v", audio, err)
	}
	defer audio.Close()
	var read bytes.Buffer
	if _, err := read.ReadFrom(audio); err != nil || !bytes.Equal(read.Bytes(), mp3) {
		t.Errorf("read %d bytes, %v", read.Len(), err)
	}
	for _, key := range []string{"rec_page", "rec_empty"} {
		if _, err := store.Open(t.Context(), key); !errors.Is(err, ErrNotAudio) {
			t.Errorf("%s: got %v", key, err)
		}
	}
}

func TestFilesAndFolderBecomeTheirOwnersOnly(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("files have no modes here")
	}
	dir := filepath.Join(t.TempDir(), "recordings")
	mode := func(path string) fs.FileMode {
		t.Helper()
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode().Perm()
	}
	open := func() *Store {
		t.Helper()
		store, err := Open(t.Context(), FolderURL(dir))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		return store
	}
	for range 2 { // of an earlier version, and made so by somebody since
		err := errors.Join(os.MkdirAll(dir, 0o755), os.Chmod(dir, 0o755))
		for i := range 2500 {
			old := filepath.Join(dir, fmt.Sprintf("vm_%d", i))
			err = errors.Join(err, os.WriteFile(old, []byte("RIFF"), 0o644), os.Chmod(old, 0o644))
		}
		if err != nil {
			t.Fatal(err)
		}
		open()
		if mode(dir) != 0o700 {
			t.Errorf("the folder has mode %o, want 700", mode(dir))
		}
		for i := range 2500 {
			if got := mode(filepath.Join(dir, fmt.Sprintf("vm_%d", i))); got != 0o600 {
				t.Fatalf("file %d has mode %o, want 600", i, got)
			}
		}
	}
	audio := append([]byte{0xFF, 0xFB, 0x90, 0x00}, make([]byte, 500)...)
	if _, err := open().Put(t.Context(), "vm_new", bytes.NewReader(audio), -1); err != nil {
		t.Fatal(err)
	}
	if got := mode(filepath.Join(dir, "vm_new")); got != 0o600 {
		t.Errorf("a new file has mode %o, want 600", got)
	}
}
