package recordings

import (
	"time"
)

// In kbit/s, and in samples a second, as the header of a frame of Layer III names them: MPEG 1 first, then MPEG 2 and 2.5.
var (
	bitRates = [2][15]int{
		{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},
		{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
	}
	sampleRates = map[byte][3]int{3: {44100, 48000, 32000}, 2: {22050, 24000, 16000}, 0: {11025, 12000, 8000}} // by version
)

// frame is what the header of an MP3 frame tells.
type frame struct {
	size, samples, rate int // bytes, with the header; samples; samples a second
}

func parseFrame(b []byte) (f frame, ok bool) {
	if !isFrame(b) {
		return frame{}, false
	}
	version, bits, sampling, padding := b[1]>>3&3, b[2]>>4, b[2]>>2&3, int(b[2]>>1&1)
	older := 0 // MPEG 2 and 2.5 have half the samples in a frame
	if version != 3 {
		older = 1
	}
	f = frame{samples: 1152 >> older, rate: sampleRates[version][sampling]}
	f.size = f.samples/8*bitRates[older][bits]*1000/f.rate + padding
	return f, bitRates[older][bits] > 0
}

// meter measures how long an MP3 plays that is written to it, by the frames in it. Tags and what is broken are passed over.
type meter struct {
	head    []byte // of what comes next, as far as it is here
	skip    int    // bytes, until that
	samples int64
	rate    int // of the first frame, and so of all
}

// Write takes the next bytes.
func (m *meter) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		if m.skip > 0 {
			skipped := min(m.skip, len(p))
			p, m.skip = p[skipped:], m.skip-skipped
			continue
		}
		m.head, p = append(m.head, p[0]), p[1:]
		m.look()
	}
	return n, nil
}

func (m *meter) look() {
	const frameHead = 4
	tag := len(m.head) >= 3 && string(m.head[:3]) == "ID3"
	switch {
	case len(m.head) < frameHead, tag && len(m.head) < tagHead:
		return
	case tag:
		size, _ := tagSize(m.head)
		m.head, m.skip = m.head[:0], size
		return
	}
	f, ok := parseFrame(m.head)
	if !ok || m.rate != 0 && f.rate != m.rate {
		m.head = append(m.head[:0], m.head[1:]...)
		return
	}
	m.rate, m.samples = f.rate, m.samples+int64(f.samples)
	m.head, m.skip = m.head[:0], max(f.size-frameHead, 0)
}

func (m *meter) duration() time.Duration {
	if m.rate == 0 {
		return 0
	}
	return time.Duration(m.samples) * time.Second / time.Duration(m.rate)
}
