package recordings

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// Audio is one recording, open for reading from any place. It fetches nothing until it is read, and then only from the place
// last sought, which is what http.ServeContent wants of a range; it is for one goroutine.
type Audio struct {
	Size        int64
	ModTime     time.Time
	ContentType string // audio/wav or audio/mpeg, nothing else
	ETag        string

	ctx   context.Context // of the request that reads, as of every read below io.Reader
	store *Store
	key   string
	at    int64
	part  *blob.Reader // nil until read, and after a move
}

var errBeforeStart = errors.New("sought before the start")

// Open opens a recording for reading within ctx; it fails with ErrNotFound when there is none.
func (s *Store) Open(ctx context.Context, key string) (*Audio, error) {
	a, err := s.attributes(ctx, key)
	if err != nil {
		return nil, err
	}
	if err := a.findType(); err != nil {
		return nil, errors.Join(fmt.Errorf("open recording %s: %w", key, err), a.Close())
	}
	return a, nil
}

// attributes opens a recording without reading it; its content type is what the bucket says.
func (s *Store) attributes(ctx context.Context, key string) (*Audio, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	attrs, err := s.bucket.Attributes(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("open recording %s: %w", key, named(err))
	}
	return &Audio{Size: attrs.Size, ModTime: attrs.ModTime, ContentType: attrs.ContentType, ETag: attrs.ETag, ctx: ctx, store: s, key: key}, nil
}

// findType reads the beginning of a recording whose bucket keeps no type, or another than ours.
func (a *Audio) findType() error {
	if a.ContentType == typeWAV || a.ContentType == typeMP3 {
		return nil
	}
	head := make([]byte, min(headSize, a.Size))
	if _, err := io.ReadFull(a, head); err != nil {
		return fmt.Errorf("read its beginning: %w", err)
	}
	kind, err := recognize(head)
	if err != nil {
		return err
	}
	a.ContentType = kind.contentType
	_, err = a.Seek(0, io.SeekStart)
	return err
}

// Read reads on from the present place.
func (a *Audio) Read(p []byte) (int, error) {
	if a.at >= a.Size {
		return 0, io.EOF
	}
	if a.part == nil {
		part, err := a.store.bucket.NewRangeReader(a.ctx, a.key, a.at, -1, nil)
		if err != nil {
			return 0, fmt.Errorf("read recording %s: %w", a.key, named(err))
		}
		a.part = part
	}
	n, err := a.part.Read(p)
	a.at += int64(n)
	a.store.read.Add(int64(n))
	if errors.Is(err, io.EOF) && a.at < a.Size {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Seek moves to another place; beyond the end there is nothing to read.
func (a *Audio) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += a.at
	case io.SeekEnd:
		offset += a.Size
	}
	if offset < 0 {
		return 0, errBeforeStart
	}
	if offset == a.at {
		return offset, nil
	}
	a.at = offset
	return offset, a.Close()
}

// Close ends the fetching; a closed recording may be read again.
func (a *Audio) Close() error {
	if a.part == nil {
		return nil
	}
	part := a.part
	a.part = nil
	if err := part.Close(); err != nil {
		return fmt.Errorf("close recording %s: %w", a.key, err)
	}
	return nil
}

func named(err error) error {
	if gcerrors.Code(err) == gcerrors.NotFound {
		return ErrNotFound
	}
	return err
}
