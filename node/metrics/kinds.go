package metrics

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// maxKinds bounds the time series of one kinds; what comes later is "other".
const maxKinds = 128

// kinds is a counter by one label whose values are few. It keeps the children,
// since looking one up by label costs more than counting.
type kinds struct {
	vec      *prometheus.CounterVec
	children sync.Map // string to prometheus.Counter

	mu    sync.Mutex // guards count; held while a child is made
	count int
}

func newKinds(vec *prometheus.CounterVec) *kinds { return &kinds{vec: vec} }

func (k *kinds) add(kind string, n int) {
	c, ok := k.children.Load(kind)
	if !ok {
		c = k.child(kind)
	}
	c.(prometheus.Counter).Add(float64(n))
}

// child makes the counter of a kind that was not counted before.
func (k *kinds) child(kind string) prometheus.Counter {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.count >= maxKinds {
		return k.vec.WithLabelValues("other")
	}
	c, known := k.children.LoadOrStore(kind, k.vec.WithLabelValues(kind))
	if !known {
		k.count++
	}
	return c.(prometheus.Counter)
}
