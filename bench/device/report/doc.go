// Package report decides when a simulated device tells a server about its
// values: the notification attributes that are attached to paths, and the
// observations to which they apply (OMA Core 5.1.2, 6.4).
//
//	sample or write ──▶ condition (any change; gt, lt, st, edge) ──yes──▶ pending
//	                                                                        │
//	           pmax is over ──▶ Due ◀── pmin is over ───────────────────────┘
//
// It is given values and times and returns decisions; sending is for
// bench/device.
package report
