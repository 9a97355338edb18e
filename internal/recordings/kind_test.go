package recordings_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"github.com/maskline/maskline/internal/recordings"
)

// wav is telephone audio: 8,000 samples a second of 16 bits.
func wav(data []byte) []byte {
	head := []byte("RIFF....WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data....")
	binary.LittleEndian.PutUint32(head[4:], uint32(36+len(data)))
	binary.LittleEndian.PutUint32(head[40:], uint32(len(data)))
	return append(head, data...)
}

func TestWAVDuration(t *testing.T) {
	t.Parallel()
	second := wav(make([]byte, 16000))
	streamed := slices.Clone(second)
	copy(streamed[4:], "\xff\xff\xff\xff")
	copy(streamed[40:], "\xff\xff\xff\xff")
	listed := slices.Concat(second[:36], []byte("LIST\x05\x00\x00\x00abcde\x00"), second[36:])
	far := slices.Concat(second[:36], []byte("LIST\x00\x20\x00\x00"), make([]byte, 0x2000), second[36:])
	for _, c := range []struct {
		name string
		wav  []byte
		want time.Duration
	}{
		{"a second", second, time.Second},
		{"silence", wav(nil), 0},
		{"written as a stream", streamed, time.Second},
		{"with another chunk before", listed, time.Second},
		{"with something after", slices.Concat(second, []byte("LIST\x02\x00\x00\x00ab")), time.Second},
		{"cut in half", second[:8044], 500 * time.Millisecond},
		{"audio too far in", far, 0},
	} {
		got, err := recordings.WAVDuration(iotest.HalfReader(bytes.NewReader(c.wav)))
		if err != nil || got != c.want {
			t.Errorf("%s: got %v, %v; want %v", c.name, got, err, c.want)
		}
	}
	for _, other := range []string{"", "RIFF", "<html>", "\xff\xfb\x90\x00", string(second[:20])} {
		if _, err := recordings.WAVDuration(bytes.NewReader([]byte(other))); !errors.Is(err, recordings.ErrNotAudio) {
			t.Errorf("%q: got %v", other, err)
		}
	}
	broken := errors.New("broken")
	for _, n := range []int{0, 100, 8000} {
		if _, err := recordings.WAVDuration(io.MultiReader(bytes.NewReader(second[:n]), iotest.ErrReader(broken))); !errors.Is(err, broken) {
			t.Errorf("broken after %d: got %v", n, err)
		}
	}
}

func FuzzWAVDuration(f *testing.F) {
	f.Add(wav(make([]byte, 100)))
	f.Add([]byte("RIFF\xff\xff\xff\xffWAVEfmt \xff\xff\xff\xff"))
	f.Add([]byte("ID3\x04\x00\x00\x00\x00\x00\x7f"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := recordings.WAVDuration(bytes.NewReader(b))
		if d < 0 || err != nil && d != 0 {
			t.Errorf("got %v, %v", d, err)
		}
	})
}
