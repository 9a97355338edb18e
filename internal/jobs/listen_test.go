package jobs

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"
)

// River is not told that a connection was cut: it would wait before it connects again.
func TestListenerComesBackWhenItsConnectionIsCut(t *testing.T) {
	t.Parallel()
	w := postgresWorld(t)
	l := &listener{db: w.db, listen: w.listen(t)}
	const topic = "river_insert"
	if err := errors.Join(l.Connect(t.Context()), l.Listen(t.Context(), topic), l.Listen(t.Context(), topic)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		w.hears(t, l)
		exec(t, w.db, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'`)
		if err := l.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	}
	w.hears(t, l)
	if err := l.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// hears notifies until the listener hears it.
func (w world) hears(t *testing.T, l *listener) {
	t.Helper()
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		for {
			n, err := l.WaitForNotification(t.Context())
			if err != nil || n.Topic != "river_insert" {
				t.Errorf("heard %+v, %v", n, err)
			}
			if err != nil || n.Payload == "hello" {
				return
			}
		}
	}()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	late := time.After(deadline)
	for {
		exec(t, w.db, `SELECT pg_notify('public.river_insert', 'hello')`)
		select {
		case <-heard:
			for len(l.heard) > 0 {
				<-l.heard
			}
			return
		case <-late:
			t.Fatal("nothing was heard")
		case <-again.C:
		}
	}
}

func TestListenerMissesNothingItNeedsWhenItIsBehind(t *testing.T) {
	t.Parallel()
	w := postgresWorld(t)
	l := &listener{db: w.db, listen: w.listen(t)}
	if err := errors.Join(l.Connect(t.Context()), l.Listen(t.Context(), "river_insert")); err != nil {
		t.Fatal(err)
	}
	w.hears(t, l)
	exec(t, w.db, `SELECT pg_notify('public.river_insert', n::text) FROM generate_series(1, 1000) n`)
	if n, err := l.WaitForNotification(t.Context()); err != nil || n.Payload != "1" {
		t.Errorf("heard %+v, %v", n, err)
	}
	w.hears(t, l)
	if err := l.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestRunOutlivesItsDatabase(t *testing.T) {
	t.Parallel()
	w := postgresWorld(t)
	line := newLine(t, w.dsn)
	far := world{db: open(t, "postgres", line.dsn), dialect: w.dialect, dsn: line.dsn}
	begun, finish := make(chan Job, 10), make(chan struct{})
	q := far.queue(t, Config{Work: map[Kind]Work{Appear: func(_ context.Context, j Job) error {
		begun <- j
		<-finish
		return nil
	}}})
	inserter := w.queue(t, Config{})

	line.cut() // it is away when Run begins
	stop := run(t, q)
	receive(t, line.refused, "Run to look for its database")
	line.mend()
	w.insert(t, inserter, Job{Kind: Appear, Subject: "vm_1"})
	receive(t, begun, "the first job")

	line.cut() // and goes away again while that is at work
	w.insert(t, inserter, Job{Kind: Appear, Subject: "vm_2"})
	close(finish)
	for range 10 {
		receive(t, line.refused, "Run to look for its database")
	}
	line.mend()
	receive(t, begun, "the second job")
	stop()
	w.wantRow(t, "vm_1", "completed", 1)
	w.wantRow(t, "vm_2", "completed", 1)
}

func TestRunStopsWhileItsDatabaseIsAway(t *testing.T) {
	t.Parallel()
	w := postgresWorld(t)
	line := newLine(t, w.dsn)
	far := world{db: open(t, "postgres", line.dsn), dialect: w.dialect, dsn: line.dsn}
	q := far.queue(t, Config{Work: map[Kind]Work{Appear: tell(nil)}})
	beats := make(chan struct{}, 100)
	q.pace.renewEvery = 50 * time.Millisecond
	q.pace.renewed = func() {
		select {
		case beats <- struct{}{}:
		default:
		}
	}

	line.cut()
	stop := run(t, q)
	receive(t, line.refused, "Run to look for its database")
	stop() // before it ever began

	line.mend()
	stop = run(t, q)
	for range 3 {
		receive(t, beats, "Run to be under way")
	}
	line.cut()
	receive(t, line.refused, "Run to look for its database")
	stop()
}

// line leads to the database and can be cut.
type line struct {
	dsn     string
	refused chan struct{} // told of each caller who is turned away

	to    string
	mu    sync.Mutex
	dead  bool
	calls []net.Conn
}

func newLine(t *testing.T, dsn string) *line {
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	entry, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{to: u.Host, refused: make(chan struct{}, 1000)}
	u.Host = entry.Addr().String()
	l.dsn = u.String()
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := entry.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { l.connect(conn) })
		}
	})
	t.Cleanup(func() {
		_ = entry.Close()
		l.cut()
		serving.Wait()
	})
	return l
}

func (l *line) connect(caller net.Conn) {
	defer caller.Close()
	var dialer net.Dialer
	callee, err := dialer.DialContext(context.Background(), "tcp", l.to)
	if err != nil {
		return
	}
	defer callee.Close()
	if !l.register(caller, callee) {
		select {
		case l.refused <- struct{}{}:
		default:
		}
		return
	}
	var both sync.WaitGroup
	for from, to := range map[net.Conn]net.Conn{caller: callee, callee: caller} {
		both.Go(func() {
			_, _ = io.Copy(to, from) // ends with an error whenever the line is cut
			_ = to.Close()
		})
	}
	both.Wait()
}

func (l *line) register(conns ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.dead {
		l.calls = append(l.calls, conns...)
	}
	return !l.dead
}

func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = true
	for _, c := range l.calls {
		_ = c.Close()
	}
	l.calls = nil
	for len(l.refused) > 0 {
		<-l.refused
	}
}

func (l *line) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = false
}
