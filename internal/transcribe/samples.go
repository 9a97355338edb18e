package transcribe

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

const maxSeconds = 3600

// resample goes from one rate to the other by straight lines between the samples, after a fast one was slowed by averaging.
//
// A steep filter would be worse: it leaves nothing above the 4 kHz of a telephone, and engines take that silence for other
// sounds. The mirror images that straight lines leave there sound to them like a voice.
func resample(out *samples, in *frames, rate int) error {
	group := max(1, in.rate/rate)
	step, unit := int64(in.rate), int64(rate)*int64(group) // an output sample takes step units of time, a group of frames unit
	last, err := in.next(group)
	for at := int64(0); err == nil; at -= unit {
		next, more := in.next(group)
		if more != nil {
			next = last
		}
		for ; at < unit; at += step {
			if err := out.write((last*(unit-at) + next*at) / unit); err != nil {
				return err
			}
		}
		last, err = next, more
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// frames reads samples, all channels as one.
type frames struct {
	format
	in          io.Reader
	block, rest []byte // what was read at once, and what of it is still to come
	width       int    // of a frame
}

func newFrames(in io.Reader, f format) *frames {
	width := int(f.channels) * int(f.bits/8)
	return &frames{format: f, in: in, block: make([]byte, 4096*width), width: width}
}

// next is the mean of the next n frames, or of as many as there are; a last one that is cut short does not count.
func (f *frames) next(n int) (int64, error) {
	var sum, values int64
	for range n {
		frame, err := f.read()
		if err != nil && atEnd(err) {
			break
		}
		if err != nil {
			return 0, err
		}
		sum += f.sum(frame)
		values += int64(f.channels)
	}
	if values == 0 {
		return 0, io.EOF
	}
	return sum / values, nil
}

func (f *frames) read() (frame []byte, err error) {
	if len(f.rest) < f.width {
		kept := copy(f.block, f.rest)
		n, err := io.ReadAtLeast(f.in, f.block[kept:], f.width-kept)
		f.rest = f.block[:kept+n]
		if err != nil {
			return nil, err
		}
	}
	frame, f.rest = f.rest[:f.width], f.rest[f.width:]
	return frame, nil
}

func (f *frames) sum(frame []byte) (sum int64) {
	if f.encoding == formatMuLaw {
		for _, b := range frame {
			sum += int64(fromMuLaw(b))
		}
		return sum
	}
	for ; len(frame) > 1; frame = frame[2:] {
		sum += int64(int16(binary.LittleEndian.Uint16(frame)))
	}
	return sum
}

// fromMuLaw is the telephone's logarithmic byte as a number (ITU-T G.711).
func fromMuLaw(b byte) int16 {
	const bias = 0x84
	b = ^b
	size := (int16(b&0x0F)<<3+bias)<<(b>>4&7) - bias
	if b&0x80 != 0 {
		return -size
	}
	return size
}

// samples writes 16-bit PCM and counts it.
type samples struct {
	to      *bufio.Writer
	n, most int
}

func (s *samples) write(v int64) error {
	if s.n >= s.most {
		return errTooLong
	}
	s.n++
	_, err := s.to.Write(binary.LittleEndian.AppendUint16(s.to.AvailableBuffer(), uint16(int16(v))))
	return err
}
