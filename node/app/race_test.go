//go:build race

package app_test

// raced says that the race detector watches: all is slower by far, and a part
// of the work shows the same races.
const raced = true
