package remote

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dormouse/actors/claim"
	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/codec/wire"
	"dormouse/node/admin"
)

func credentialsOfNode(endpoint, identity, key string) platform.NewCredentials {
	return platform.NewCredentials{Endpoint: endpoint, Identity: identity, Key: []byte(key)}
}

// knows checks what a handshake on every node finds: key@endpoint, "" for nothing.
func (w *world) knows(identity, want string) {
	w.Helper()
	for _, n := range w.nodes {
		key, name, _, ok := n.keys.Lookup([]byte(identity))
		got := ""
		if ok {
			got = string(key) + "@" + name
		}
		if got != want {
			w.Errorf("node %d: %s is %q, want %q", n.id, identity, got, want)
		}
	}
}

// check is what holds at every moment: who has an identity has its claim, so no
// identity is two endpoints'.
func (w *world) check() {
	w.Helper()
	env := w.nodes[0].env
	for shard := range ids.Shard(shards) {
		_ = w.Scan(shard, wire.ClassCredentials, nil, nil, false, func(_, value []byte) bool {
			c, err := endpoint.ParseCredentials(value)
			i := env.Key.Identity([]byte(c.Identity))
			raw, _, _ := w.Get(env.Shards.OfIdentity(i), wire.ClassClaim, wire.ClaimKey(i), nil)
			held, _ := claim.Parse(raw)
			if err != nil || held.Endpoint != c.Endpoint {
				w.Errorf("%s has %s, which is claimed by %q, %v", c.Endpoint, c.Identity, held.Endpoint, err)
			}
			return true
		})
	}
}

// TestCredentialsOverThreeNodes: asked is one node, the endpoint and the identity
// are led by any.
func TestCredentialsOverThreeNodes(t *testing.T) {
	for i := range nodes * nodes {
		inTime(t, func(w *world) {
			name, identity := w.nameIn("d", ids.Node(i%nodes)+1), w.identityIn("i", ids.Node(i/nodes)+1)
			other := w.nameIn("e", ids.Node((i+1)%nodes)+1)
			c := w.nodes[0].backend.Credentials()
			shown, created, err := c.Add(background, credentialsOfNode(name, identity, "secret key"), false)
			if err != nil || !created || shown.Endpoint != name || shown.Identity != identity || shown.Updated.IsZero() {
				t.Fatalf("%+v, %v, %v", shown, created, err)
			}
			if again, created, err := c.Add(background, credentialsOfNode(name, identity, "secret key"), false); err != nil || created || !again.Updated.Equal(shown.Updated) {
				t.Errorf("%+v, %v, %v", again, created, err)
			}
			w.knows(identity, "secret key@"+name)
			w.knows("nobody", "")
			for _, n := range w.nodes {
				_, _, err := n.backend.Credentials().Add(background, credentialsOfNode(other, identity, "k"), true)
				if kind, sentence := admin.Describe(err); kind != "conflict" || !strings.HasPrefix(sentence, "lwm2mPskId") {
					t.Errorf("%q: %q", kind, sentence)
				}
				_, _, err = n.backend.Credentials().Add(background, credentialsOfNode(name, "other", "k"), false)
				if kind, sentence := admin.Describe(err); kind != "conflict" || !strings.HasPrefix(sentence, "endpointId") {
					t.Errorf("%q: %q", kind, sentence)
				}
			}
			next := w.identityIn("j", ids.Node(i%nodes)+1)
			if _, created, err := c.Add(background, credentialsOfNode(name, next, "k2"), true); err != nil || created {
				t.Error(err)
			}
			w.knows(identity, "")
			w.knows(next, "k2@"+name)
			w.check()
			if err := c.Remove(background, name); err != nil {
				t.Error(err)
			}
			if w.count(wire.ClassClaim) != 0 || w.count(wire.ClassCredentials) != 0 {
				t.Errorf("%d claims, %d credentials are left", w.count(wire.ClassClaim), w.count(wire.ClassCredentials))
			}
			for _, n := range w.nodes {
				if strings.Contains(n.log.String(), "secret") {
					t.Error("a key is in the log")
				}
			}
		})
	}
}

// TestCredentialsInDisorder: changes of few endpoints that want few identities,
// on all nodes at once, while answers get lost and shards move. Seeds are fixed.
func TestCredentialsInDisorder(t *testing.T) {
	for seed := range uint64(10) {
		inTime(t, func(w *world) {
			w.loose.Store(true)
			random := rand.New(rand.NewPCG(seed, 0))
			var mu sync.Mutex
			dice := func(n int) int { mu.Lock(); defer mu.Unlock(); return random.IntN(n) }
			w.set(func(ids.Node, byte, []byte) (bool, bool) { n := dice(12); return n == 0, n == 1 })
			w.mu.Lock()
			w.delay = func() (time.Duration, bool) {
				return time.Duration(dice(dice(4)*300+1)) * time.Millisecond, dice(8) == 0
			}
			w.mu.Unlock()
			var group sync.WaitGroup
			for i := range 40 {
				group.Go(func() {
					pass(time.Duration(dice(4000)) * time.Millisecond)
					ctx, cancel := context.WithTimeout(background, time.Duration(dice(3000))*time.Millisecond)
					defer cancel()
					c := w.nodes[i%nodes].backend.Credentials()
					name := fmt.Sprint("d", dice(2))
					if dice(3) == 0 {
						_ = c.Remove(ctx, name)
						return
					}
					_, _, _ = c.Add(ctx, credentialsOfNode(name, fmt.Sprint("i", dice(2)), "k"), dice(2) == 0)
				})
			}
			for range 20 {
				pass(200 * time.Millisecond)
				w.move(ids.Shard(dice(shards)), ids.Node(dice(nodes)+1))
				w.check()
			}
			group.Wait()
			w.late.Wait()
			w.set(nil)
			synctest.Wait()
			w.check()
			w.mu.Lock()
			w.delay = nil
			w.mu.Unlock()
			pass(claim.ReserveFor + time.Second)
			for shard := range ids.Shard(shards) {
				if err := w.nodes[w.leader[shard]-1].keys.Sweep(background, shard); err != nil {
					t.Error(err)
				}
			}
			w.check()
			if claims, all := w.count(wire.ClassClaim), w.count(wire.ClassCredentials); claims != all {
				t.Errorf("seed %d: %d claims of %d endpoints", seed, claims, all)
			}
		})
	}
}

// TestClaimWithoutLeader: who wants an identity that nobody can give waits, and
// nothing is half done.
func TestClaimWithoutLeader(t *testing.T) {
	inTime(t, func(w *world) {
		name, identity := w.nameIn("d", 2), w.identityIn("i", 3)
		shard := ids.Shards(shards).OfIdentity(w.nodes[0].env.Key.Identity([]byte(identity)))
		w.move(shard, 0)
		_, _, err := w.nodes[0].backend.Credentials().Add(background, credentialsOfNode(name, identity, "k"), false)
		if !errors.Is(err, admin.ErrBusy) || w.count(wire.ClassCredentials) != 0 {
			t.Errorf("%v", err)
		}
		w.move(shard, 1)
		if _, _, err = w.nodes[0].backend.Credentials().Add(background, credentialsOfNode(name, identity, "k"), false); err != nil {
			t.Error(err)
		}
		w.knows(identity, "k@"+name)
	})
}

// TestLateSettle: what is late settles its own reservation, and no newer one.
func TestLateSettle(t *testing.T) {
	inTime(t, func(w *world) {
		c := w.nodes[0].router.Claims()
		first, err1 := c.Reserve(background, "i", "d")
		second, err2 := c.Reserve(background, "i", "d")
		if err1 != nil || err2 != nil || !first.Fresh || second.Fresh || !second.Until.After(first.Until) {
			t.Fatalf("%+v, %v; %+v, %v", first, err1, second, err2)
		}
		for _, tc := range []struct {
			until time.Time
			left  int
		}{{first.Until, 1}, {time.Time{}, 1}, {second.Until, 0}} {
			if err := c.Settle(background, "i", "d", tc.until); err != nil || w.count(wire.ClassClaim) != tc.left {
				t.Errorf("%v: %v, %d claims are left", tc.until, err, w.count(wire.ClassClaim))
			}
		}
	})
}

// TestClaimDecidedOverAMove: who led the shard again and again, but not all the
// time, knows nothing of what others did in between.
func TestClaimDecidedOverAMove(t *testing.T) {
	inTime(t, func(w *world) {
		name, identity := w.nameIn("d", 2), w.identityIn("i", 1)
		shard := ids.Shards(shards).OfIdentity(w.nodes[0].env.Key.Identity([]byte(identity)))
		if _, _, err := w.nodes[0].backend.Credentials().Add(background, credentialsOfNode(name, identity, "k"), false); err != nil {
			t.Fatal(err)
		}
		w.mu.Lock()
		w.delay = func() (time.Duration, bool) { return time.Second, false }
		w.mu.Unlock()
		settled := make(chan error)
		go func() { settled <- w.nodes[0].keys.Settle(background, identity, name, time.Time{}) }()
		synctest.Wait() // it asks what the endpoint has
		w.move(shard, 3)
		w.move(shard, 1)
		if err := <-settled; !errors.Is(err, endpoint.ErrElsewhere) {
			t.Error(err)
		}
		w.check()
	})
}

// TestClaimRefusals travel as what they are.
func TestClaimRefusals(t *testing.T) {
	inTime(t, func(w *world) {
		name, other, identity := w.nameIn("d", 2), w.nameIn("e", 2), w.identityIn("i", 1)
		c := w.nodes[2].router.Claims()
		if _, err := c.Reserve(background, identity, name); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Reserve(background, identity, other); !errors.Is(err, claim.ErrReserved) {
			t.Error(err)
		}
		if _, _, err := w.nodes[0].backend.Credentials().Add(background, credentialsOfNode(name, identity, "k"), false); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Reserve(background, identity, other); !errors.Is(err, claim.ErrTaken) {
			t.Error(err)
		}
	})
}
