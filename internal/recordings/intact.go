package recordings

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// ErrChanged says that a recording is not any more what was stored.
var ErrChanged = errors.New("the stored recording has changed")

// version is what a bucket tells of an object without reading it, and the SHA-256 that it must have.
type version struct {
	key, sha, etag string
	size           int64
	modified       time.Time
}

// intact remembers which versions were read and found to be what was stored, with their content types.
type intact struct {
	mu    sync.Mutex
	types map[version]string
}

const intactAtMost = 10_000

func (c *intact) contentType(v version) (contentType string, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	contentType, known = c.types[v]
	return contentType, known
}

// add forgets any other version when there is no room.
func (c *intact) add(v version, contentType string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for other := range c.types {
		if len(c.types) < intactAtMost {
			break
		}
		delete(c.types, other)
	}
	if c.types == nil {
		c.types = map[version]string{}
	}
	c.types[v] = contentType
}

// Verify reads a recording and compares it with the SHA-256 that it had when it was stored.
func (s *Store) Verify(ctx context.Context, key, sha string) error {
	audio, err := s.attributes(ctx, key)
	if err != nil {
		return err
	}
	return s.verify(audio, sha)
}

// OpenIntact opens a recording that has this SHA-256. It reads the recording to compare it once for each version of the object: the size, the
// time of its last change and the ETag tell versions apart. A version that was compared before is opened without reading anything.
func (s *Store) OpenIntact(ctx context.Context, key, sha string) (*Audio, error) {
	audio, err := s.attributes(ctx, key)
	if err != nil {
		return nil, err
	}
	contentType, known := s.intact.contentType(audio.version(sha))
	if known {
		audio.ContentType = contentType
		return audio, nil
	}
	if err := s.verify(audio, sha); err != nil {
		return nil, err
	}
	_, err = audio.Seek(0, io.SeekStart)
	return audio, err
}

// verify reads audio to its end, and closes it.
func (s *Store) verify(audio *Audio, sha string) error {
	version := audio.version(sha)
	err := audio.findType()
	if errors.Is(err, ErrNotAudio) {
		return errors.Join(fmt.Errorf("recording %s: %w: %w", audio.key, ErrChanged, err), audio.Close())
	}
	h := sha256.New()
	if err == nil {
		_, err = io.Copy(h, audio)
	}
	if err := errors.Join(err, audio.Close()); err != nil {
		return fmt.Errorf("verify recording %s: %w", audio.key, err)
	}
	if hex.EncodeToString(h.Sum(nil)) != sha {
		return fmt.Errorf("recording %s: %w", audio.key, ErrChanged)
	}
	s.intact.add(version, audio.ContentType)
	return nil
}

func (a *Audio) version(sha string) version {
	return version{key: a.key, sha: sha, etag: a.ETag, size: a.Size, modified: a.ModTime.UTC()}
}
