package switchboard

import "github.com/prometheus/client_golang/prometheus"

// Metrics count what no row tells.
type Metrics struct {
	unknown prometheus.Counter
	repairs *prometheus.CounterVec
}

// NewMetrics registers the metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		unknown: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "maskline_calls_to_unknown_numbers_total", Help: "Calls to numbers that are not ours, or not any more.",
		}),
		repairs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "maskline_repairs_total", Help: "What the reconciler found at Twilio that no webhook had told us of.",
		}, []string{"kind"}),
	}
	r.MustRegister(m.unknown, m.repairs)
	return m
}

func (m *Metrics) repaired(kind string) {
	if m != nil {
		m.repairs.WithLabelValues(kind).Inc()
	}
}

func (m *Metrics) unknownNumber() {
	if m != nil {
		m.unknown.Inc()
	}
}
