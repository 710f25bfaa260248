// Package telemetry is what operators see: metrics and logs, and never a person.
//
// Labels come from closed lists (acts, colours, decisions, kinds of error,
// partners' numbers); no identifier, name, path or error text becomes a label.
package telemetry

import (
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/fault"
)

// Metrics are the platform's counters. It implements gate.Observer.
type Metrics struct {
	registry *prometheus.Registry
	asks     *prometheus.CounterVec
	colours  *prometheus.CounterVec
	batches  *prometheus.HistogramVec
	size     prometheus.Histogram
	waited   prometheus.Histogram
	relayed  *prometheus.CounterVec
	swept    *prometheus.CounterVec
	fhir     *prometheus.HistogramVec
}

// New makes the metrics of one process.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		asks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "amanah_gate_asks_total", Help: "Requests answered at the gate, by act, decision and kind of error.",
		}, []string{"act", "decision", "error"}),
		colours: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "amanah_gate_colours_total", Help: "Colours told to the people they belong to.",
		}, []string{"colour"}),
		batches: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "amanah_gate_batch_seconds", Help: "Time from taking a batch to its commit.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}, []string{"error"}),
		size: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "amanah_gate_batch_asks", Help: "Requests in a batch.", Buckets: prometheus.ExponentialBuckets(1, 2, 9),
		}),
		waited: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "amanah_gate_wait_seconds", Help: "Time the batch's first request waited to be taken.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}),
		relayed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "amanah_relay_messages_total", Help: "Encapsulated messages by partner and outcome of the framing.",
		}, []string{"partner", "outcome"}),
		swept: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "amanah_sweep_colours_total", Help: "Colours met by the sweep that differed from the keeper's head, were decided anew, or whose evidence does not open.",
		}, []string{"what"}),
		fhir: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "amanah_fhir_request_seconds", Help: "Requests for health records, by interaction and status.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
		}, []string{"interaction", "status"}),
	}
	m.registry.MustRegister(m.asks, m.colours, m.batches, m.size, m.waited, m.relayed, m.swept, m.fhir,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Batch implements gate.Observer.
func (m *Metrics) Batch(asks int, waited, took time.Duration, err error) {
	m.size.Observe(float64(asks))
	m.waited.Observe(waited.Seconds())
	m.batches.WithLabelValues(kind(err)).Observe(took.Seconds())
}

// Decided implements gate.Observer.
func (m *Metrics) Decided(act venue.Act, c status.Colour, d venue.Decision, err error) {
	decision := "none"
	if act.Enters() && err == nil {
		decision = d.String()
	}
	m.asks.WithLabelValues(act.String(), decision, kind(err)).Inc()
	if c != 0 {
		m.colours.WithLabelValues(c.String()).Inc()
	}
}

// Relayed counts one encapsulated message.
func (m *Metrics) Relayed(partner, outcome string) { m.relayed.WithLabelValues(partner, outcome).Inc() }

// Swept counts what one sweep over all people found.
func (m *Metrics) Swept(odd, decided, closed int) {
	m.swept.WithLabelValues("odd").Add(float64(odd))
	m.swept.WithLabelValues("decided").Add(float64(decided))
	m.swept.WithLabelValues("closed").Add(float64(closed))
}

// FHIR counts one request for health records, and implements fhir.Observer.
func (m *Metrics) FHIR(interaction string, status int, took time.Duration) {
	m.fhir.WithLabelValues(interaction, strconv.Itoa(status)).Observe(took.Seconds())
}

// Gauge publishes a value that is read when asked for.
func (m *Metrics) Gauge(name, help string, read func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read))
}

// Handler serves the metrics in Prometheus's text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

func kind(err error) string {
	if err == nil {
		return "none"
	}
	return fault.KindOf(err).String()
}

// Log returns a structured logger: text for a terminal, JSON otherwise. Errors
// are logged by the text of their whole chain, which the rules of package fault
// keep free of personal data.
func Log(w io.Writer, format string, level slog.Level) *slog.Logger {
	opt := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, opt))
	}
	return slog.New(slog.NewTextHandler(w, opt))
}
