// Package app puts a node together and takes it apart.
//
//	sockets ─▶ route ─▶ shell ─▶ endpoints ─▶ committer ─▶ store
//	                      ▲                       │
//	HTTP ─▶ admin ─▶ fleet┘◀────── reads ─────────┘
//
// What is acquired first is given back last: the sockets stop, the shell
// drains, the committer writes what it has, the store is closed.
package app
