// Package metrics turns what happens in a node into Prometheus metrics and
// into log lines. Both are listeners of the same events, which carry values
// and no text that grows with traffic.
//
//	ingress, shell, store, admin ──▶ Listener ──┬─▶ Registry ──▶ /metrics
//	                                            └─▶ Logger   ──▶ slog
//
// It promises that a listener never blocks and that the number of time series
// is bounded whatever the devices send.
package metrics
