// Package recordings keeps audio: in a folder, or in a bucket of any S3-compatible server.
//
// It promises that a recording is either there whole or not there at all, that what is there is WAV or MP3 and called so,
// whatever its sender called it, and that Put returns only once the bytes would survive a crash of this process and, in a
// folder, of the machine.
package recordings

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// MaxSize is the largest recording that is kept; ten minutes of telephone audio are a tenth of it.
const MaxSize = 100 << 20

var (
	// ErrNotFound says that there is no such recording.
	ErrNotFound = errors.New("no such recording")
	// ErrNotAudio says that the bytes are neither WAV nor MP3.
	ErrNotAudio = errors.New("neither WAV nor MP3")
	// ErrLength says that there were more or fewer bytes than announced, by the sender or by the audio itself.
	ErrLength = errors.New("not as long as announced")
	// ErrTooLarge says that there were more than MaxSize bytes.
	ErrTooLarge = errors.New("larger than 100 MiB")
	// ErrKey says that a key is not of the form prefix_id.
	ErrKey = errors.New("malformed key")
)

var wellFormed = regexp.MustCompile(`^[a-z]{1,20}_[0-9a-z]{1,100}$`)

// Store is an open bucket, safe for concurrent use.
type Store struct {
	bucket *blob.Bucket
	settle func(key string) error // makes a written recording outlive a crash of the machine
	intact intact
	read   atomic.Int64
}

// BytesRead is how many bytes of recordings were read from the bucket.
func (s *Store) BytesRead() int64 { return s.read.Load() }

// Stored is what is known of a recording once it is kept.
type Stored struct {
	Size        int64
	SHA256      string // in lower-case hex
	ContentType string
	Duration    time.Duration // 0 when the audio does not tell
}

// Open opens the bucket that rawURL, the value of RECORDINGS_URL, names: file:///a/folder, made when it is missing, or
// s3://bucket with the parameters of gocloud.dev/blob/s3blob. An S3 server is not contacted before it is needed.
func Open(ctx context.Context, rawURL string) (*Store, error) {
	scheme, rest, _ := strings.Cut(rawURL, "://")
	var store *Store
	var err error
	switch scheme {
	case "file":
		store, err = openFolder(rest)
	case "s3":
		store, err = openS3(ctx, rawURL)
	default:
		err = errors.New("want file:///a/folder or s3://bucket")
	}
	if err != nil {
		return nil, fmt.Errorf("RECORDINGS_URL: %w", err)
	}
	return store, nil
}

// Close releases what the bucket holds; readers still open are not waited for.
func (s *Store) Close() error {
	if err := s.bucket.Close(); err != nil {
		return fmt.Errorf("close recordings: %w", err)
	}
	return nil
}

// Delete removes a recording; one that is not there counts as removed.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if err := s.bucket.Delete(ctx, key); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
		return fmt.Errorf("delete recording %s: %w", key, err)
	}
	return nil
}

// Check writes, reads and deletes a probe, to tell whether the bucket can be used.
func (s *Store) Check(ctx context.Context) error {
	key := "probe_" + strings.ToLower(rand.Text())
	if err := s.bucket.WriteAll(ctx, key, []byte(key), nil); err != nil {
		return fmt.Errorf("write a probe: %w", err)
	}
	read, err := s.bucket.ReadAll(ctx, key)
	if err != nil {
		err = fmt.Errorf("read the probe: %w", err)
	} else if string(read) != key {
		err = errors.New("the probe reads differently from how it was written")
	}
	if gone := s.bucket.Delete(ctx, key); gone != nil {
		err = errors.Join(err, fmt.Errorf("delete the probe: %w", gone))
	}
	return err
}

func checkKey(key string) error {
	if !wellFormed.MatchString(key) {
		return fmt.Errorf("recording %q: %w", key, ErrKey)
	}
	return nil
}
