// Package server is a dormouse as a process of its own, seen from outside:
// started on addresses that are free, watched in /proc while it works, killed
// and started again on the same data. Linux alone has what it reads.
//
// It knows of the server its flags, its API's /metrics, and that it answers
// CoAP.
package server
