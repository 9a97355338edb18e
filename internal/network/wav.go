package network

import (
	"encoding/binary"
	"math"
	"time"
)

// Telephone audio: one channel of 16 bits, 8000 times a second.
const (
	sampleRate  = 8000
	sampleBytes = 2
	wavHeader   = 44
	noteSamples = sampleRate / 4
	loudness    = 9000
)

// scale are notes that sound well in any order, in Hertz.
var scale = []float64{392, 440, 523.25, 587.33, 659.25, 784, 880, 1046.5}

// wav is a RIFF file of that length with a tune of its own for every number.
func wav(tune uint64, length time.Duration) []byte {
	samples := int(length * sampleRate / time.Second)
	file := header(samples)
	notes := newDice(tune, 0)
	for at := 0; at < samples; at += noteSamples {
		file = note(file, scale[notes.IntN(len(scale))], min(noteSamples, samples-at))
	}
	return file
}

func header(samples int) []byte {
	size := uint32(samples * sampleBytes)
	h := make([]byte, 0, wavHeader+int(size))
	h = append(h, "RIFF"...)
	h = binary.LittleEndian.AppendUint32(h, wavHeader-8+size)
	h = append(h, "WAVEfmt "...)
	h = binary.LittleEndian.AppendUint32(h, 16) // bytes of format
	h = binary.LittleEndian.AppendUint16(h, 1)  // PCM
	h = binary.LittleEndian.AppendUint16(h, 1)  // channels
	h = binary.LittleEndian.AppendUint32(h, sampleRate)
	h = binary.LittleEndian.AppendUint32(h, sampleRate*sampleBytes)
	h = binary.LittleEndian.AppendUint16(h, sampleBytes)
	h = binary.LittleEndian.AppendUint16(h, 8*sampleBytes)
	h = append(h, "data"...)
	return binary.LittleEndian.AppendUint32(h, size)
}

// note appends a tone that fades, so that notes are heard apart. The sine is advanced by rotation, which is several
// times as fast as asking for each.
func note(file []byte, frequency float64, samples int) []byte {
	turnSin, turnCos := math.Sincos(2 * math.Pi * frequency / sampleRate)
	sin, cos := 0.0, 1.0
	for i := range samples {
		fade := 1 - float64(i)/noteSamples
		file = binary.LittleEndian.AppendUint16(file, uint16(int16(loudness*fade*sin)))
		sin, cos = sin*turnCos+cos*turnSin, cos*turnCos-sin*turnSin
	}
	return file
}
