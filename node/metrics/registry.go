package metrics

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Registry holds the metrics of one node. All methods may be called
// concurrently.
type Registry struct {
	registry *prometheus.Registry

	commits, batches    prometheus.Counter
	commitBytes, failed prometheus.Counter
	commitSeconds       prometheus.Histogram
	requests            *prometheus.CounterVec // by method, route, status
	requestSeconds      *prometheus.HistogramVec
}

// namespace is the first part of every name of ours.
const namespace = "dormouse"

// New makes a registry with the process's and the Go runtime's own metrics.
func New() *Registry {
	r := &Registry{registry: prometheus.NewRegistry()}
	r.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	r.commits = r.counter("commits_total", "Writes to the store, an fsync each.")
	r.batches = r.counter("commit_batches_total", "Batches of endpoints in those writes.")
	r.commitBytes = r.counter("commit_bytes_total", "Bytes of those writes.")
	r.failed = r.counter("commit_failures_total", "Writes that failed.")
	r.commitSeconds = prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Name: "commit_seconds",
		Help: "Time of a write with its fsync.", Buckets: prometheus.ExponentialBuckets(50e-6, 2, 16)})
	r.requests = r.vec("http_requests_total", "HTTP requests by pattern.", "method", "route", "status")
	r.requestSeconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: "http_request_seconds",
		Help: "Time of HTTP requests by pattern.", Buckets: prometheus.ExponentialBuckets(0.5e-3, 4, 9)}, []string{"method", "route"})
	r.registry.MustRegister(r.commitSeconds, r.requestSeconds)
	return r
}

func (r *Registry) vec(name, help string, labels ...string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	r.registry.MustRegister(v)
	return v
}

func (r *Registry) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
	r.registry.MustRegister(c)
	return c
}

// Gauge registers a value that is asked for at every scrape, such as
// awake_endpoints. read may be called concurrently and must not block; a name
// that is registered already panics.
func (r *Registry) Gauge(name, help string, read func() float64) {
	r.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, read))
}

// Counter registers a total that only grows and that somebody else counts,
// such as kernel_drops_total. As Gauge.
func (r *Registry) Counter(name, help string, read func() float64) {
	r.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, read))
}

// CounterOf is Counter for one of several totals of a name, which a label
// tells apart. The values of a label are few and constants of the code.
func (r *Registry) CounterOf(name, help, label, value string, read func() float64) {
	r.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Namespace: namespace, Name: name, Help: help, ConstLabels: prometheus.Labels{label: value}}, read))
}

// Handler answers scrapes.
func (r *Registry) Handler() http.Handler {
	return promhttp.HandlerFor(r.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, EnableOpenMetrics: true})
}

// Listener counts what it is told.
func (r *Registry) Listener() Listener {
	return Listener{Commit: r.countCommit, Request: r.countRequest}
}

func (r *Registry) countCommit(c Commit) {
	if c.Err != nil {
		r.failed.Inc()
		return
	}
	r.commits.Inc()
	r.batches.Add(float64(c.Batches))
	r.commitBytes.Add(float64(c.Bytes))
	r.commitSeconds.Observe(c.Duration.Seconds())
}

func (r *Registry) countRequest(q Request) {
	route := q.Route
	if route == "" {
		route = "none"
	}
	r.requests.WithLabelValues(q.Method, route, strconv.Itoa(q.Status)).Inc()
	r.requestSeconds.WithLabelValues(q.Method, route).Observe(q.Duration.Seconds())
}
