// Package report measures a server in one go, each figure beside a bare UDP
// echo of the same minute: clocks, neighbours and kernels differ, their ratio
// hardly does.
//
//	echo ─ row ─ echo ─ row ─ echo ─ row ─ echo      three rounds of one row
//	     └─────┬─────┘
//	     one multiple; the median of the rounds counts
//
// Each row has a server of its own, a process, on fresh data on a real disk.
package report
