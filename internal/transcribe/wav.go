package transcribe

import (
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	engineRate = 16000 // engines learned from speech that is twice as rich as a telephone's
	headerSize = 44

	formatPCM   = 1
	formatMuLaw = 7
)

var (
	errNotWAV = errors.New("not a WAV file")
	errFormat = errors.New("neither 16-bit PCM nor µ-law")
)

// sound is what a WAV holds: samples of one or more channels, side by side.
type sound struct {
	encoding, channels, bits, rate int
	data                           []byte
}

// wideband is a WAV of 16-bit PCM or µ-law as one of 16-bit PCM with one channel and 16,000 samples a second, on straight lines between
// the samples that there were.
func wideband(wav []byte) ([]byte, error) {
	s, err := parseWAV(wav)
	if err != nil {
		return nil, err
	}
	n, rate := int64(s.len()), int64(s.rate)
	samples := (n*engineRate + rate - 1) / rate
	out := header(int(samples))
	for i := range samples {
		at, rest := i*rate/engineRate, i*rate%engineRate
		from, to := s.at(int(at)), s.at(int(min(at+1, n-1)))
		out = binary.LittleEndian.AppendUint16(out, uint16(from+(to-from)*int(rest)/engineRate)) // #nosec G115 -- the bits of a sample stay as they are; sizes are bounded by the largest recording
	}
	return out, nil
}

// parseWAV walks the chunks up to the samples. Lengths are believed as far as there are bytes: a WAV that was written as a stream knows no better.
func parseWAV(b []byte) (s sound, err error) {
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return sound{}, errNotWAV
	}
	for b = b[12:]; len(b) >= 8; {
		id, size := string(b[:4]), int64(binary.LittleEndian.Uint32(b[4:]))
		b = b[8:]
		chunk := b[:min(size, int64(len(b)))]
		switch {
		case id == "fmt ":
			if s, err = parseFormat(chunk); err != nil {
				return sound{}, err
			}
		case id == "data" && s.rate > 0:
			s.data = chunk
			return s, nil
		}
		b = b[min(size+size%2, int64(len(b))):] // a chunk of odd length is followed by a byte that does not count
	}
	return sound{}, fmt.Errorf("it ends before its samples: %w", errNotWAV)
}

func parseFormat(b []byte) (sound, error) {
	if len(b) < 16 {
		return sound{}, fmt.Errorf("its format has %d bytes: %w", len(b), errNotWAV)
	}
	u16 := func(at int) int { return int(binary.LittleEndian.Uint16(b[at:])) }
	s := sound{encoding: u16(0), channels: u16(2), bits: u16(14)}
	rate := binary.LittleEndian.Uint32(b[4:])
	known := s.encoding == formatPCM && s.bits == 16 || s.encoding == formatMuLaw && s.bits == 8
	if !known || s.channels < 1 || s.channels > 8 || rate < 4000 || rate > 192000 {
		return sound{}, fmt.Errorf("encoding %d, %d bits, %d channels, %d samples a second: %w", s.encoding, s.bits, s.channels, rate, errFormat)
	}
	s.rate = int(rate)
	return s, nil
}

// len is how many samples each channel has; a last one that is cut short does not count.
func (s sound) len() int { return len(s.data) / (s.channels * s.bits / 8) }

// at is the mean of all channels at one moment.
func (s sound) at(i int) (sum int) {
	for c := i * s.channels; c < (i+1)*s.channels; c++ {
		if s.encoding == formatMuLaw {
			sum += fromMuLaw(s.data[c])
		} else {
			sum += int(int16(binary.LittleEndian.Uint16(s.data[2*c:]))) // #nosec G115 -- the bits of a sample stay as they are; sizes are bounded by the largest recording
		}
	}
	return sum / s.channels
}

// fromMuLaw is the telephone's logarithmic byte as a number (ITU-T G.711).
func fromMuLaw(b byte) int {
	const bias = 0x84
	b = ^b
	size := (int(b&0x0F)<<3+bias)<<(b>>4&7) - bias
	if b&0x80 != 0 {
		return -size
	}
	return size
}

// header is that of a WAV as engines get it, with room for its samples.
func header(samples int) []byte {
	const width = 2
	le, size := binary.LittleEndian, samples*width
	b := append(make([]byte, 0, headerSize+size), "RIFF"...)
	b = le.AppendUint32(b, uint32(headerSize-8+size)) // #nosec G115 -- the bits of a sample stay as they are; sizes are bounded by the largest recording
	b = le.AppendUint32(append(b, "WAVEfmt "...), 16)
	b = le.AppendUint16(b, formatPCM)
	b = le.AppendUint16(b, 1) // channel
	b = le.AppendUint32(b, engineRate)
	b = le.AppendUint32(b, engineRate*width)
	b = le.AppendUint16(b, width)
	b = le.AppendUint16(b, 8*width)
	return le.AppendUint32(append(b, "data"...), uint32(size)) // #nosec G115 -- the bits of a sample stay as they are; sizes are bounded by the largest recording
}
