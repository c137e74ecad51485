// Package metrics turns what happens in a node into Prometheus metrics and
// into log lines. Both are listeners of the same events, which carry values
// and no text that grows with traffic.
//
//	committer, admin ──▶ Listener ──┬─▶ Registry ──▶ /metrics
//	                                └─▶ Logger   ──▶ slog
//	sockets, shell, store ── their own counters, asked for at a scrape ──▶ Registry
//
// It promises that a listener never blocks and that the number of time series
// is bounded whatever the devices send.
package metrics
