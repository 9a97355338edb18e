package transcribe

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	// engineRate is what engines want: they know speech that is twice as rich as a telephone's.
	engineRate = 16000

	formatPCM        = 1
	formatMuLaw      = 7
	formatExtensible = 0xFFFE

	maxBeforeAudio = 1 << 20
	headerSize     = 44
)

var (
	errMP3     = errors.New("MP3")
	errNotWAV  = errors.New("not a WAV file")
	errFormat  = errors.New("neither 16-bit PCM nor µ-law")
	errEmpty   = errors.New("no audio in it")
	errTooLong = errors.New("longer than an hour")
)

// format is what a WAV tells of its samples; those of all channels at one moment are a frame.
type format struct {
	encoding, channels, bits uint16
	rate                     int
}

// convert writes the WAV in src as one of 16-bit PCM with one channel and rate samples a second. A src that ends early counts as
// far as it goes, since files written as streams know no better.
func convert(dst io.WriteSeeker, src io.Reader, rate int) error {
	in := bufio.NewReaderSize(src, 64<<10)
	f, size, err := readHeader(in)
	if err != nil {
		return err
	}
	if _, err := dst.Write(header(rate, 0)); err != nil {
		return err
	}
	out := &samples{to: bufio.NewWriterSize(dst, 64<<10), most: maxSeconds * rate}
	if err := resample(out, newFrames(io.LimitReader(in, int64(size)), f), rate); err != nil {
		return err
	}
	if out.n == 0 {
		return errEmpty
	}
	if err := out.to.Flush(); err != nil {
		return err
	}
	if _, err := dst.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err = dst.Write(header(rate, out.n))
	return err
}

// readHeader reads up to the first sample and tells how many bytes of them there should be.
func readHeader(in io.Reader) (f format, size uint32, err error) {
	var head [12]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return f, 0, short(err)
	}
	if string(head[:4]) != "RIFF" || string(head[8:]) != "WAVE" {
		return f, 0, errNotWAV
	}
	in = io.LimitReader(in, maxBeforeAudio)
	for {
		id, size, err := readChunk(in)
		switch {
		case err != nil:
			return f, 0, err
		case id == "data" && f.rate == 0:
			return f, 0, fmt.Errorf("audio without a format: %w", errNotWAV)
		case id == "data":
			return f, size, nil
		case id == "fmt ":
			if f, err = readFormat(in, size); err != nil {
				return f, 0, err
			}
		default:
			// Chunks of odd length are followed by a byte that does not count.
			if _, err := io.CopyN(io.Discard, in, int64(size)+int64(size%2)); err != nil {
				return f, 0, short(err)
			}
		}
	}
}

func readChunk(in io.Reader) (id string, size uint32, err error) {
	var head [8]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return "", 0, short(err)
	}
	return string(head[:4]), binary.LittleEndian.Uint32(head[4:]), nil
}

func readFormat(in io.Reader, size uint32) (f format, err error) {
	if size < 16 || size > 1024 {
		return f, fmt.Errorf("format of %d bytes: %w", size, errNotWAV)
	}
	b := make([]byte, size+size%2)
	if _, err := io.ReadFull(in, b); err != nil {
		return f, short(err)
	}
	le := binary.LittleEndian
	f = format{encoding: le.Uint16(b), channels: le.Uint16(b[2:]), bits: le.Uint16(b[14:])}
	if f.encoding == formatExtensible && size >= 26 {
		f.encoding = le.Uint16(b[24:])
	}
	if (f.encoding != formatPCM || f.bits != 16) && (f.encoding != formatMuLaw || f.bits != 8) {
		return f, fmt.Errorf("encoding %d of %d bits: %w", f.encoding, f.bits, errFormat)
	}
	rate := le.Uint32(b[4:])
	if f.channels < 1 || f.channels > 8 || rate < 4000 || rate > 192000 {
		return f, fmt.Errorf("%d channels, %d samples a second: %w", f.channels, rate, errFormat)
	}
	f.rate = int(rate)
	return f, nil
}

func short(err error) error {
	if atEnd(err) {
		return fmt.Errorf("it ends too early: %w", errNotWAV)
	}
	return err
}

// atEnd tells the end of a recording from trouble in reading it.
func atEnd(err error) bool {
	return (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) && !errors.As(err, new(readError))
}

// header is that of a WAV with n samples of 16 bits.
func header(rate, n int) []byte {
	const width = 2
	le := binary.LittleEndian
	b := le.AppendUint32([]byte("RIFF"), uint32(headerSize-8+n*width))
	b = le.AppendUint32(append(b, "WAVEfmt "...), 16)
	b = le.AppendUint16(b, formatPCM)
	b = le.AppendUint16(b, 1)
	b = le.AppendUint32(b, uint32(rate))
	b = le.AppendUint32(b, uint32(rate*width))
	b = le.AppendUint16(b, width)
	b = le.AppendUint16(b, 8*width)
	return le.AppendUint32(append(b, "data"...), uint32(n*width))
}
