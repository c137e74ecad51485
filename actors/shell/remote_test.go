package shell

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// sign asks for a signpost as another node does.
func (r *rig) sign(port int, id ids.Endpoint) *answers {
	a := new(answers)
	if err := r.shell.SetSign(signOf(peer(port)), id, a.add); err != nil {
		a.add(err)
	}
	return a
}

// remote is the way to the signposts of other nodes: what is asked lies there
// until it is answered, oldest first.
type remote struct {
	mu    sync.Mutex
	asked []string
	done  []func(error)
}

func (m *remote) sign(shard ids.Shard, sign wire.Sign, id ids.Endpoint, clear bool, done func(error)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	what := "set"
	if clear {
		what = "clear"
	}
	port := -1
	for p := range 100 {
		if signOf(peer(p)) == sign {
			port = p
		}
	}
	m.asked = append(m.asked, fmt.Sprintf("%s %d %x", what, port, uint64(id)))
	m.done = append(m.done, done)
}

// answer ends what was asked first.
func (m *remote) answer(err error) {
	m.mu.Lock()
	done := m.done[0]
	m.done = m.done[1:]
	m.mu.Unlock()
	done(err)
	synctest.Wait()
}

func (m *remote) want(t *testing.T, want ...string) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if !slices.Equal(m.asked, want) {
		t.Errorf("asked %q, want %q", m.asked, want)
	}
	m.asked = nil
}

// withRemote runs f with two ports whose signposts are not here, and an endpoint
// that is.
func withRemote(t *testing.T, f func(r *rig, m *remote, a ids.Endpoint, p, q int)) {
	for _, loops := range []int{1, 2} {
		m := new(remote)
		in(t, Options{Loops: loops, RemoteSign: m.sign}, func(r *rig) {
			a, ports := device(1), []int(nil)
			for port := 1; len(ports) < 2; port++ {
				if r.signShard(port) != r.shardOf(a) {
					ports = append(ports, port)
				}
			}
			for _, port := range ports {
				r.yield(r.signShard(port))
			}
			r.automatic()
			f(r, m, a, ports[0], ports[1])
			r.quiet()
		})
	}
}

func set(port int, id ids.Endpoint) string { return fmt.Sprintf("set %d %x", port, uint64(id)) }

func cleared(port int, id ids.Endpoint) string { return fmt.Sprintf("clear %d %x", port, uint64(id)) }

func TestASignpostOnAnotherNode(t *testing.T) {
	withRemote(t, func(r *rig, m *remote, a ids.Endpoint, p, q int) {
		moved := r.submit(a, fmt.Sprint("w s", p))
		synctest.Wait()
		m.want(t, set(p, a))
		moved.want(t)
		r.wantSent()
		m.answer(nil)
		moved.want(t, nil)
		r.wantSent(said("wrote", 1, a), said("moved", 1, a))

		failed := r.submit(a, fmt.Sprint("w s", q))
		synctest.Wait()
		m.answer(endpoint.ErrElsewhere)
		failed.want(t, endpoint.ErrElsewhere)
		m.want(t, set(q, a))
		r.wantSent()
		r.awake(0)

		// Nobody waits for a clear, nor asks what came of it.
		left := r.submit(a, fmt.Sprint("c", p))
		synctest.Wait()
		left.want(t, nil)
		m.want(t, cleared(p, a))
		m.answer(errDisk)
	})
}

// TestThereAndBack: while a clear is with another node, what is wanted of the sign
// after it waits.
func TestThereAndBack(t *testing.T) {
	withRemote(t, func(r *rig, m *remote, a ids.Endpoint, p, q int) {
		r.tell(ToEndpoint(a), fmt.Sprint("c", p))
		back := r.submit(a, fmt.Sprintf("c%d s%d", q, p))
		r.tell(ToEndpoint(a), fmt.Sprintf("c%d s%d", p, q)) // behind it: not released
		m.want(t, cleared(p, a), set(q, a))
		back.want(t)
		m.answer(nil)
		m.want(t, set(p, a))
		m.answer(nil) // q
		back.want(t)
		r.wantSent()
		m.answer(nil) // p
		back.want(t, nil)
		// q was set again meanwhile: its clear is not asked for. That of p is.
		m.want(t, cleared(p, a))
		r.wantSent(said("moved", 0, a), said("moved", 0, a))
		m.answer(nil)
	})
}

// TestClearsWaitForClears: those of two endpoints go one after the other, and the
// set between them keeps its place.
func TestClearsWaitForClears(t *testing.T) {
	withRemote(t, func(r *rig, m *remote, a ids.Endpoint, p, _ int) {
		b := a + 1
		r.tell(ToEndpoint(a), fmt.Sprint("c", p))
		r.tell(ToEndpoint(b), fmt.Sprint("s", p))
		r.tell(ToEndpoint(a), fmt.Sprint("c", p))
		r.tell(ToEndpoint(a), fmt.Sprint("s", p))
		m.want(t, cleared(p, a))
		m.answer(nil)
		m.want(t, set(p, b), cleared(p, a))
		m.answer(nil)
		r.wantSent(said("moved", 0, b))
		m.answer(nil)
		m.want(t, set(p, a))
		m.answer(nil)
		r.wantSent(said("moved", 0, a))
	})
}

// TestAnEndpointIsLostWithItsRemoteSet: the answer comes later, to nobody.
func TestAnEndpointIsLostWithItsRemoteSet(t *testing.T) {
	withRemote(t, func(r *rig, m *remote, a ids.Endpoint, p, q int) {
		moved := r.submit(a, fmt.Sprint("w s", p))
		r.tell(ToEndpoint(a+1), fmt.Sprint("c", q))
		waits := r.submit(a, fmt.Sprint("s", q))
		synctest.Wait()
		m.want(t, set(p, a), cleared(q, a+1))
		r.yield(r.shardOf(a))
		moved.want(t, endpoint.ErrElsewhere)
		waits.want(t, endpoint.ErrElsewhere)
		r.lead(r.shardOf(a))
		again := r.submit(a, "w")
		m.answer(nil)
		m.answer(nil)
		m.want(t) // whose set waited for the clear is gone
		again.want(t, nil)
		moved.want(t, endpoint.ErrElsewhere)
		r.wantSent(said("wrote", 2, a))
	})
}

// TestASignpostIsLostUnderAGroup: the shard of the sign goes while its set is in
// flight; the endpoint's own stays.
func TestASignpostIsLostUnderAGroup(t *testing.T) {
	for _, loops := range []int{1, 2, 8} {
		in(t, Options{Loops: loops}, func(r *rig) {
			a := device(1)
			port := foreignPort(r, a)
			moved := r.submit(a, fmt.Sprint("w s", port))
			synctest.Wait()
			r.yield(r.signShard(port))
			moved.want(t) // behind the commit of its own shard
			late := r.submit(a, "r")
			r.automatic()
			moved.want(t, endpoint.ErrElsewhere)
			late.want(t, nil)
			r.wantSent(said("read", 1, a))
			// Without RemoteSign nothing else is tried.
			refused := r.submit(a, fmt.Sprint("s", port))
			synctest.Wait()
			refused.want(t, endpoint.ErrElsewhere)
			r.lead(r.signShard(port))
			r.submit(a, fmt.Sprint("s", port))
			synctest.Wait()
			r.wantSent(said("moved", 1, a))
			r.quiet()
		})
	}
}

// TestASignpostIsLostOnTheWay: its shard goes while the wish is between two loops.
func TestASignpostIsLostOnTheWay(t *testing.T) {
	m := new(remote)
	in(t, Options{Loops: 2, RemoteSign: m.sign}, func(r *rig) {
		a, port := device(1), 1
		for r.signShard(port)%2 == r.shardOf(a)%2 {
			port++
		}
		held := make(chan struct{})
		r.shell.loopOf(r.signShard(port)).inbox.post(func() { <-held })
		synctest.Wait()
		moved := r.submit(a, fmt.Sprint("s", port))
		synctest.Wait()
		r.shell.Yield(r.signShard(port), func() {})
		close(held)
		synctest.Wait()
		m.want(t, set(port, a))
		m.answer(nil)
		moved.want(t, nil)
		r.automatic()
		r.quiet()
	})
}

// TestOtherNodesSetSignposts: they are answered when it is committed, or lost.
func TestOtherNodesSetSignposts(t *testing.T) {
	in(t, Options{}, func(r *rig) {
		a, b, port := device(1), device(2), 9
		sign, shard := signOf(peer(port)), r.signShard(port)
		answer := r.sign(port, a)
		synctest.Wait()
		answer.want(t)
		r.commit(nil)
		answer.want(t, nil)
		failed := r.sign(port, b)
		synctest.Wait()
		r.commit(errDisk)
		failed.want(t, errDisk)
		check := func(err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
			synctest.Wait()
		}
		check(r.shell.ClearSign(sign, b)) // it is not b's
		if len(r.desk.shards()) != 0 {
			t.Error("a signpost of another is cleared")
		}
		again := r.sign(port, a)
		check(r.shell.ClearSign(sign, a)) // overtaken by the set
		r.commit(nil)
		again.want(t, nil)
		if !r.leads(port) {
			t.Error("the newer set is lost")
		}
		check(r.shell.ClearSign(sign, a))
		r.commit(nil)
		if r.leads(port) {
			t.Error("not cleared")
		}
		r.wantEvents("commit desk: disk full")

		lost := r.sign(port, a)
		check(nil)
		r.yield(shard)
		lost.want(t, endpoint.ErrElsewhere)
		r.sign(port, a).want(t, endpoint.ErrElsewhere)
		if err := r.shell.ClearSign(sign, a); err != endpoint.ErrElsewhere {
			t.Error(err)
		}
		r.commit(nil)
		r.quiet()
	})
}

// TestASignpostLeadsToAnotherNode: its shard is led here, the endpoint's is not.
func TestASignpostLeadsToAnotherNode(t *testing.T) {
	for _, loops := range []int{1, 8} {
		in(t, Options{Loops: loops}, func(r *rig) {
			a := device(1)
			port := foreignPort(r, a)
			r.automatic()
			r.tell(ToEndpoint(a), fmt.Sprint("s", port))
			r.wantSent(said("moved", 0, a))
			r.yield(r.shardOf(a))
			for range 2 { // read, then from the hint
				r.tell(ToSign(signOf(peer(port))), "r")
				r.wantForeign(fmt.Sprint(r.shardOf(a), " r"))
			}
			r.yield(r.signShard(port))
			r.tell(ToSign(signOf(peer(port))), "r")
			r.wantForeign(fmt.Sprint(r.signShard(port), " r"))
		})
	}
}

// TestHintsEndWithTheirLeadership: another node may have changed the signpost.
func TestHintsEndWithTheirLeadership(t *testing.T) {
	in(t, Options{}, func(r *rig) {
		a, b := device(1), device(5)
		sign, shard := signOf(peer(9)), r.signShard(9)
		r.automatic()
		r.tell(ToEndpoint(a), "s9")
		r.tell(ToSign(sign), "r")
		r.wantSent(said("moved", 0, a), said("read", 0, a))
		r.yield(shard)
		r.desk.post(shard, sign, b)
		for _, s := range []ids.Shard{shard, r.shardOf(b), r.shardOf(a)} {
			r.lead(s)
		}
		r.tell(ToSign(sign), "r")
		r.wantSent(said("read", 0, b))
		// One that was set and never known to be committed is read, too.
		r.manual()
		r.tell(ToEndpoint(a), "s9")
		r.yield(shard)
		r.lead(shard)
		r.tell(ToSign(sign), "r")
		r.wantSent(said("read", 0, b))
	})
}
