//go:build !faults

// Package faults lets a test end the process at a named line, and have its time pass faster. Only the build tag faults makes it do
// anything: every other build has the empty functions of this file, which the compiler removes.
//
// The environment says what is to happen, so that a test decides it anew for each process that it starts:
//
//	FAULTS_CRASH     "mail sent@2": the process is killed, as by kill -9, when it comes past "mail sent" for the second time
//	FAULTS_FASTER    "20": an hour takes three minutes
//	FAULTS_EPOCH     the instant from which time passes faster, in nanoseconds since 1970; the same for all replicas
//	FAULTS_DROP_JOB  "50": every 50th job is called done and is not; a bug, for the test of the tests
package faults

import "time"

// Faster is how many times faster than the world's the time of this build passes.
const Faster = 1

// Point is a line at which a process may be killed.
func Point(string) {}

// Clock is the time of this build; nil is the world's.
func Clock() func() time.Time { return nil }

// Period is how long a period of this build takes in the world's time.
func Period(d time.Duration) time.Duration { return d }

// DropsJob tells whether the planted bug drops this job.
func DropsJob() bool { return false }
