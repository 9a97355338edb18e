package recordings

import (
	"bytes"
	"slices"
	"testing"
	"time"
)

// frames are n frames of Layer III with this header.
func frames(n int, header ...byte) (all []byte) {
	f, ok := parseFrame(header)
	if !ok {
		panic("no frame")
	}
	return bytes.Repeat(append(header, bytes.Repeat([]byte{0x55}, f.size-4)...), n)
}

func TestHowLongAnMP3Plays(t *testing.T) {
	t.Parallel()
	fast, slow, padded := frames(100, 0xFF, 0xFB, 0x90, 0x00), frames(100, 0xFF, 0xFB, 0x10, 0x00), frames(1, 0xFF, 0xFB, 0x92, 0x00)
	telephone := frames(1000, 0xFF, 0xE3, 0x48, 0xC4) // MPEG 2.5, 8,000 samples a second, 32 kbit/s: what Twilio makes
	second := time.Second
	for _, c := range []struct {
		name string
		mp3  []byte
		want time.Duration
	}{
		{"nothing", nil, 0},
		{"no frame", bytes.Repeat([]byte{0x55}, 1000), 0},
		{"of one rate", fast, 115200 * second / 44100},
		{"of several rates", slices.Concat(fast, slow), 230400 * second / 44100},
		{"with padding", slices.Concat(padded, fast, padded, fast), 202 * 1152 * second / 44100},
		{"of a telephone", telephone, 72 * second},
		{"with a tag before it", slices.Concat([]byte("ID3\x04\x00\x00\x00\x00\x01\x00"), bytes.Repeat([]byte{0xFF}, 128), fast), 115200 * second / 44100},
		{"with a tag behind it", slices.Concat(fast, []byte("TAG"), make([]byte, 125)), 115200 * second / 44100},
		{"with a hole", slices.Concat(fast, make([]byte, 777), fast), 230400 * second / 44100},
		{"with another's frame in it", slices.Concat(fast, telephone[:72], fast), 230400 * second / 44100},
		{"cut short", fast[:len(fast)-100], 115200 * second / 44100},
	} {
		for _, piece := range []int{1, 3, 1000, len(c.mp3) + 1} {
			var m meter
			for part := range slices.Chunk(c.mp3, piece) {
				if n, err := m.Write(part); n != len(part) || err != nil {
					t.Fatalf("%s: wrote %d, %v", c.name, n, err)
				}
			}
			if got := m.duration(); got != c.want {
				t.Errorf("%s, in pieces of %d: got %s, want %s", c.name, piece, got, c.want)
			}
		}
	}
}

func FuzzHowLongAnMP3Plays(f *testing.F) {
	f.Add(frames(2, 0xFF, 0xFB, 0x90, 0x00))
	f.Add([]byte("ID3\x04\x00\x00\x00\x00\x00\x7f"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var m meter
		_, _ = m.Write(b)
		if m.duration() < 0 || m.skip < 0 {
			t.Errorf("got %s, %d to skip", m.duration(), m.skip)
		}
	})
}
