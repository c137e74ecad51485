// Package chaos runs a cluster of dormouse nodes under load while it kills,
// stops and troubles them, and has the history of the run judged:
//
//	nodes (processes) ◀── injector: one fault at a time
//	  ▲   ▲
//	  │   └── swarm: devices, any datagram to any node
//	  └────── clients: operations over HTTP, any request to any node
//	all of it ──▶ history ──▶ history.Check ──▶ Report
//
// A run is: start the nodes, post credentials, register, observe; then faults
// for a while, then none until all operations have ended; then every node is
// asked for every operation, and every device for its registration.
//
// Networks that are cut and disks that are full are those of package lab: Run is
// then called in a program that lab.Enter runs. Syncs are slowed by package syncs.
//
// One fault is under way at a time, so that of three nodes two always live. The
// random choices are those of a seed; what the nodes make of them depends on the
// time, so that a seed repeats the plan and not the run.
package chaos
