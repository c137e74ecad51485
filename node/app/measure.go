package app

import (
	"time"

	"dormouse/actors/endpoint"
	"dormouse/actors/intake"
	"dormouse/actors/shell"
	"dormouse/node/admin"
	"dormouse/node/dtlsfront"
	"dormouse/node/ingress"
	"dormouse/persistence/store"
)

// measure registers what is asked for at every scrape.
func (a *App) measure() {
	for kind := endpoint.NoticeKind(1); int(kind) < endpoint.NoticeKinds; kind++ {
		a.metrics.CounterOf("endpoint_events_total", "What happened to endpoints.", "kind", kind.String(),
			func() float64 { return float64(a.counts.notices[kind].Load()) })
	}
	for fault := intake.Fault(1); int(fault) < intake.Faults; fault++ {
		a.metrics.CounterOf("coap_faults_total", "Datagrams that no endpoint took.", "kind", fault.String(),
			func() float64 { return float64(a.counts.faults[fault].Load()) })
	}
	a.measureShell()
	a.measureStore()
	if a.front != nil {
		a.measureHandshakes()
	}
	if a.sockets != nil {
		a.measureSockets()
	}
	if a.peers != nil {
		a.measureCluster()
	}
}

func (a *App) measureShell() {
	a.metrics.Gauge("awake_endpoints", "Endpoints in memory.", func() float64 { return float64(a.shell.Stats().Awake) })
	for name, read := range map[string]func(shell.Stats) uint64{
		"shell_forwarded_total":      func(s shell.Stats) uint64 { return s.Forwarded },
		"shell_hinted_total":         func(s shell.Stats) uint64 { return s.Hinted },
		"shell_disowned_total":       func(s shell.Stats) uint64 { return s.Disowned },
		"shell_dropped_total":        func(s shell.Stats) uint64 { return s.Dropped },
		"shell_loaded_total":         func(s shell.Stats) uint64 { return s.Loaded },
		"shell_passivated_total":     func(s shell.Stats) uint64 { return s.Passivated },
		"shell_panics_total":         func(s shell.Stats) uint64 { return s.Panics },
		"shell_commits_failed_total": func(s shell.Stats) uint64 { return s.CommitsFailed },
		"shell_loads_failed_total":   func(s shell.Stats) uint64 { return s.LoadsFailed },
		"shell_timers_fired_total":   func(s shell.Stats) uint64 { return s.TimersFired },
	} {
		a.metrics.Counter(name, "The shell of the endpoints; see actors/shell.", func() float64 { return float64(read(a.shell.Stats())) })
	}
}

func (a *App) measureHandshakes() {
	a.metrics.Gauge("dtls_handshakes_half_open", "DTLS handshakes under way.", func() float64 { return float64(a.front.HalfOpen()) })
	a.metrics.Counter("dtls_handshakes_total", "DTLS handshakes done.", func() float64 { return float64(a.counts.handshakes.Load()) })
	a.metrics.Counter("dtls_handshakes_seconds_total", "Time that those took, from the ClientHello with a cookie.",
		func() float64 { return time.Duration(a.counts.handshaking.Load()).Seconds() })
	for kind := range dtlsfront.Failure(dtlsfront.Failures) {
		a.metrics.CounterOf("dtls_handshakes_failed_total", "DTLS handshakes that came to nothing.", "kind", kind.String(),
			func() float64 { return float64(a.counts.failed[kind].Load()) })
	}
	for kind := range dtlsfront.Refusal(dtlsfront.Refusals) {
		a.metrics.CounterOf("dtls_handshakes_refused_total", "Datagrams that began or continued no handshake.", "kind", kind.String(),
			func() float64 { return float64(a.counts.refused[kind].Load()) })
	}
}

func (a *App) measureStore() {
	for name, read := range map[string]func(store.Metrics) int64{
		"store_disk_bytes":            func(m store.Metrics) int64 { return m.DiskBytes },
		"store_cache_bytes":           func(m store.Metrics) int64 { return m.CacheBytes },
		"store_memtable_bytes":        func(m store.Metrics) int64 { return m.MemTableBytes },
		"store_compaction_debt_bytes": func(m store.Metrics) int64 { return m.CompactionDebt },
		"store_available_bytes":       func(m store.Metrics) int64 { return m.Available },
		"store_space":                 func(m store.Metrics) int64 { return int64(m.Space) },
	} {
		a.metrics.Gauge(name, "The store; see persistence/store.", func() float64 { return float64(read(a.store.Metrics())) })
	}
	a.metrics.Gauge("commits_pending", "Batches that wait for their commit.", func() float64 { return float64(a.engine.Stats().Pending) })
	for name, read := range map[string]func(store.Metrics) int64{
		"store_cache_hits_total":   func(m store.Metrics) int64 { return m.CacheHits },
		"store_cache_misses_total": func(m store.Metrics) int64 { return m.CacheMisses },
		"store_stalls_total":       func(m store.Metrics) int64 { return m.Stalls },
		"store_refusals_total":     func(m store.Metrics) int64 { return m.Refusals },
	} {
		a.metrics.Counter(name, "The store; see persistence/store.", func() float64 { return float64(read(a.store.Metrics())) })
	}
}

func (a *App) measureSockets() {
	for name, read := range map[string]func(ingress.Stats) uint64{
		"datagrams_received_total":       func(s ingress.Stats) uint64 { return s.Received },
		"datagrams_received_bytes_total": func(s ingress.Stats) uint64 { return s.ReceivedBytes },
		"datagrams_sent_total":           func(s ingress.Stats) uint64 { return s.Sent },
		"datagrams_sent_bytes_total":     func(s ingress.Stats) uint64 { return s.SentBytes },
		"datagrams_kernel_drops_total":   func(s ingress.Stats) uint64 { return s.KernelDrops },
		"datagrams_send_dropped_total":   func(s ingress.Stats) uint64 { return s.SendDropped + s.SendFailed + s.Unroutable },
		"datagrams_truncated_total":      func(s ingress.Stats) uint64 { return s.Truncated },
	} {
		a.metrics.Counter(name, "The CoAP sockets; see node/ingress.", func() float64 { return float64(read(a.sockets.Stats())) })
	}
}

// full says that the disk has no room for anything new.
func (a *App) full() bool { return a.store.Space() == store.Full }

// ready names what must be well for the node to serve.
func (a *App) ready() []admin.Condition {
	space := a.store.Space()
	disk := admin.Condition{Name: "disk", Ready: space != store.Full}
	switch space {
	case store.Full:
		disk.Detail = "The disk is full: new registrations and data are refused, updates are taken as long as they fit."
	case store.Low:
		disk.Detail = "The disk is getting full."
	}
	conditions := []admin.Condition{{Name: "store", Ready: true}, disk}
	if a.peers == nil {
		return conditions
	}
	c := admin.Condition{Name: "cluster", Ready: true}
	if err := a.peers.Ready(); err != nil {
		c.Ready, c.Detail = false, err.Error()
	}
	return append(conditions, c)
}
