package credentials

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"dormouse/actors/claim"
	"dormouse/actors/endpoint"
	"dormouse/codec/wire"
	"dormouse/node/admin"
)

// begin is now, in a bubble of time in which none has passed yet.
func begin(*testing.T) time.Time { return time.Now() }

// counting is a Sealer that counts.
type counting struct {
	endpoint.Sealer
	opened int
}

func (c *counting) Open(dst, sealed, data []byte) ([]byte, error) {
	c.opened++
	return c.Sealer.Open(dst, sealed, data)
}

// TestUnknownIdentitiesTakeTheSameSteps: two reads and an opening, whatever
// there is or is not.
func TestUnknownIdentitiesTakeTheSameSteps(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		seal := &counting{Sealer: ring}
		n.env.Seal = seal
		n.add("a", "known", "key", false)
		n.add("b", "other", "key", false)
		n.add("itself", "itself", "key", false)
		i := n.env.Key.Identity([]byte("itself")) // an endpoint that is called like its identity, without a claim
		delete(n.disk.records, recordKey(n.env.Shards.OfIdentity(i), wire.ClassClaim, wire.ClaimKey(i)))
		n.storeClaim(claim.Claim{Identity: "of nobody", Endpoint: "c"})
		n.storeClaim(claim.Claim{Identity: "of another's", Endpoint: "b"})
		n.knows("known", "key@a") // and the decoy is made
		for _, identity := range []string{"known", "unknown", "", "itself", "of nobody", "of another's", strings.Repeat("x", 65535), "\x00\xff"} {
			n.disk.reads, seal.opened = 0, 0
			key, name, serial, ok := n.Lookup([]byte(identity))
			if n.disk.reads != 2 || seal.opened != 1 {
				t.Errorf("%.20q: %d reads, %d openings", identity, n.disk.reads, seal.opened)
			}
			if known := identity == "known"; ok != known || !known && (key != nil || name != "" || serial != 0) {
				t.Errorf("%.20q: %x, %q, %d, %v", identity, key, name, serial, ok)
			}
		}
	})
}

// TestNoKeyIsTold: not by an error, not by the log, not by a list.
func TestNoKeyIsTold(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		const secret = "5ec2e7c0ffee"
		var told strings.Builder
		say := func(err error) {
			if err != nil {
				told.WriteString(err.Error())
			}
		}
		say(third(n.Add(background, of("a", "i", secret), false)))
		say(third(n.Add(background, of("a", "i", secret+secret), false)))
		say(third(n.Add(background, of("b", "i", secret), false)))
		list, err := n.List(background, admin.Page{Size: 10})
		say(err)
		told.WriteString(strings.Join([]string{list.Items[0].Endpoint, list.Items[0].Identity}, " "))
		n.disk.broken = errBroken
		say(third(n.Add(background, of("b", "j", secret), false)))
		say(n.Remove(background, "a"))
		n.knows("i", "")
		n.disk.broken = nil
		n.spoil("a")
		n.knows("i", "")
		told.WriteString(n.log.String())
		for _, form := range []string{secret, hex.EncodeToString([]byte(secret))} {
			if strings.Contains(told.String(), form) {
				t.Errorf("the key is in %s", told.String())
			}
		}
		if !strings.Contains(n.log.String(), "open the key") || !strings.Contains(n.log.String(), errBroken.Error()) {
			t.Errorf("nobody is told what failed: %s", n.log)
		}
	})
}

// spoil turns a bit of a sealed key.
func (n *node) spoil(name string) {
	e := n.env.Key.Endpoint(name)
	shard, key := n.env.Shards.Of(e), wire.EndpointKey(e)
	value, _, _ := n.disk.Get(shard, wire.ClassCredentials, key, nil)
	value[len(value)-1] ^= 1
	n.disk.put(recordKey(shard, wire.ClassCredentials, key), value)
}

// TestASpoiltKeyIsReplaced: what does not open is no obstacle to a new one.
func TestASpoiltKeyIsReplaced(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		n.add("a", "i", "1", false)
		n.spoil("a")
		pass(time.Minute) // the endpoint leaves the memory
		if err := third(n.Add(background, of("a", "i", "1"), false)); !errors.Is(err, admin.ErrConflict) {
			t.Error(err)
		}
		n.add("a", "i", "1", true)
		n.knows("i", "1@a")
	})
}
