package network

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"
)

func TestAWAVIsARealFile(t *testing.T) {
	t.Parallel()
	file := wav(42, 1500*time.Millisecond)
	equal(t, "size", len(file), 44+2*8000*3/2)
	equal(t, "magic", string(file[:4])+string(file[8:16])+string(file[36:40]), "RIFFWAVEfmt data")
	for what, one := range map[string]struct{ at, bytes, want int }{
		"size of all": {4, 4, len(file) - 8}, "size of the format": {16, 4, 16}, "PCM": {20, 2, 1}, "channels": {22, 2, 1},
		"rate": {24, 4, 8000}, "bytes a second": {28, 4, 16000}, "bytes a sample": {32, 2, 2}, "bits": {34, 2, 16},
		"size of the data": {40, 4, len(file) - 44},
	} {
		field := append(bytes.Clone(file[one.at:one.at+one.bytes]), 0, 0, 0, 0)
		equal(t, what, int(binary.LittleEndian.Uint32(field)), one.want)
	}
}

func TestATuneIsAudibleItsOwnAndTheSameAgain(t *testing.T) {
	t.Parallel()
	one := wav(1, 2*time.Second)
	equal(t, "again", bytes.Equal(one, wav(1, 2*time.Second)), true)
	equal(t, "another", bytes.Equal(one, wav(2, 2*time.Second)), false)
	equal(t, "longer begins the same", bytes.HasPrefix(wav(1, 3*time.Second)[44:], one[44:]), true)
	var loudest int16
	for at := 44; at < len(one); at += 2 {
		loudest = max(loudest, int16(binary.LittleEndian.Uint16(one[at:])))
	}
	if loudest < 8000 || loudest > 10000 {
		t.Errorf("the loudest sample is %d", loudest)
	}
	equal(t, "nothing", len(wav(1, 0)), 44)
}
