package jobs

import (
	"context"
	"slices"
	"testing"
	"time"
)

// BenchmarkInsertToStart measures how long after its transaction's commit a job starts.
func BenchmarkInsertToStart(b *testing.B) {
	for name, open := range map[string]func(testing.TB) world{"sqlite": sqliteWorld, "postgres": postgresWorld} {
		b.Run(name, func(b *testing.B) {
			w := open(b)
			started := make(chan time.Time, 1)
			q := w.queue(b, Config{Work: map[Kind]Work{Appear: func(context.Context, Job) error {
				started <- time.Now()
				return nil
			}}})
			stop := run(b, q)
			w.insert(b, q, Job{Kind: Appear}) // once it is worked, all is warm
			receive(b, started, "the first job")
			var took []time.Duration
			for b.Loop() {
				w.insert(b, q, Job{Kind: Appear})
				committed := time.Now()
				took = append(took, receive(b, started, "the job").Sub(committed))
			}
			stop()
			slices.Sort(took)
			ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
			b.ReportMetric(ms(took[len(took)/2]), "p50-ms")
			b.ReportMetric(ms(took[len(took)*99/100]), "p99-ms")
			b.ReportMetric(ms(took[len(took)-1]), "max-ms")
		})
	}
}
