package journal_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/maskline/maskline/internal/journal"
)

// replayed are all entries that a replay hands out.
func replayed(t *testing.T, j *journal.Journal) (all []string) {
	t.Helper()
	if err := j.Replay(func(entry []byte) error {
		all = append(all, string(entry))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func appendAll(t *testing.T, j *journal.Journal, entries ...string) {
	t.Helper()
	for _, e := range entries {
		if err := j.Append([]byte(e)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatWasAppendedIsReplayedOnceInItsOrder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "journal")
	j := journal.New(dir)
	if !j.Empty() || len(replayed(t, j)) > 0 {
		t.Error("a new journal is not empty")
	}
	appendAll(t, j, `{"a":1}`, `{"a":2}`)
	if j.Empty() {
		t.Error("it is said to be empty")
	}
	again := journal.New(dir) // the process died and was started again
	if got := replayed(t, again); !slices.Equal(got, []string{`{"a":1}`, `{"a":2}`}) {
		t.Errorf("got %q", got)
	}
	if got := replayed(t, again); len(got) > 0 || !again.Empty() {
		t.Errorf("replayed again: %q", got)
	}
	appendAll(t, j, `{"a":3}`)
	if err := j.Append([]byte("two\nlines")); err == nil {
		t.Error("an entry of two lines was taken")
	}
}

func TestAReplayThatFailsIsMadeAgain(t *testing.T) {
	t.Parallel()
	j := journal.New(t.TempDir())
	appendAll(t, j, "1", "2", "3")
	away := errors.New("the database is away")
	var seen []string
	err := j.Replay(func(e []byte) error {
		seen = append(seen, string(e))
		if string(e) == "2" {
			return away
		}
		return nil
	})
	if !errors.Is(err, away) || !slices.Equal(seen, []string{"1", "2"}) {
		t.Errorf("got %v after %q", err, seen)
	}
	appendAll(t, j, "4")
	if got := replayed(t, j); len(got) != 4 {
		t.Errorf("got %q, want all four", got)
	}
}

func TestManyAppendAtOnce(t *testing.T) {
	t.Parallel()
	j := journal.New(t.TempDir())
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() { appendAll(t, j, fmt.Sprint(i)) })
	}
	all.Wait()
	if got := replayed(t, j); len(got) != 50 {
		t.Errorf("%d entries of 50", len(got))
	}
}

// A disk that takes a moment for each entry would hold up the fiftieth by fifty of them.
func TestWhatComesWhileTheDiskIsBusyIsMadeSafeAtOnce(t *testing.T) {
	t.Parallel()
	j := journal.New(t.TempDir())
	busy, free := make(chan struct{}), make(chan struct{})
	var syncs atomic.Int64
	j.Sync = func(f *os.File) error {
		if syncs.Add(1) == 1 {
			close(busy)
			<-free
		}
		return f.Sync()
	}
	var all sync.WaitGroup
	all.Go(func() { appendAll(t, j, "first") })
	<-busy
	const others = 50
	for i := range others {
		all.Go(func() { appendAll(t, j, fmt.Sprint(i)) })
	}
	for j.Waiting() < others {
		runtime.Gosched()
	}
	close(free)
	all.Wait()
	if n := syncs.Load(); n != 2 {
		t.Errorf("%d entries were made safe in %d steps, want 2", others+1, n)
	}
	if got := replayed(t, j); len(got) != others+1 || got[0] != "first" {
		t.Errorf("%d entries of %d: %q", len(got), others+1, got)
	}
}

func TestWhatIsNotMadeSafeIsRefusedToAllWhoWaitForIt(t *testing.T) {
	t.Parallel()
	j := journal.New(t.TempDir())
	broken := errors.New("broken")
	j.Sync = func(*os.File) error { return broken }
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if err := j.Append([]byte(fmt.Sprint(i))); !errors.Is(err, broken) {
				t.Errorf("got %v", err)
			}
		})
	}
	all.Wait()
}

func TestAFolderThatCannotBeMade(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := journal.New(filepath.Join(file, "journal")).Append([]byte("1")); err == nil {
		t.Error("an entry was accepted that is nowhere")
	}
}

func BenchmarkAppend(b *testing.B) {
	j := journal.New(b.TempDir())
	for b.Loop() {
		if err := j.Append([]byte(`{"kind":"reported"}`)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendBesideMany(b *testing.B) {
	j := journal.New(b.TempDir())
	b.SetParallelism(100)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := j.Append([]byte(`{"kind":"reported"}`)); err != nil {
				b.Error(err)
			}
		}
	})
}

// TestNothingIsLostBetweenTwoProcesses has one process write while another replays, and each sees all of it at least once.
func TestNothingIsLostBetweenTwoProcesses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b := journal.New(dir), journal.New(dir)
	const n = 300
	seen := map[string]bool{}
	var mu sync.Mutex
	see := func(j *journal.Journal) {
		if err := j.Replay(func(entry []byte) error {
			mu.Lock()
			defer mu.Unlock()
			seen[string(entry)] = true
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
	appendAll(t, a, "first")
	see(b)
	appendAll(t, a, "second") // into a file that is gone, were it not noticed
	var all, reading sync.WaitGroup
	done := make(chan struct{})
	for _, j := range []*journal.Journal{a, b} {
		all.Go(func() {
			for i := range n {
				appendAll(t, j, fmt.Sprintf("%p %d", j, i))
			}
		})
		reading.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					see(j)
				}
			}
		})
	}
	all.Wait()
	close(done)
	reading.Wait()
	see(a)
	see(b)
	if len(seen) != 2*n+2 || !a.Empty() {
		t.Errorf("%d entries were handed out, want %d", len(seen), 2*n+2)
	}
}
