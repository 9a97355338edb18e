package switchboard

import "github.com/prometheus/client_golang/prometheus"

// Metrics count what no row tells.
type Metrics struct {
	unknown prometheus.Counter
	repairs *prometheus.CounterVec
	aside   prometheus.Counter
	gaveUp  *prometheus.CounterVec
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
	m.aside = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "maskline_set_aside_total", Help: "What Twilio told of numbers that are not ours, or that cannot be read: it lies in DATA_DIR/journal/refused.json.",
	})
	m.gaveUp = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "maskline_given_up_total", Help: "What was tried long enough: audio, transcript, mail, or deletion at Twilio. The API says why.",
	}, []string{"what"})
	r.MustRegister(m.unknown, m.repairs, m.aside, m.gaveUp)
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

func (m *Metrics) setAside(n int) {
	if m != nil {
		m.aside.Add(float64(n))
	}
}

func (m *Metrics) givenUp(what string) {
	if m != nil {
		m.gaveUp.WithLabelValues(what).Inc()
	}
}
