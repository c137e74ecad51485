// Package admin is the HTTP face of a node: the platform's inventory and
// device control API, the last values and credentials of devices, and what an
// operator looks at (/livez, /readyz, /metrics, /version, /debug/pprof), on one listener.
//
// It promises the platform's shapes and status codes, bounds on everything
// that a client sends, and an answer only after Backend has said that the fact
// is durable. It decides nothing about devices: that is Backend's.
//
//	request ──▶ admission (Host, Origin, in flight) ──▶ resource (method) ──▶ parse ──▶ Backend
//	                                                        │                            │
//	answer  ◀───────────── JSON shape, links ◀──────────────┴──── refusal → status ◀─────┘
//
// There is one tenant, management, and no login: credentials in a request are
// ignored, so the listener answers loopback names alone.
package admin
