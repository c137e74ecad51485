//go:build race

package dtlsrec

// raced says that the race detector watches: under it the standard library's
// stored hashes allocate.
const raced = true
