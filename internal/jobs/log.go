package jobs

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// warnings passes on what River says from a warning up, each thing at most once in ten
// seconds. Below that River tells of each start, stop and count, and repeats the failures
// that perform has logged; and while the database is away, which others have said, each
// of its many parts says so every second.
type warnings struct {
	slog.Handler
	said *said
	away func() bool
}

const quietFor = 10 * time.Second

func (h warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

func (h warnings) Handle(ctx context.Context, r slog.Record) error {
	if h.away() || stopping(r) || h.said.lately(r.Message, r.Time) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

// stopping tells whether a record only says that something was not finished since the queue was told to stop.
func stopping(r slog.Record) (yes bool) {
	r.Attrs(func(a slog.Attr) bool {
		yes = strings.Contains(a.Value.String(), context.Canceled.Error())
		return !yes
	})
	return yes
}

func (h warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warnings{h.Handler.WithAttrs(attrs), h.said, h.away}
}

func (h warnings) WithGroup(name string) slog.Handler {
	return warnings{h.Handler.WithGroup(name), h.said, h.away}
}

// said remembers when each message was passed on. River's messages are constants, so
// there are few of them.
type said struct {
	mu sync.Mutex
	at map[string]time.Time
}

func (s *said) lately(message string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last, ok := s.at[message]; ok && now.Sub(last) < quietFor {
		return true
	}
	if s.at == nil {
		s.at = map[string]time.Time{}
	}
	s.at[message] = now
	return false
}
