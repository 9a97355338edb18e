package switchboard

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/maskline/maskline/internal/jobs"
)

// Metrics count what no row tells.
type Metrics struct {
	unknown prometheus.Counter
	repairs *prometheus.CounterVec
	aside   prometheus.Counter
	gaveUp  *prometheus.CounterVec
	panics  prometheus.Counter
	signIns *prometheus.CounterVec
}

// NewMetrics registers the metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		unknown: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "maskline_calls_to_unknown_numbers_total", Help: "Calls to numbers that are not ours, or not any more.",
		}),
		repairs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "maskline_repairs_total", Help: "What the reconciler found at Twilio that no webhook had told us of, or took up of what was set aside.",
		}, []string{"kind"}),
	}
	m.aside = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "maskline_set_aside_total", Help: "What Twilio told of numbers that are not ours, or that could not be taken. It lies in the table raw_webhooks; the doctor counts it.",
	})
	m.gaveUp = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "maskline_given_up_total", Help: "What was tried long enough: audio, transcript, mail, or deletion at Twilio, of which the API says why; a webhook of a number that never became ours; an audit entry of reading that found no room; or a job that always fails, of which the log says why.",
	}, []string{"what"})
	m.panics = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "maskline_panics_total", Help: "Mistakes of ours that cost a request, a push or a try of a job. The log says where.",
	})
	m.signIns = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "maskline_sign_ins_failed_total", Help: "Sign-ins with a token that is not valid, and those that were refused unseen since too many of the same peer had failed.",
	}, []string{"why"})
	r.MustRegister(m.signIns, m.unknown, m.repairs, m.aside, m.gaveUp, m.panics)
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

func (m *Metrics) setAside() {
	if m != nil {
		m.aside.Inc()
	}
}

func (m *Metrics) givenUp(what string) { m.givenUpMany(what, 1) }

func (m *Metrics) givenUpMany(what string, n int) {
	if m != nil {
		m.gaveUp.WithLabelValues(what).Add(float64(n))
	}
}

func (m *Metrics) signInFailed(refused bool) {
	why := "token"
	if refused {
		why = "refused"
	}
	if m != nil {
		m.signIns.WithLabelValues(why).Inc()
	}
}

// Panicked counts a panic that was caught.
func (m *Metrics) Panicked() {
	if m != nil {
		m.panics.Inc()
	}
}

// GaveUp counts a job that failed for the last time without its work having given it up.
func (s *Switchboard) GaveUp(jobs.Kind) { s.Metrics.givenUp("job") }
