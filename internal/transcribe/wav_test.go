package transcribe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"
)

// wavOf is a WAV of that form with these samples in it.
func wavOf(s sound, samples []byte) []byte {
	le := binary.LittleEndian
	frame := s.channels * s.bits / 8
	b := le.AppendUint32([]byte("RIFF"), uint32(36+len(samples)))
	b = le.AppendUint32(append(b, "WAVEfmt "...), 16)
	b = le.AppendUint16(b, uint16(s.encoding))
	b = le.AppendUint16(b, uint16(s.channels))
	b = le.AppendUint32(b, uint32(s.rate))
	b = le.AppendUint32(b, uint32(s.rate*frame))
	b = le.AppendUint16(b, uint16(frame))
	b = le.AppendUint16(b, uint16(s.bits))
	return append(le.AppendUint32(append(b, "data"...), uint32(len(samples))), samples...)
}

func pcm(samples ...int16) (b []byte) {
	for _, s := range samples {
		b = binary.LittleEndian.AppendUint16(b, uint16(s))
	}
	return b
}

// form is that of a WAV of 16-bit PCM.
func form(channels, rate int) sound {
	return sound{encoding: formatPCM, channels: channels, bits: 16, rate: rate}
}

// muLaw is how telephones themselves code what they carry.
var muLaw = sound{encoding: formatMuLaw, channels: 1, bits: 8, rate: 16000}

// phoneWAV is what Twilio records.
func phoneWAV(samples ...int16) []byte { return wavOf(form(1, 8000), pcm(samples...)) }

// voice is a second of a tone.
var voice = phoneWAV(tone(8000)...)

func tone(rate int) []int16 {
	all := make([]int16, rate)
	for i := range all {
		all[i] = int16(10000 * math.Sin(2*math.Pi*300*float64(i)/float64(rate)))
	}
	return all
}

// converted are the samples that engines get of a WAV; all else of theirs is checked.
func converted(t *testing.T, wav []byte) (samples []int16) {
	t.Helper()
	got, err := wideband(wav)
	check(t, err)
	if want := wavOf(form(1, engineRate), got[headerSize:]); !bytes.Equal(got, want) {
		t.Fatalf("got the header %x, want %x", got[:headerSize], want[:headerSize])
	}
	for b := got[headerSize:]; len(b) > 0; b = b[2:] {
		samples = append(samples, int16(binary.LittleEndian.Uint16(b)))
	}
	return samples
}

func TestTelephoneAudioBecomesWhatEnginesWant(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		wav  []byte
		want []int16
	}{
		{"straight lines lie between the samples", phoneWAV(0, 100, -100, 32767), []int16{0, 50, 100, 0, -100, 16333, 32767, 32767}},
		{"16,000 a second stays as it is", wavOf(form(1, 16000), pcm(1, -2, 3)), []int16{1, -2, 3}},
		{"48,000 a second is thinned out", wavOf(form(1, 48000), pcm(1, 2, 3, 4)), []int16{1, 4}},
		{"two channels become one", wavOf(form(2, 16000), pcm(100, 300, -32768, -32768)), []int16{200, -32768}},
		{"µ-law is unfolded", wavOf(muLaw, []byte{0xFF, 0x7F, 0x00, 0x80, 0xAA}), []int16{0, 0, -32124, 32124, 5372}},
		{"no sample", phoneWAV(), nil},
	} {
		if got := converted(t, c.wav); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
	if got := len(converted(t, wavOf(form(1, 11025), pcm(tone(11025)...)))); got != engineRate {
		t.Errorf("a second of 11,025 samples became %d", got)
	}
}

func TestAHeaderMayBeUnusual(t *testing.T) {
	t.Parallel()
	plain := phoneWAV(1, 2, 3)
	want := converted(t, plain)
	streamed := slices.Clone(plain)
	copy(streamed[4:], "\xff\xff\xff\xff")
	copy(streamed[40:], "\xff\xff\xff\xff")
	for name, wav := range map[string][]byte{
		"written as a stream":               streamed,
		"a chunk of odd length before":      slices.Concat(plain[:36], []byte("LIST\x05\x00\x00\x00abcde\x00"), plain[36:]),
		"a longer format":                   slices.Concat(plain[:16], []byte("\x12\x00\x00\x00"), plain[20:36], []byte("\x00\x00"), plain[36:]),
		"something behind":                  append(slices.Clone(plain), "LIST\x02\x00\x00\x00ab"...),
		"a last sample that is cut in half": append(slices.Clone(streamed), 9),
	} {
		if got := converted(t, wav); !slices.Equal(got, want) {
			t.Errorf("%s: got %d, want %d", name, got, want)
		}
	}
	if got := converted(t, plain[:len(plain)-2]); !slices.Equal(got, []int16{1, 1, 2, 2}) {
		t.Errorf("cut short: got %d", got)
	}
}

func TestWhatIsNoTelephoneAudioIsTold(t *testing.T) {
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
		{"MP3", mp3, errNotWAV},
		{"RIFF, but a picture", with(8, "WEBP"), errNotWAV},
		{"the head alone", plain[:12], errNotWAV},
		{"a format that is cut", plain[:30], errNotWAV},
		{"no audio chunk", plain[:36], errNotWAV},
		{"no format", slices.Concat(plain[:12], plain[36:]), errNotWAV},
		{"a chunk of 4 GiB", slices.Concat(plain[:12], []byte("LIST\xff\xff\xff\xff"), plain[12:]), errNotWAV},
		{"no channel", with(22, "\x00\x00"), errFormat},
		{"65,535 channels", with(22, "\xff\xff"), errFormat},
		{"no rate", with(24, "\x00\x00\x00\x00"), errFormat},
		{"4 billion samples a second", with(24, "\xff\xff\xff\xff"), errFormat},
		{"24 bits", with(34, "\x18\x00"), errFormat},
		{"no bits", with(34, "\x00\x00"), errFormat},
		{"GSM", with(20, "\x31\x00"), errFormat},
	} {
		if _, err := wideband(c.wav); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

func TestMuLawIsG711(t *testing.T) {
	t.Parallel()
	// The decision values of G.711's table, scaled from 14 bits to 16.
	for b, want := range map[byte]int{0x80: 32124, 0x8F: 16764, 0x9F: 8316, 0xAF: 4092, 0xBF: 1980, 0xCF: 924, 0xDF: 396, 0xEF: 132, 0xFE: 8, 0xFF: 0} {
		if got := fromMuLaw(b); got != want {
			t.Errorf("%#x: got %d, want %d", b, got, want)
		}
		if got := fromMuLaw(b &^ 0x80); got != -want {
			t.Errorf("%#x: got %d, want %d", b&^0x80, got, -want)
		}
	}
}

func FuzzWideband(f *testing.F) {
	f.Add(phoneWAV(1, 2, 3))
	f.Add(wavOf(sound{encoding: formatMuLaw, channels: 2, bits: 8, rate: 44100}, []byte("some audio")))
	f.Add(append(slices.Clone(phoneWAV()[:12]), "LIST\x05\x00\x00\x00abcde\x00fmt "...))
	f.Fuzz(func(t *testing.T, wav []byte) {
		got, err := wideband(wav)
		if err == nil && (len(got) < headerSize || len(got) > headerSize+8*len(wav)+8) {
			t.Errorf("%d bytes became %d", len(wav), len(got))
		}
		if err != nil && !errors.Is(err, errNotWAV) && !errors.Is(err, errFormat) {
			t.Errorf("got %v", err)
		}
	})
}
