package shell

import (
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"dormouse/codec/ids"
)

func token(id ids.Endpoint, random string) ids.Token {
	return ids.NewToken(id, binary.BigEndian.Uint32([]byte(random)))
}

// keep lets an endpoint keep a token with its handle. The toy's commands are
// text, so the handle is one of letters.
func letters(n byte) ids.Endpoint {
	return ids.Endpoint(binary.BigEndian.Uint64([]byte{'A', 'B', 'C', 'D', 0, 0, 0, n}))
}

func TestAnAnswerFindsItsOwnerByHandle(t *testing.T) {
	in(t, Options{Idle: 10 * time.Second}, func(r *rig) {
		a, b, c := letters(1), letters(2), letters(3)
		r.automatic()
		r.tell(ToEndpoint(a), "kABCDaaaa")
		r.tell(ToEndpoint(b), "kABCDbbbb")
		r.tell(ToEndpoint(c), "kABCDcccc")
		for range 2 { // awake, then from sleep
			r.tell(ToHandle(token(b, "bbbb")), "r")
			r.tell(ToHandle(token(c, "cccc")), "r")
			r.tell(ToHandle(token(a, "aaaa")), "r")
			r.wantSent(said("read", 0, b), said("read", 0, c), said("read", 0, a))
			r.tell(ToHandle(token(a, "dddd")), "odd")
			r.tell(ToHandle(token(device(7), "aaaa")), "odd")
			r.wantSent("stray odd", "stray odd")
			pass(time.Minute)
			r.awake(0)
		}
		// One is awake, the owner sleeps.
		r.tell(ToEndpoint(a), "r")
		r.tell(ToHandle(token(c, "cccc")), "r")
		r.wantSent(said("read", 0, a), said("read", 0, c))
		if s := r.shell.Stats(); s.Strays != 4 {
			t.Errorf("%+v", s)
		}
	})
}

func TestAnAnswerWaitsForACellThatIsLoadedAgain(t *testing.T) {
	in(t, Options{}, func(r *rig) {
		a := letters(1)
		r.tell(ToEndpoint(a), "kABCDaaaa")
		r.commit(nil)
		r.tell(ToEndpoint(a), "w")
		r.tell(ToEndpoint(a), "w")
		r.commit(errDisk)
		r.tell(ToHandle(token(a, "aaaa")), "r")
		r.wantSent()
		r.commit(errDisk)
		r.wantSent(said("read", 0, a))
	})
}

func TestSignposts(t *testing.T) {
	for _, loops := range []int{1, 2, 8} {
		in(t, Options{Loops: loops}, func(r *rig) {
			a, b := device(1), device(5)
			r.tell(ToSign(signOf(peer(9))), "odd")
			r.wantSent("stray odd")
			r.tell(ToEndpoint(a), "s9")
			r.tell(ToSign(signOf(peer(9))), "r") // on its way counts
			r.wantSent()
			r.automatic()
			r.wantSent(said("moved", 0, a), said("read", 0, a))

			r.tell(ToEndpoint(a), "s10 c9")
			r.wantSent(said("moved", 0, a))
			r.tell(ToSign(signOf(peer(9))), "odd")
			r.tell(ToSign(signOf(peer(10))), "r")
			r.wantSent("stray odd", said("read", 0, a))

			// Another took the address over: clearing it is too late.
			r.tell(ToEndpoint(b), "s10")
			r.tell(ToEndpoint(a), "c10")
			r.tell(ToSign(signOf(peer(10))), "r")
			r.wantSent(said("moved", 0, b), said("read", 0, b))

			// There and back in one turn.
			r.deliver(ToEndpoint(b), "c10 s11")
			r.deliver(ToEndpoint(b), "c11 s10")
			synctest.Wait()
			r.wantSent(said("moved", 0, b), said("moved", 0, b))
			r.tell(ToSign(signOf(peer(10))), "r")
			r.tell(ToSign(signOf(peer(11))), "odd")
			r.wantSent(said("read", 0, b), "stray odd")
			for _, l := range r.shell.loops {
				for _, s := range l.led {
					if len(s.posts) != 0 {
						t.Errorf("shard %d: %d signposts in flight", s.ID, len(s.posts))
					}
				}
			}
		})
	}
}

func TestASetInFlightOutlivesAClear(t *testing.T) {
	in(t, Options{Loops: 2}, func(r *rig) {
		a, b := device(1), device(5)
		r.automatic()
		r.tell(ToEndpoint(a), "s9")
		r.manual()
		r.wantSent(said("moved", 0, a))
		r.tell(ToEndpoint(b), "s9") // not committed while a clears
		r.tell(ToEndpoint(a), "c9")
		r.automatic()
		r.tell(ToSign(signOf(peer(9))), "r")
		r.wantSent(said("moved", 0, b), said("read", 0, b))
	})
}

func TestAFailedSignpostIsNotAnswered(t *testing.T) {
	in(t, Options{Loops: 2}, func(r *rig) {
		a := device(1)
		env := r.shell.options.Env
		port := foreignPort(r, a)
		r.tell(ToEndpoint(a), "w s"+string(rune('0'+port)))
		r.desk.commit(env.Shards.Of(a), nil)
		r.desk.commit(env.SignShard(signOf(peer(port))), errDisk)
		synctest.Wait()
		r.wantSent()
		r.tell(ToEndpoint(a), "r")
		r.wantSent(said("read", 1, a))
		r.tell(ToSign(signOf(peer(port))), "odd")
		r.wantSent("stray odd")
	})
}

func TestMappedAddressesAreOne(t *testing.T) {
	in(t, Options{}, func(r *rig) {
		a := device(1)
		r.automatic()
		r.tell(ToEndpoint(a), "s9")
		mapped := peer(9)
		six := netipMapped(mapped)
		r.tell(ToSign(signOf(six)), "r")
		r.wantSent(said("moved", 0, a), said("read", 0, a))
		if signOf(six) != signOf(mapped) {
			t.Errorf("key %x", keyOf(signOf(six)))
		}
	})
}

// manual lets proposals lie from now on.
func (r *rig) manual() {
	r.desk.mu.Lock()
	r.desk.auto = false
	r.desk.mu.Unlock()
}
