package transcribe

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"testing"
	"testing/iotest"
)

// wavOf is a WAV with samples as they are.
func wavOf(f format, samples []byte) []byte {
	le := binary.LittleEndian
	frame := f.channels * f.bits / 8
	b := le.AppendUint32([]byte("RIFF"), uint32(36+len(samples)))
	b = le.AppendUint32(append(b, "WAVEfmt "...), 16)
	b = le.AppendUint16(b, f.encoding)
	b = le.AppendUint16(b, f.channels)
	b = le.AppendUint32(b, uint32(f.rate))
	b = le.AppendUint32(b, uint32(f.rate*int(frame)))
	b = le.AppendUint16(b, frame)
	b = le.AppendUint16(b, f.bits)
	return append(le.AppendUint32(append(b, "data"...), uint32(len(samples))), samples...)
}

func pcm(samples ...int16) (b []byte) {
	for _, s := range samples {
		b = binary.LittleEndian.AppendUint16(b, uint16(s))
	}
	return b
}

// telephone is what Twilio records.
var telephone = format{formatPCM, 1, 16, 8000}

func phoneWAV(samples ...int16) []byte { return wavOf(telephone, pcm(samples...)) }

// tone is a second of a sine.
func tone(rate int, hertz, height float64) []int16 {
	all := make([]int16, rate)
	for i := range all {
		all[i] = int16(height * math.Sin(2*math.Pi*hertz*float64(i)/float64(rate)))
	}
	return all
}

// memory is a file without a disk.
type memory struct {
	bytes []byte
	at    int
}

func (m *memory) Write(p []byte) (int, error) {
	m.bytes = append(m.bytes, make([]byte, max(0, m.at+len(p)-len(m.bytes)))...)
	m.at += copy(m.bytes[m.at:], p)
	return len(p), nil
}

func (m *memory) Seek(offset int64, _ int) (int64, error) {
	m.at = int(offset)
	return offset, nil
}

// converted is src at a rate, in which everything but the samples was checked.
func converted(t *testing.T, src io.Reader, rate int) []int16 {
	t.Helper()
	got, err := convertFile(t, src, rate)
	check(t, err)
	return got
}

func convertFile(t *testing.T, src io.Reader, rate int) ([]int16, error) {
	t.Helper()
	var file memory
	if err := convert(&file, src, rate); err != nil {
		return nil, err
	}
	b := file.bytes
	samples := b[headerSize:]
	if want := wavOf(format{formatPCM, 1, 16, rate}, samples); !bytes.Equal(b, want) {
		t.Fatalf("got the header %x, want %x", b[:headerSize], want[:headerSize])
	}
	out := make([]int16, len(samples)/2)
	for i := range out {
		out[i] = int16(binary.LittleEndian.Uint16(samples[2*i:]))
	}
	return out, nil
}

func TestTelephoneAudioBecomesWhatEnginesWant(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		wav  []byte
		want []int16
	}{
		{"straight lines lie between the samples", phoneWAV(0, 100, -100, 32767), []int16{0, 50, 100, 0, -100, 16333, 32767, 32767}},
		{"16,000 a second stays as it is", wavOf(format{formatPCM, 1, 16, 16000}, pcm(1, -2, 3)), []int16{1, -2, 3}},
		{"32,000 a second is averaged", wavOf(format{formatPCM, 1, 16, 32000}, pcm(10, 20, -10, -20, 7)), []int16{15, -15, 7}},
		{"two channels become one", wavOf(format{formatPCM, 2, 16, 16000}, pcm(100, 300, -32768, -32768)), []int16{200, -32768}},
		{"µ-law is unfolded", wavOf(format{formatMuLaw, 1, 8, 16000}, []byte{0xFF, 0x7F, 0x00, 0x80, 0xAA}), []int16{0, 0, -32124, 32124, 5372}},
	} {
		if got := converted(t, iotest.OneByteReader(bytes.NewReader(c.wav)), engineRate); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
}

func TestAHeaderMayBeUnusual(t *testing.T) {
	t.Parallel()
	plain := phoneWAV(1, 2, 3)
	want := converted(t, bytes.NewReader(plain), engineRate)
	streamed := slices.Clone(plain)
	copy(streamed[4:], "\xff\xff\xff\xff")
	copy(streamed[40:], "\xff\xff\xff\xff")
	extensible := slices.Concat([]byte("RIFF\xff\xff\xff\xffWAVEfmt \x28\x00\x00\x00\xfe\xff"), plain[22:36],
		[]byte("\x16\x00\x10\x00\x04\x00\x00\x00\x01\x00\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"), plain[36:])
	for name, wav := range map[string][]byte{
		"written as a stream":                 streamed,
		"a chunk of odd length before":        slices.Concat(plain[:36], []byte("LIST\x05\x00\x00\x00abcde\x00"), plain[36:]),
		"a longer format":                     slices.Concat(plain[:16], []byte("\x12\x00\x00\x00"), plain[20:36], []byte("\x00\x00"), plain[36:]),
		"an extensible format":                extensible,
		"something behind":                    append(slices.Clone(plain), "LIST\x02\x00\x00\x00ab"...),
		"a last sample that is cut in half":   append(slices.Clone(streamed), 9),
		"two formats, of which the last wins": slices.Concat(plain[:12], wavOf(format{formatMuLaw, 2, 8, 44100}, nil)[12:36], plain[12:]),
	} {
		if got := converted(t, bytes.NewReader(wav), engineRate); !slices.Equal(got, want) {
			t.Errorf("%s: got %d, want %d", name, got, want)
		}
	}
	if got := converted(t, bytes.NewReader(plain[:len(plain)-2]), engineRate); !slices.Equal(got, []int16{1, 1, 2, 2}) {
		t.Errorf("cut short: got %d", got)
	}
}

func TestAHostileHeaderIsRefused(t *testing.T) {
	t.Parallel()
	plain := phoneWAV(1, 2, 3)
	with := func(at int, b string) []byte {
		wav := slices.Clone(plain)
		copy(wav[at:], b)
		return wav
	}
	for _, c := range []struct {
		name string
		wav  []byte
		want error
	}{
		{"nothing", nil, errNotWAV},
		{"HTML", []byte("<!doctype html><title>502</title>"), errNotWAV},
		{"MP3", []byte("ID3\x04\x00\x00\x00\x00\x00\x00\xff\xfb\x90\x00"), errNotWAV},
		{"RIFF, but a picture", with(8, "WEBP"), errNotWAV},
		{"the head alone", plain[:12], errNotWAV},
		{"a format that is cut", plain[:30], errNotWAV},
		{"no audio chunk", plain[:36], errNotWAV},
		{"no format", slices.Concat(plain[:12], plain[36:]), errNotWAV},
		{"a short format", with(16, "\x0e\x00\x00\x00"), errNotWAV},
		{"a format of 4 GiB", with(16, "\xff\xff\xff\xff"), errNotWAV},
		{"a chunk of 4 GiB", slices.Concat(plain[:12], []byte("LIST\xff\xff\xff\xff"), plain[12:]), errNotWAV},
		{"chunks without end", slices.Concat(plain[:12], bytes.Repeat([]byte("LIST\x00\x00\x00\x00"), maxBeforeAudio/8), plain[12:]), errNotWAV},
		{"no audio", phoneWAV(), errEmpty},
		{"half a sample", plain[:45], errEmpty},
		{"no channel", with(22, "\x00\x00"), errFormat},
		{"65,535 channels", with(22, "\xff\xff"), errFormat},
		{"no rate", with(24, "\x00\x00\x00\x00"), errFormat},
		{"one sample a second", with(24, "\x01\x00\x00\x00"), errFormat},
		{"4 billion samples a second", with(24, "\xff\xff\xff\xff"), errFormat},
		{"24 bits", with(34, "\x18\x00"), errFormat},
		{"no bits", with(34, "\x00\x00"), errFormat},
		{"floating point", with(20, "\x03\x00"), errFormat},
		{"GSM", with(20, "\x31\x00"), errFormat},
		{"an extensible format without its end", with(20, "\xfe\xff"), errFormat},
	} {
		if _, err := convertFile(t, bytes.NewReader(c.wav), engineRate); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

// endless is silence for ever.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestAudioWithoutEndIsRefused(t *testing.T) {
	t.Parallel()
	out := &samples{to: bufio.NewWriter(io.Discard), most: 1000}
	if err := resample(out, newFrames(endless{}, telephone), engineRate); !errors.Is(err, errTooLong) || out.n != 1000 {
		t.Errorf("got %v after %d samples, want %v", err, out.n, errTooLong)
	}
}

func TestARecordingThatBreaksOffIsNotTakenForItsEnd(t *testing.T) {
	t.Parallel()
	wav := phoneWAV(tone(8000, 440, 1000)...)
	for _, broken := range []error{errors.New("broken"), io.ErrUnexpectedEOF} {
		for _, n := range []int{0, 5, 18, 30, 40, 44, 1001} {
			src := source{io.MultiReader(bytes.NewReader(wav[:n]), iotest.ErrReader(broken))}
			if _, err := convertFile(t, src, engineRate); !errors.As(err, new(readError)) || !errors.Is(err, broken) {
				t.Errorf("%v after %d bytes: got %v", broken, n, err)
			}
		}
	}
}

func TestATonePassesThroughEveryRateAndBack(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{8000, 11025, 16000, 22050, 44100, 48000} {
		there := converted(t, bytes.NewReader(wavOf(format{formatPCM, 1, 16, rate}, pcm(tone(rate, 300, 10000)...))), engineRate)
		if d := len(there) - engineRate; d < -2 || d > 2 {
			t.Errorf("%d: a second became %d samples, want %d", rate, len(there), engineRate)
		}
		back := converted(t, bytes.NewReader(wavOf(format{formatPCM, 1, 16, engineRate}, pcm(there...))), 8000)
		want := tone(8000, 300, 10000)
		if got := likeness(back, want); got < 0.99 {
			t.Errorf("%d: got a likeness of %.3f to the tone that went in", rate, got)
		}
	}
}

// likeness is 1 for the same sound, however loud, and 0 for one that has nothing to do with it.
func likeness(a, b []int16) float64 {
	var ab, aa, bb float64
	for i := range min(len(a), len(b)) {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	return ab / math.Sqrt(aa*bb)
}

func TestMuLawIsG711(t *testing.T) {
	t.Parallel()
	// The decision values of G.711's table, scaled from 14 bits to 16.
	for b, want := range map[byte]int16{0x80: 32124, 0x8F: 16764, 0x9F: 8316, 0xAF: 4092, 0xBF: 1980, 0xCF: 924, 0xDF: 396, 0xEF: 132, 0xFE: 8, 0xFF: 0} {
		if got := fromMuLaw(b); got != want {
			t.Errorf("%#x: got %d, want %d", b, got, want)
		}
		if got := fromMuLaw(b &^ 0x80); got != -want {
			t.Errorf("%#x: got %d, want %d", b&^0x80, got, -want)
		}
	}
}

func FuzzConvert(f *testing.F) {
	f.Add(phoneWAV(1, 2, 3))
	f.Add(wavOf(format{formatMuLaw, 2, 8, 44100}, []byte("some audio")))
	f.Add(append(slices.Clone(phoneWAV()[:12]), "LIST\x05\x00\x00\x00abcde\x00fmt "...))
	f.Fuzz(func(t *testing.T, wav []byte) {
		got, err := convertFile(t, bytes.NewReader(wav), engineRate)
		if err == nil && (len(got) == 0 || len(got) > 4*len(wav)) {
			t.Errorf("%d bytes became %d samples", len(wav), len(got))
		}
		known := []error{errNotWAV, errFormat, errEmpty}
		if err != nil && !slices.ContainsFunc(known, func(k error) bool { return errors.Is(err, k) }) {
			t.Errorf("got %v", err)
		}
	})
}

func BenchmarkTenMinutes(b *testing.B) {
	wav := phoneWAV(make([]int16, 600*8000)...)
	for b.Loop() {
		if err := convert(&memory{}, bytes.NewReader(wav), engineRate); err != nil {
			b.Fatal(err)
		}
	}
}
