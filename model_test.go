//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/maskline/maskline/internal/network"
	"github.com/maskline/maskline/internal/testdb"
	"github.com/maskline/maskline/phone"
)

// The model test runs the built program among misfortunes that a seed chooses, and looks from outside whether what it promises has held:
// each recording is one voicemail with its audio, each owner was told, each subscriber heard of everything once and in order, no caller
// heard an error. It looks at the API, at the mailbox and at what the telephone network itself knows, never at a table of ours.

// plot is how a seed is run.
type plot struct {
	binary  func() (string, error)
	faster  time.Duration // than the world's is the program's time
	trouble time.Duration // in the world's time, as is settle
	settle  time.Duration
	calls   int
	env     []string
}

// quick is a seed in about ten seconds: an hour of the program takes three minutes.
var quick = plot{binary: faultyBinary, faster: 20, trouble: 5 * time.Second, settle: 25 * time.Second, calls: 24}

// TestTheModel runs MODEL_SEEDS seeds, from MODEL_SEED on. The even ones are for two replicas on PostgreSQL, the odd ones for SQLite.
func TestTheModel(t *testing.T) {
	first, count := number(t, "MODEL_SEED", "1"), number(t, "MODEL_SEEDS", "2")
	run := &figures{}
	defer func() { t.Log(run) }()
	t.Run("each", func(t *testing.T) {
		for name, begin := range map[string]int{"postgres": first + first%2, "sqlite": first + 1 - first%2} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				var server *testdb.Server
				if name == "postgres" && begin < first+count {
					server = testdb.NewServer(t)
				}
				for seed := begin; seed < first+count; seed += 2 {
					t.Run(strconv.Itoa(seed), func(t *testing.T) {
						if wrong := quick.run(t, server, uint64(seed), run); len(wrong) > 0 {
							t.Errorf("MODEL_SEED=%d MODEL_SEEDS=1 go test -run TestTheModel . shows it again:\n%s", seed, strings.Join(wrong, "\n"))
						}
					})
				}
			})
		}
	})
}

// TestTheModelFindsAPlantedBug drops every 50th job, and wants to be told so within 20 seeds. MODEL_BUG=1 runs it.
func TestTheModelFindsAPlantedBug(t *testing.T) {
	if os.Getenv("MODEL_BUG") == "" {
		t.Skip("NOT RUN: it takes minutes; MODEL_BUG=1 runs it, as .ci/run --long does")
	}
	bug := quick
	bug.env = []string{"FAULTS_DROP_JOB=50"}
	for seed := range 20 {
		if wrong := bug.run(t, nil, uint64(seed), &figures{}); len(wrong) > 0 {
			t.Logf("seed %d found it:\n%s", seed, strings.Join(wrong, "\n"))
			return
		}
	}
	t.Error("every 50th job was dropped, and nobody noticed")
}

// TestTheModelInRealTime runs one seed on the program as it is shipped. MODEL_REAL=1 runs it.
func TestTheModelInRealTime(t *testing.T) {
	if os.Getenv("MODEL_REAL") == "" {
		t.Skip("NOT RUN: it takes minutes; MODEL_REAL=1 runs it, as .ci/run --long does")
	}
	run := &figures{}
	real := plot{binary: binary, faster: 1, trouble: 90 * time.Second, settle: 4 * time.Minute, calls: 60}
	if wrong := real.run(t, testdb.NewServer(t), uint64(number(t, "MODEL_SEED", "1")), run); len(wrong) > 0 {
		t.Error(strings.Join(wrong, "\n"))
	}
	t.Log(run)
}

// figures are what a run of many seeds came to.
type figures struct {
	mu                                      sync.Mutex
	seeds, calls, voicemails, faults, kills int
	wrong                                   int
	slowest                                 time.Duration
}

func (f *figures) String() string {
	return fmt.Sprintf("the model: %d seeds, %d calls, %d voicemails, %d faults and %d killed processes, the slowest decision %s, %d findings",
		f.seeds, f.calls, f.voicemails, f.faults, f.kills, f.slowest.Round(time.Millisecond), f.wrong)
}

// run runs one seed and returns what was wrong in the end.
func (p plot) run(t *testing.T, server *testdb.Server, seed uint64, sum *figures) (wrong []string) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 4))
	w := newModelWorld(t, server, r, p)
	defer w.close()
	w.settle()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stop := w.watch(ctx)
	defer stop()
	for range p.calls {
		tn := w.tenants[r.IntN(len(w.tenants))]
		w.net.Dial(modelCaller(r).After(seconds(r, int((p.trouble*p.faster*2/3).Seconds()))), tn.mask)
	}
	over := make(chan error, 1)
	go func() { over <- w.net.Run(ctx) }()
	w.suffer(r, p.trouble)
	check(t, <-over)
	wrong = w.await(p.settle)
	wrong = append(wrong, w.stopAll()...)
	w.count(sum, len(wrong))
	return wrong
}

func (w *modelWorld) count(f *figures, wrong int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seeds++
	f.calls += len(w.net.Calls())
	f.voicemails += len(w.net.Recordings())
	f.faults += w.faults
	f.kills += w.deathsSoFar()
	f.wrong += wrong
	f.slowest = max(f.slowest, w.exchange.slowest)
}

func modelCaller(r *rand.Rand) network.Caller {
	from := []string{customer, "+15550200003", "+15550200004", "anonymous", ""}[r.IntN(5)]
	c := network.From(from).LeaveMessage(time.Second+seconds(r, 20), "These are words.")
	switch r.IntN(8) {
	case 0:
		return c.HangUpAt(seconds(r, 60))
	case 1:
		return c.HangUpInGreeting()
	case 2:
		return c.PressKey("*")
	case 3:
		return c.Unintelligible()
	}
	return c
}

// modelChaos is what Twilio's requests suffer by themselves.
func modelChaos(r *rand.Rand) network.Chaos {
	return network.Chaos{
		Drop: r.Float64() * 0.3, Duplicate: r.Float64() * 0.5, Delay: r.Float64() * 0.5, Early: r.Float64() * 0.3, Repeat: r.Float64() * 0.3,
		Unknown: r.Float64() * 0.3, MaxDelay: time.Second + seconds(r, 20),
	}
}

// modelTenant is an owner with a number and phones that do something.
type modelTenant struct {
	tenant
	mask              string
	received, changed *watcher
}

func (w *modelWorld) settle() {
	w.t.Helper()
	for i := range 3 {
		s := scenarioOf(w.r.Uint64())
		s.line.State, s.plan = phone.NumberActive, [2]int{100, 100}
		if i == 0 {
			s.line.Voicemail, s.line.ForwardTo, s.phones = true, []phone.Number{owner}, []network.Phone{network.NoAnswer()}
		}
		mask := fmt.Sprintf("+1555000100%d", i)
		tn := w.h.newTenant(fmt.Sprintf("owner%d@example.com", i), mask, s.plan[0], s.plan[1])
		for j := range s.line.ForwardTo {
			s.line.ForwardTo[j] = phone.Number(fmt.Sprintf("+155501010%d%d", i, j))
			w.net.AddPhone(string(s.line.ForwardTo[j]), s.phones[j])
		}
		w.h.set(tn, s.settings())
		w.net.AddNumber(numberAt(w.public, mask))
		w.tenants = append(w.tenants, &modelTenant{tenant: tn, mask: mask})
	}
}
