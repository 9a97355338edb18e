package switchboard

import "github.com/prometheus/client_golang/prometheus"

// Metrics count what no row tells.
type Metrics struct {
	unknown prometheus.Counter
}

// NewMetrics registers the metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{unknown: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "maskline_calls_to_unknown_numbers_total", Help: "Calls to numbers that are not ours, or not any more.",
	})}
	r.MustRegister(m.unknown)
	return m
}

func (m *Metrics) unknownNumber() {
	if m != nil {
		m.unknown.Inc()
	}
}
