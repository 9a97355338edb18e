//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// TestManyIdleSubscribers opens IDLE sockets with a subscription each at the built server and prints what one costs. Then 500 others read
// nothing while voicemails arrive, until what is pushed to them fits nowhere any more and beyond: they must delay nobody, and cost no more as
// time goes on.
func TestManyIdleSubscribers(t *testing.T) {
	if os.Getenv("IDLE") == "" {
		t.Skip("NOT RUN: IDLE=5000 opens so many sockets")
	}
	tw := newTown(t)
	p := tw.start(t, "sqlite://"+filepath.ToSlash(filepath.Join(t.TempDir(), "maskline.db")), t.TempDir(), "", "TWILIO_API_URL="+mediaOnly(t))
	idle := p.h.newTenant("olivia@example.com", mask, -1, -1)
	busy := p.h.newTenant("oscar@example.com", "+15550100077", -1, -1)
	before := p.memory()
	n := number(t, "IDLE", "5000")
	p.open(idle.token, n)
	after := p.memory()
	t.Logf("%d idle subscribers: %s", n, after.less(before, n))

	p.open(busy.token, 500) // who reads no more than the acknowledgement
	deaf := p.memory()
	listener := follow(t, p.base, busy.token, follows, nil)
	listener.send(frame{ID: "2", Type: "subscribe", Payload: raw(t, map[string]any{"query": "{ viewer { id } }"})})
	for listener.read().Type != "complete" { // behind it the subscription is taken
	}
	w := &modelWorld{t: t, public: p.base}
	const rounds, voicemails = 20, 200
	var taken []float64
	for round := range rounds {
		began := time.Now()
		for i := range voicemails {
			if !w.tellOf(&modelTenant{mask: "+15550100077"}, fmt.Sprintf("%032x", round*voicemails+i)) {
				t.Fatal("a recording was not taken")
			}
		}
		told := time.Since(began)
		for range voicemails {
			var got pushed
			listener.next(&got)
		}
		now := p.memory()
		taken = append(taken, now["process_resident_memory_bytes"])
		t.Logf("500 that never read, and %d voicemails, told in %s and heard of by another after %s: since then %s more each", voicemails, told.Round(time.Millisecond), time.Since(began).Round(time.Millisecond), now.less(deaf, 500))
	}
	if first, last := taken[1], taken[rounds-1]; last > first+first/5 {
		t.Errorf("memory went from %.0f to %.0f MB", first/1e6, last/1e6)
	}
}

// open opens so many sockets, each with a subscription that is taken. Nothing is read from them after that.
func (p *process) open(token string, n int) {
	p.t.Helper()
	for range n {
		f := connect(p.t, p.base, token)
		f.send(frame{ID: "1", Type: "subscribe", Payload: raw(p.t, map[string]any{"query": follows})})
	}
}

// memory is what a process takes, in bytes.
type memory map[string]float64

var memoryLine = regexp.MustCompile(`(?m)^(process_resident_memory_bytes|go_memstats_heap_inuse_bytes|go_memstats_stack_inuse_bytes|go_goroutines) (\S+)$`)

func (p *process) memory() memory {
	p.t.Helper()
	m := memory{}
	_, body := p.h.get(p.base+"/metrics", "")
	for _, l := range memoryLine.FindAllStringSubmatch(string(body), -1) {
		v, err := strconv.ParseFloat(l[2], 64)
		check(p.t, err)
		m[l[1]] = v
	}
	return m
}

// less is what each of n takes more than before.
func (m memory) less(before memory, n int) string {
	each := func(name string) float64 { return (m[name] - before[name]) / float64(n) }
	return fmt.Sprintf("RSS %.1f KiB (stacks %.1f, heap %.1f), %.1f goroutines", each("process_resident_memory_bytes")/1024, each("go_memstats_stack_inuse_bytes")/1024,
		each("go_memstats_heap_inuse_bytes")/1024, each("go_goroutines"))
}
