// Package syncs stands between a program and its disk: fsync and fdatasync take
// as long as the bench wants, as on a disk that is slow for a while.
//
//	node ── fsync ──▶ kernel ── seccomp notification ──▶ Gate ── after Delay ──▶ "go on"
//
// The program is not changed and not traced: before it begins, a filter of these
// two system calls is put on its process (seccomp_unotify(2), Linux 5.5), and all
// others are as fast as ever. A sync that is not delayed costs some 10 µs more.
//
// What is written and not synced is as fast as ever, and so is what is read.
package syncs
