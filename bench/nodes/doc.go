// Package nodes starts the nodes of a cluster as processes on the loopback, and
// asks them for what the cluster knows of itself.
package nodes
