package shell

import (
	"fmt"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
)

// turn is a function that Do runs.
type turn = func(now time.Time, s *endpoint.Shard, fx *endpoint.Effects)

// errand is something that is done on the loop of a shard, without an endpoint.
// One of its functions is called: failed (nil: nobody waits) where the errand
// was admitted and could not be run.
type errand struct {
	run    func(l *loop, s *shard)
	failed func(error)
}

// send admits an errand.
func (s *Shell) send(id ids.Shard, e *errand) error {
	switch {
	case int(id) >= len(s.leads):
		return fmt.Errorf("shell: no shard %d", id)
	case !s.Leads(id):
		return endpoint.ErrElsewhere
	}
	return s.loopOf(id).inbox.put(message{to: Destination{kind: toShard, value: uint64(id)}, do: e})
}

// Do runs f on the loop of a shard, without an endpoint; its effects obey the
// rule, and it cannot set signposts. f must not block. Errors are those of
// Post; the shard must exist. With an error neither f nor failed is called,
// else one of them is: failed, on a loop, with endpoint.ErrElsewhere where the
// shard was lost before f could run, or with endpoint.ErrClosed. So a caller who
// waits is answered once by failed or by the Reply that f adds; where f panics
// before it has added one, by failed. failed may be nil.
func (s *Shell) Do(id ids.Shard, f turn, failed func(error)) error {
	return s.send(id, &errand{func(l *loop, to *shard) { l.runTurn(to, f, failed) }, failed})
}

func (l *loop) runTurn(s *shard, f turn, failed func(error)) {
	g := l.newGroup(s, nil)
	if !l.guard(0, func() { f(l.now, s.Shard, &g.fx) }) {
		g.err = ErrPanic
		g.fx.Batch.Reset()
		g.fx.Signposts = g.fx.Signposts[:0]
		if failed != nil && len(g.fx.Replies) == 0 {
			g.fx.Replies = append(g.fx.Replies, failed)
		}
	}
	l.commit(g)
}
