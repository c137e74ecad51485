package metrics

import "time"

// Listener is told what happens. Every function may be nil, is called
// concurrently, and must not block.
type Listener struct {
	Commit  func(Commit)
	Request func(Request)
}

// Commit is one write to the store: what all shards had ready at that time.
type Commit struct {
	Batches  int
	Bytes    int
	Duration time.Duration // with the fsync
	Err      error
}

// Request is one HTTP request.
type Request struct {
	Method, Route string // Route is a pattern
	Status        int
	Duration      time.Duration
}

// Tee tells both listeners, a first.
func Tee(a, b Listener) Listener {
	return Listener{Commit: both(a.Commit, b.Commit), Request: both(a.Request, b.Request)}
}

func both[E any](a, b func(E)) func(E) {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return func(e E) { a(e); b(e) }
}

// Complete fills the functions that are nil with ones that do nothing, so that
// callers need not ask.
func (l Listener) Complete() Listener {
	return Tee(l, Listener{Commit: func(Commit) {}, Request: func(Request) {}})
}
