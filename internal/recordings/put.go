package recordings

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"gocloud.dev/blob"

	"github.com/maskline/maskline/internal/faults"
)

// Put keeps what r holds under key, in place of what was there. The length is that announced by the sender, -1 when it
// announced none. When r breaks, is refused or cannot be written, key holds what it held before; when the bucket fails only
// afterwards, it may hold r, and putting it again is right.
func (s *Store) Put(ctx context.Context, key string, r io.Reader, length int64) (Stored, error) {
	if err := checkKey(key); err != nil {
		return Stored{}, err
	}
	stored, err := s.put(ctx, key, r, length)
	if err != nil {
		return Stored{}, fmt.Errorf("store recording %s: %w", key, err)
	}
	return stored, nil
}

func (s *Store) put(ctx context.Context, key string, r io.Reader, length int64) (Stored, error) {
	src := bufio.NewReaderSize(r, headSize)
	head, err := src.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return Stored{}, fmt.Errorf("read audio: %w", err)
	}
	kind, err := recognize(head)
	if err != nil {
		return Stored{}, err
	}
	stored, err := s.write(ctx, key, src, length, kind)
	if err != nil {
		return Stored{}, err
	}
	faults.Point("audio copied")
	return stored, s.settled(ctx, key, stored.Size)
}

// write copies src into the bucket, and calls the writing off when src breaks or has a wrong number of bytes.
func (s *Store) write(ctx context.Context, key string, src io.Reader, length int64, kind kind) (Stored, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := s.bucket.NewWriter(ctx, key, &blob.WriterOptions{ContentType: kind.contentType})
	if err != nil {
		return Stored{}, fmt.Errorf("begin writing: %w", err)
	}
	sum, mp3 := sha256.New(), &meter{}
	into := []io.Writer{w, sum, halfWay{}}
	if kind.contentType == typeMP3 {
		into = append(into, mp3)
	}
	n, err := io.Copy(io.MultiWriter(into...), io.LimitReader(src, MaxSize+1))
	if err == nil {
		err = kind.whole(n, length)
	}
	if err != nil {
		// Closing a writer is what makes its blob appear, unless its context has ended.
		cancel()
		return Stored{}, errors.Join(err, calledOff(w.Close()))
	}
	if err := w.Close(); err != nil {
		return Stored{}, fmt.Errorf("finish writing: %w", err)
	}
	plays := max(kind.duration(n), mp3.duration())
	return Stored{Size: n, SHA256: hex.EncodeToString(sum.Sum(nil)), ContentType: kind.contentType, Duration: plays}, nil
}

// halfWay is where a process may be killed while it copies.
type halfWay struct{}

func (halfWay) Write(b []byte) (int, error) {
	faults.Point("audio half copied")
	return len(b), nil
}

// calledOff expects the error of a writer whose context has ended: without one its blob has appeared.
func calledOff(err error) error {
	if err == nil {
		return errors.New("the bucket kept a writing that was called off")
	}
	return nil
}

// settled asks the bucket what it has, since the audio may be deleted elsewhere on the strength of our answer.
func (s *Store) settled(ctx context.Context, key string, size int64) error {
	if err := s.settle(key); err != nil {
		return fmt.Errorf("write through to the disk: %w", err)
	}
	attrs, err := s.bucket.Attributes(ctx, key)
	if err != nil {
		return fmt.Errorf("ask for what was written: %w", err)
	}
	if attrs.Size != size {
		return errors.Join(fmt.Errorf("the bucket has %d bytes of %d: %w", attrs.Size, size, ErrLength), s.Delete(ctx, key))
	}
	return nil
}
