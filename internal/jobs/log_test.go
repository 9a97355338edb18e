package jobs

import (
	"context"
	"log/slog"
	"testing"
	"time"
)

func TestRiverIsHeardFromWarningsUpAndNotOverAndOver(t *testing.T) {
	t.Parallel()
	log := &logbook{}
	away := false
	h := warnings{log, &said{}, func() bool { return away }}
	start := time.Now()
	say := func(after time.Duration, level slog.Level, message string) {
		t.Helper()
		to := h.WithAttrs(nil).WithGroup("river")
		if !to.Enabled(t.Context(), level) {
			return
		}
		if err := to.Handle(t.Context(), slog.NewRecord(start.Add(after), level, message, 0)); err != nil {
			t.Error(err)
		}
	}
	say(0, slog.LevelInfo, "all is well")
	say(0, slog.LevelError, "no database")
	say(time.Second, slog.LevelError, "no database")
	say(time.Second, slog.LevelWarn, "a job is stuck")
	say(11*time.Second, slog.LevelError, "no database")
	away = true
	say(22*time.Second, slog.LevelError, "no database")
	away = false
	stopped := slog.NewRecord(start, slog.LevelError, "half done", 0)
	stopped.Add("error", context.Canceled) // we told it to stop
	if err := h.Handle(t.Context(), stopped); err != nil {
		t.Error(err)
	}
	log.want(t, "ERROR no database", "WARN a job is stuck", "ERROR no database")
}
