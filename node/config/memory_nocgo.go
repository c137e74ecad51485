//go:build !cgo

package config

// storeOutsideHeap: without cgo the store's cache is part of Go's heap.
const storeOutsideHeap = false
