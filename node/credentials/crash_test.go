package credentials

import (
	"fmt"
	"testing"
	"testing/synctest"

	"dormouse/actors/claim"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// crash lets so many commits through, and then none: what was asked is never
// answered. It returns the node that is started over what is on the disk.
func (n *node) crash(after int, change func()) *node {
	n.disk.mu.Lock()
	n.disk.hold = func(ids.Shard, *wire.Batch) bool { after--; return after < 0 }
	n.disk.mu.Unlock()
	go change()
	synctest.Wait()
	n.disk.mu.Lock()
	left := &disk{records: map[string][]byte{}}
	for k, v := range n.disk.records {
		left.records[k] = v
	}
	n.disk.mu.Unlock()
	n.disk.letGo(errBroken) // so that the old node may stop
	return start(n.T, left)
}

// TestCrashBetweenSteps: whatever step was the last one, nobody has an identity
// without a claim, whoever is known is the one who was or the one who was to
// be, the same call again goes through, and sweeping leaves nothing behind.
func TestCrashBetweenSteps(t *testing.T) {
	for name, tc := range map[string]struct {
		change        func(n *node) // of a, which has i and key 1
		before, after map[string]string
		again         bool
	}{
		"another key": {func(n *node) { n.Add(background, of("a", "i", "2"), true) },
			map[string]string{"i": "1@a"}, map[string]string{"i": "2@a"}, true},
		"another identity": {func(n *node) { n.Add(background, of("a", "j", "2"), true) },
			map[string]string{"i": "1@a"}, map[string]string{"i": "", "j": "2@a"}, true},
		"another endpoint": {func(n *node) { n.Add(background, of("b", "j", "2"), false) },
			map[string]string{"i": "1@a", "j": ""}, map[string]string{"i": "1@a", "j": "2@b"}, true},
		"removal": {func(n *node) { n.Remove(background, "a") },
			map[string]string{"i": "1@a"}, map[string]string{"i": ""}, true},
	} {
		for after := range 5 {
			inTime(t, func(t *testing.T, n *node) {
				n.add("a", "i", "1", false)
				n = n.crash(after, func() { tc.change(n) })
				n.check()
				if !n.all(tc.before) && !n.all(tc.after) {
					t.Errorf("%s after %d commits: neither what was nor what was to be", name, after)
				}
				if pass(claim.ReserveFor); after%2 == 0 {
					n.sweepAll()
					n.check()
				}
				tc.change(n)
				if !n.all(tc.after) {
					t.Errorf("%s again after %d commits: it is not done", name, after)
				}
				n.sweepAll()
				n.check()
				if claims, all := n.disk.count(wire.ClassClaim), n.disk.count(wire.ClassCredentials); claims != all {
					t.Errorf("%s after %d commits: %d claims of %d endpoints", name, after, claims, all)
				}
			})
		}
	}
}

// all says that handshakes find just this.
func (n *node) all(want map[string]string) bool {
	for identity, want := range want {
		key, name, _, ok := n.Lookup([]byte(identity))
		if got := fmt.Sprintf("%s@%s", key, name); (ok || want != "") && got != want {
			return false
		}
	}
	return true
}

// TestSweep settles what is left and nothing else.
func TestSweep(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		n.add("has", "i", "1", false)
		n.add("other", "j", "1", false)
		for identity, name := range map[string]string{"i": "has", "j": "has", "k": "none", "l": "late"} {
			until := begin(t).Add(claim.ReserveFor)
			if identity == "l" {
				until = until.Add(1e9)
			}
			c := claim.Claim{Identity: identity, Endpoint: name, Until: until}
			n.storeClaim(c)
		}
		n.storeClaim(claim.Claim{Identity: "m", Endpoint: "other"}) // left by a removal
		n.disk.put(recordKey(3, wire.ClassClaim, []byte("damaged")), []byte{9})
		pass(claim.ReserveFor)
		failed := 0
		for shard := range ids.Shard(shards) {
			if err := n.Sweep(background, shard); err != nil {
				failed++
			}
		}
		for identity, want := range map[string]string{"i": "has", "j": "", "k": "", "l": "late?", "m": ""} {
			if got := n.claimed(identity); got != want {
				t.Errorf("%s is claimed by %q, want %q", identity, got, want)
			}
		}
		if failed != 1 {
			t.Errorf("%d shards told of what cannot be read", failed)
		}
	})
}

func (n *node) storeClaim(c claim.Claim) {
	i := n.env.Key.Identity([]byte(c.Identity))
	n.disk.put(recordKey(n.env.Shards.OfIdentity(i), wire.ClassClaim, wire.ClaimKey(i)), c.Append(nil))
}
