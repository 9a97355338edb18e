package recordings

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"time"
)

const (
	typeWAV = "audio/wav"
	typeMP3 = "audio/mpeg"

	// headSize is how much of a recording is read to recognize it.
	headSize = 4096
	// unknownSize is what a WAV that was written as a stream says of its own length.
	unknownSize = math.MaxUint32
)

// kind is what the first bytes of a recording tell of it; the numbers are those of a WAV.
type kind struct {
	contentType string
	riffSize    uint32 // of what follows the field
	byteRate    uint32
	dataStart   int64 // 0 when the audio begins too far in
	dataSize    uint32
}

// recognize looks at the bytes only, never at what a sender calls them.
func recognize(head []byte) (kind, error) {
	if len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WAVE" {
		return parseWAV(head)
	}
	if isMP3(head) {
		return kind{contentType: typeMP3}, nil
	}
	return kind{}, ErrNotAudio
}

// parseWAV walks the chunks of head, among which a format is demanded, so that other things do not pass under twelve bytes.
func parseWAV(head []byte) (kind, error) {
	k := kind{contentType: typeWAV, riffSize: binary.LittleEndian.Uint32(head[4:])}
	for at := int64(12); at+8 <= int64(len(head)); {
		id, size := string(head[at:at+4]), binary.LittleEndian.Uint32(head[at+4:])
		at += 8
		switch {
		case id == "fmt " && size >= 16 && at+16 <= int64(len(head)):
			k.byteRate = binary.LittleEndian.Uint32(head[at+8:])
		case id == "data":
			k.dataStart, k.dataSize = at, size
		}
		at += int64(size) + int64(size%2)
	}
	if k.byteRate == 0 {
		return kind{}, fmt.Errorf("WAV without a format: %w", ErrNotAudio)
	}
	return k, nil
}

func isMP3(head []byte) bool {
	if len(head) < tagHead || string(head[:3]) != "ID3" {
		return isFrame(head)
	}
	size, ok := tagSize(head)
	// A tag with a picture in it reaches beyond what we look at.
	return ok && (tagHead+size >= len(head) || isFrame(head[tagHead+size:]))
}

const tagHead = 10

// tagSize is how many bytes follow the head of an ID3 tag; false: it is none.
func tagSize(head []byte) (size int, ok bool) {
	for _, b := range head[6:tagHead] {
		if b > 0x7F {
			return 0, false
		}
		size = size<<7 | int(b)
	}
	return size, head[3] >= 2 && head[3] <= 4
}

// isFrame demands Layer III: the other layers look like the byte order mark of a text.
func isFrame(b []byte) bool {
	if len(b) < 4 || b[0] != 0xFF || b[1]&0xE0 != 0xE0 {
		return false
	}
	version, layer, bitrate, sampling := b[1]>>3&3, b[1]>>1&3, b[2]>>4, b[2]>>2&3
	return version != 1 && layer == 1 && bitrate != 15 && sampling != 3
}

// whole compares the n bytes that came with the length that their sender announced, and with the one a WAV states for itself.
func (k kind) whole(n, announced int64) error {
	stated := int64(k.riffSize) + 8
	switch {
	case n > MaxSize:
		return ErrTooLarge
	case announced >= 0 && n != announced:
		return fmt.Errorf("%d bytes of %d: %w", n, announced, ErrLength)
	case k.contentType != typeWAV || k.riffSize == 0 || k.riffSize == unknownSize:
		return nil
	case n != stated && n != stated+int64(k.riffSize%2):
		return fmt.Errorf("WAV of %d bytes says %d: %w", n, stated, ErrLength)
	}
	return nil
}

// duration of a WAV of n bytes, 0 when it does not tell.
func (k kind) duration(n int64) time.Duration {
	if k.byteRate == 0 || k.dataStart == 0 {
		return 0
	}
	audio := n - k.dataStart
	if k.dataSize != 0 && k.dataSize != unknownSize {
		audio = min(audio, int64(k.dataSize))
	}
	rate := int64(k.byteRate)
	audio = max(audio, 0)
	return time.Duration(audio/rate)*time.Second + time.Duration(audio%rate)*time.Second/time.Duration(rate)
}

// WAVDuration reads r to its end and tells how long it plays.
func WAVDuration(r io.Reader) (time.Duration, error) {
	head := make([]byte, headSize)
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return 0, fmt.Errorf("read WAV: %w", err)
	}
	k, err := recognize(head[:n])
	if err != nil || k.contentType != typeWAV {
		return 0, fmt.Errorf("measure WAV: %w", ErrNotAudio)
	}
	rest, err := io.Copy(io.Discard, r)
	if err != nil {
		return 0, fmt.Errorf("read WAV: %w", err)
	}
	return k.duration(int64(n) + rest), nil
}
