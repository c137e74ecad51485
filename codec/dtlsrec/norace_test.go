//go:build !race

package dtlsrec

const raced = false
