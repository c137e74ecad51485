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

	datagrams, bytes        *prometheus.CounterVec // by direction
	faults                  *kinds
	registrations           *kinds
	operations              *kinds
	commits, batches        prometheus.Counter
	commitBytes, failed     prometheus.Counter
	commitSeconds           prometheus.Histogram
	requests                *prometheus.CounterVec // by method, route, status
	requestSeconds          *prometheus.HistogramVec
	receivedDatagrams, sent prometheus.Counter // children of datagrams
	receivedBytes, sentByte prometheus.Counter // children of bytes
}

// namespace is the first part of every name of ours.
const namespace = "dormouse"

// New makes a registry with the process's and the Go runtime's own metrics.
func New() *Registry {
	r := &Registry{registry: prometheus.NewRegistry()}
	r.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	r.datagrams = r.vec("datagrams_total", "Datagrams of the CoAP sockets.", "direction")
	r.bytes = r.vec("datagram_bytes_total", "Payload bytes of those datagrams.", "direction")
	r.receivedDatagrams, r.sent = r.datagrams.WithLabelValues(string(Received)), r.datagrams.WithLabelValues(string(Sent))
	r.receivedBytes, r.sentByte = r.bytes.WithLabelValues(string(Received)), r.bytes.WithLabelValues(string(Sent))
	r.faults = newKinds(r.vec("errors_total", "What was refused, dropped or went wrong, by kind.", "kind"))
	r.registrations = newKinds(r.vec("registrations_total", "Steps in the life of registrations.", "kind"))
	r.operations = newKinds(r.vec("operations_total", "Operations that reached a status.", "status"))
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

// Handler answers scrapes.
func (r *Registry) Handler() http.Handler {
	return promhttp.HandlerFor(r.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, EnableOpenMetrics: true})
}

// Listener counts what it is told.
func (r *Registry) Listener() Listener {
	return Listener{
		Datagrams:    r.countDatagrams,
		Fault:        func(f Fault) { r.faults.add(f.Kind, max(f.Count, 1)) },
		Registration: func(e Registration) { r.registrations.add(string(e.Kind), 1) },
		Operation:    func(o Operation) { r.operations.add(o.Status, 1) },
		Commit:       r.countCommit,
		Request:      r.countRequest,
	}
}

func (r *Registry) countDatagrams(d Datagrams) {
	count, bytes := r.receivedDatagrams, r.receivedBytes
	if d.Direction == Sent {
		count, bytes = r.sent, r.sentByte
	}
	count.Add(float64(d.Count))
	bytes.Add(float64(d.Bytes))
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
