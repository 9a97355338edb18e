package recordings

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"gocloud.dev/blob/fileblob"
)

// stranded is the age at which a half-written file belongs to no living process: copying one recording takes ten minutes at most.
const stranded = time.Hour

// halfWritten is how fileblob names a recording that it has not finished.
var halfWritten = regexp.MustCompile(`^[a-z]+_[0-9a-z]+\.[0-9a-f]+\.tmp$`)

// FolderURL is the address of a folder, as Open wants it, whatever characters the folder's path has.
func FolderURL(dir string) string {
	path := filepath.ToSlash(dir)
	if filepath.VolumeName(dir) != "" && !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	if !strings.HasPrefix(path, "/") {
		path = "./" + path
	}
	return "file://" + (&url.URL{Path: path}).EscapedPath()
}

func openFolder(address string) (*Store, error) {
	dir, err := folderPath(address, runtime.GOOS == "windows")
	if err != nil {
		return nil, err
	}
	// A recording is one file here, made by one rename: its type is told by its bytes, since a second file beside it could be
	// half-written, lost or older. The temporary file is in the folder, because a rename does not reach another disk.
	bucket, err := fileblob.OpenBucket(dir, &fileblob.Options{CreateDir: true, DirFileMode: 0o700, NoTempDir: true, Metadata: fileblob.MetadataDontWrite})
	if err != nil {
		return nil, fmt.Errorf("open the folder: %w", withoutPath(err))
	}
	// A folder of somebody else's, or on a disk without modes, stays as it is.
	_ = os.Chmod(dir, 0o700) // #nosec G302 -- a folder needs the execute bit
	if err := sweep(dir, time.Now().Add(-stranded)); err != nil {
		return nil, errors.Join(fmt.Errorf("sweep the folder: %w", withoutPath(err)), bucket.Close())
	}
	return &Store{bucket: bucket, settle: func(key string) error { return settle(dir, key) }}, nil
}

// withoutPath keeps the setting that the path comes from out of the error.
func withoutPath(err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}

// folderPath reads what follows file:// as text, since file://./data and file://C:\data are no URLs but are what people write.
func folderPath(address string, windows bool) (string, error) {
	if strings.ContainsAny(address, "?#") {
		return "", errors.New("a file:// address takes no parameters")
	}
	if rest, local := strings.CutPrefix(address, "localhost/"); local {
		address = "/" + rest
	}
	path, err := url.PathUnescape(address)
	if err != nil {
		return "", errors.New("a % in the path of a folder must be written as %25")
	}
	if windows {
		path = strings.ReplaceAll(path, `\`, "/")
		if bare := strings.TrimPrefix(path, "/"); drive(bare) {
			return strings.ReplaceAll(bare, "/", `\`), nil
		}
	}
	if path == "." || strings.HasPrefix(path, "/") || strings.HasPrefix(path, "./") || strings.HasPrefix(path, "../") {
		return filepath.FromSlash(path), nil
	}
	return "", errors.New("the folder is neither absolute, as in file:///a/folder, nor begins with a dot")
}

// drive tells C:/folder from C:folder, which means another folder at each start.
func drive(path string) bool {
	return len(path) >= 3 && path[1:3] == ":/" && (path[0]|0x20) >= 'a' && (path[0]|0x20) <= 'z'
}

// batch is how many files are looked at together.
const batch = 1000

// sweep removes what killed processes left half-written, and makes files their owner's only: earlier versions made some that others can read.
// It looks at the first thousand and at one of each further thousand, and at all when one of these was to be changed.
func sweep(dir string, before time.Time) error {
	changed, err := sweepSome(dir, before, false)
	if err != nil || !changed {
		return err
	}
	_, err = sweepSome(dir, before, true)
	return err
}

func sweepSome(dir string, before time.Time, all bool) (changed bool, err error) {
	folder, err := os.Open(dir) // #nosec G304 -- the path is the operator's or made of our own ids
	if err != nil {
		return false, err
	}
	defer folder.Close()
	for first := true; ; first = false {
		entries, err := folder.ReadDir(batch)
		for i, entry := range entries {
			one, err := sweepEntry(dir, entry, before, all || first || i == 0)
			if err != nil {
				return changed, err
			}
			changed = changed || one
		}
		if err != nil {
			return changed, ignore(err, io.EOF)
		}
	}
}

const private = 0o600

// sweepEntry tells whether a file was made its owner's only.
func sweepEntry(dir string, entry fs.DirEntry, before time.Time, look bool) (changed bool, err error) {
	half := halfWritten.MatchString(entry.Name())
	if !entry.Type().IsRegular() || !half && !look {
		return false, nil
	}
	path := filepath.Join(dir, entry.Name())
	info, err := entry.Info()
	switch {
	case err != nil:
	case half && info.ModTime().Before(before):
		err = os.Remove(path)
	case info.Mode().Perm()&^private != 0 && runtime.GOOS != "windows": // which has no such modes
		err = os.Chmod(path, private)
		changed = err == nil
		err = ignore(err, fs.ErrPermission) // somebody else's file is theirs
	}
	return changed, ignore(err, fs.ErrNotExist)
}

func ignore(err, harmless error) error {
	if errors.Is(err, harmless) {
		return nil
	}
	return err
}

// settle makes a recording its owner's only, and forces it and its name to the disk: a rename alone survives no power cut.
func settle(dir, key string) error {
	if err := os.Chmod(filepath.Join(dir, key), private); err != nil {
		return err
	}
	if err := syncFile(filepath.Join(dir, key), os.O_RDWR); err != nil {
		return err
	}
	if runtime.GOOS == "windows" {
		return nil // where a folder cannot be flushed, and renames are journalled
	}
	return syncFile(dir, os.O_RDONLY)
}

func syncFile(path string, flag int) error {
	f, err := os.OpenFile(path, flag, 0) // #nosec G304 -- the path is the operator's or made of our own ids
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
