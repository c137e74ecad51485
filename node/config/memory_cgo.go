//go:build cgo

package config

// storeOutsideHeap: with cgo the store allocates its cache by itself.
const storeOutsideHeap = true
