package network

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// dice is chance that a seed repeats. It is not safe for concurrent use: whoever starts something that runs beside
// itself gives it a fork.
type dice struct{ *rand.Rand }

func newDice(seed, stream uint64) *dice {
	return &dice{rand.New(rand.NewPCG(seed, stream))}
}

// fork is other dice, decided by these.
func (d *dice) fork() *dice { return newDice(d.Uint64(), d.Uint64()) }

// sid is one of Twilio's identifiers: two letters and 32 hex digits.
func (d *dice) sid(prefix string) string {
	return fmt.Sprintf("%s%016x%016x", prefix, d.Uint64(), d.Uint64())
}

// uuid is a random UUID, version 4.
func (d *dice) uuid() string {
	high, low := d.Uint64(), d.Uint64()
	high = high&^0xf000 | 0x4000
	low = low&^(0xc000<<48) | 0x8000<<48
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", high>>32, high>>16&0xffff, high&0xffff, low>>48, low&0xffffffffffff)
}

// between is a time from low to high, in whole tenths of a second.
func (d *dice) between(low, high time.Duration) time.Duration {
	const tenth = 100 * time.Millisecond
	if high <= low {
		return low
	}
	return low + time.Duration(d.Int64N(int64((high-low)/tenth)+1))*tenth
}

// chance is true in p of one cases.
func (d *dice) chance(p float64) bool { return d.Float64() < p }
