//go:build faults

package faults

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Faster is how many times faster than the world's the time of this build passes.
var Faster = time.Duration(number("FAULTS_FASTER", 1))

var (
	epoch   = time.Unix(0, int64(number("FAULTS_EPOCH", int(time.Now().UnixNano()))))
	dropped = int64(number("FAULTS_DROP_JOB", 0))

	line, nth, _ = strings.Cut(os.Getenv("FAULTS_CRASH"), "@")
	passed, jobs atomic.Int64
)

func number(name string, usual int) int {
	text, given := os.LookupEnv(name)
	if !given {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(name + ": " + err.Error())
	}
	return n
}

// Point kills the process, if this is the line and the time.
func Point(name string) {
	if name != line || strconv.FormatInt(passed.Add(1), 10) != nth {
		return
	}
	_, _ = fmt.Fprintln(os.Stderr, "faults: killed at:", name) // if nobody reads it, so be it
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		panic(err)
	}
	select {} // until the signal is here
}

// Clock is the time of this build.
func Clock() func() time.Time {
	return func() time.Time { return epoch.Add(time.Since(epoch) * Faster) }
}

// Period is how long a period of this build takes in the world's time.
func Period(d time.Duration) time.Duration { return d / Faster }

// DropsJob tells whether the planted bug drops this job.
func DropsJob() bool { return dropped > 0 && jobs.Add(1)%dropped == 0 }
