package credentials

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"dormouse/actors/claim"
	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
	"dormouse/node/admin"
)

func TestAddLookUpRemove(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		c, created, err := n.Add(background, of("urn:a", "id a", "key a"), false)
		if err != nil || !created || c.Endpoint != "urn:a" || c.Identity != "id a" || c.Updated.IsZero() {
			t.Fatalf("%+v, %v, %v", c, created, err)
		}
		n.knows("id a", "key a@urn:a")
		n.knows("urn:a", "")
		n.knows("", "")
		if got := n.claimed("id a"); got != "urn:a" {
			t.Errorf("claimed by %q", got)
		}
		pass(claim.ReserveFor)
		again, created, err := n.Add(background, of("urn:a", "id a", "key a"), false)
		if err != nil || created || again != c {
			t.Errorf("the same again: %+v, %v, %v; want %+v", again, created, err, c)
		}
		if shown, err := n.Get(background, "urn:a"); err != nil || shown != c {
			t.Errorf("%+v, %v", shown, err)
		}
		if err := n.Remove(background, "urn:a"); err != nil {
			t.Fatal(err)
		}
		n.knows("id a", "")
		for _, err := range []error{n.Remove(background, "urn:a"), second(n.Get(background, "urn:a"))} {
			if !errors.Is(err, admin.ErrNotFound) {
				t.Errorf("without credentials: %v", err)
			}
		}
		n.disk.forgetMarks()
		if left := len(n.disk.records); left != 0 {
			t.Errorf("%d records are left", left)
		}
	})
}

func second[T any](_ T, err error) error { return err }

// TestReplace: another key, then another identity; the one before is free.
func TestReplace(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		n.add("a", "i", "1", false)
		_, _, before, _ := n.Lookup([]byte("i"))
		n.add("a", "i", "2", true)
		if _, _, after, _ := n.Lookup([]byte("i")); after <= before {
			t.Errorf("serial %d after %d", after, before)
		}
		n.knows("i", "2@a")
		n.add("a", "j", "2", true)
		n.knows("i", "")
		if held := n.claimed("i"); held != "" {
			t.Errorf("i is still claimed by %s", held)
		}
		n.knows("j", "2@a")
		n.add("b", "i", "3", false)
		n.knows("i", "3@b")
		n.add("c", "k", "4", true) // nothing to replace
		n.check()
		if claims := n.disk.count(wire.ClassClaim); claims != 3 {
			t.Errorf("%d claims of three endpoints", claims)
		}
	})
}

// TestConflicts name the member that is in the way, and leave all as it was.
func TestConflicts(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		n.add("a", "i", "1", false)
		n.add("b", "j", "1", false)
		for _, tc := range []struct {
			endpoint, identity, key string
			replace                 bool
			field                   string
		}{
			{"a", "i", "other", false, "endpointId"},
			{"a", "k", "1", false, "endpointId"},
			{"c", "i", "1", false, "lwm2mPskId"},
			{"c", "i", "1", true, "lwm2mPskId"},
			{"b", "i", "1", true, "lwm2mPskId"},
		} {
			_, _, err := n.Add(background, of(tc.endpoint, tc.identity, tc.key), tc.replace)
			if !errors.Is(err, admin.ErrConflict) || !strings.Contains(err.Error(), ": "+tc.field) {
				t.Errorf("%+v: %v", tc, err)
			}
		}
		n.knows("i", "1@a")
		n.knows("j", "1@b")
		n.knows("k", "")
		if n.claimed("i") != "a" || n.claimed("j") != "b" || n.claimed("k") != "" {
			t.Errorf("claims of %q, %q and %q", n.claimed("i"), n.claimed("j"), n.claimed("k"))
		}
	})
}

// outcome counts what several calls came to.
func outcome(errs []error) (text string) {
	var done, conflict, busy int
	for _, err := range errs {
		switch {
		case err == nil:
			done++
		case errors.Is(err, admin.ErrConflict):
			conflict++
		case errors.Is(err, admin.ErrBusy):
			busy++
		default:
			text += err.Error() + " "
		}
	}
	return text + fmt.Sprintf("%d done, %d conflict, %d busy", done, conflict, busy)
}

// together calls f for 0 to n-1 at the same time, and commits when all wait.
func (n *node) together(k int, class wire.Class, f func(i int) error) string {
	n.disk.holdClass(class)
	errs := make([]error, k)
	ended := make(chan struct{})
	for i := range k {
		go func() { errs[i] = f(i); ended <- struct{}{} }()
	}
	synctest.Wait()
	n.disk.letGo(nil)
	for range k {
		<-ended
	}
	return outcome(errs)
}

// TestOneIdentityForTwo: while the first reservation is on its way to the disk,
// and while the endpoint is given its credentials, nobody else gets it.
func TestOneIdentityForTwo(t *testing.T) {
	for _, class := range []wire.Class{wire.ClassClaim, wire.ClassCredentials} {
		inTime(t, func(t *testing.T, n *node) {
			got := n.together(5, class, func(i int) error {
				return third(n.Add(background, of(fmt.Sprint("e", i), "i", "k"), i%2 == 0))
			})
			if got != "1 done, 0 conflict, 4 busy" {
				t.Errorf("while class %c is written: %s", class, got)
			}
			if got := outcome([]error{third(n.Add(background, of("late", "i", "k"), false))}); got != "0 done, 1 conflict, 0 busy" {
				t.Error("later:", got)
			}
			n.check()
			if n.disk.count(wire.ClassClaim) != 1 || n.disk.count(wire.ClassCredentials) != 1 {
				t.Errorf("%d records", len(n.disk.records))
			}
		})
	}
}

func third[T, U any](_ T, _ U, err error) error { return err }

// TestOneEndpointForTwo: changes of one endpoint do not meet.
func TestOneEndpointForTwo(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		got := n.together(5, wire.ClassClaim, func(i int) error {
			if i == 4 {
				return n.Remove(background, "e")
			}
			return third(n.Add(background, of("e", fmt.Sprint("i", i), "k"), true))
		})
		// The removal may come first, and find nothing, maybe with all others meanwhile.
		if got != "1 done, 0 conflict, 4 busy" && !strings.HasSuffix(got, "has no credentials. 1 done, 0 conflict, 3 busy") &&
			!strings.HasSuffix(got, "has no credentials. 0 done, 0 conflict, 4 busy") {
			t.Error(got)
		}
		n.check()
	})
}

// TestRefusedByTheEndpoint: what was reserved for nothing is free at once.
func TestRefusedByTheEndpoint(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		n.add("a", "i", "1", false)
		// Add looks before it reserves; a change by another way comes between.
		err := n.give(background, of("a", "j", "2"), false)
		if !errors.Is(err, endpoint.ErrCredentials) || n.claimed("j") != "" || n.claimed("i") != "a" {
			t.Errorf("%v; j claimed by %q, i by %q", err, n.claimed("j"), n.claimed("i"))
		}
		n.knows("i", "1@a")
	})
}

// TestFailedCommits: nothing is half done, and a later attempt goes through.
func TestFailedCommits(t *testing.T) {
	for _, class := range []wire.Class{wire.ClassClaim, wire.ClassCredentials} {
		inTime(t, func(t *testing.T, n *node) {
			n.disk.holdClass(class)
			failed := make(chan error)
			go func() { failed <- third(n.Add(background, of("a", "i", "1"), false)) }()
			synctest.Wait()
			n.disk.letGo(endpoint.ErrFull)
			if err := <-failed; !errors.Is(err, admin.ErrFull) {
				t.Errorf("class %c fails: %v", class, err)
			}
			if len(n.disk.records) != 0 {
				t.Errorf("class %c fails: %d records", class, len(n.disk.records))
			}
			n.add("b", "i", "1", false)
		})
	}
}

// TestNobodyWaits: a call that is given up leaves a reservation, which the same
// call goes on with, and which another endpoint meets until it runs out.
func TestNobodyWaits(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		n.disk.holdClass(wire.ClassCredentials)
		ctx, cancel := context.WithCancel(background)
		failed := make(chan error)
		go func() { failed <- third(n.Add(ctx, of("a", "i", "1"), false)) }()
		synctest.Wait()
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		n.disk.letGo(endpoint.ErrFull) // it came to nothing
		synctest.Wait()
		if err := third(n.Add(background, of("b", "i", "1"), false)); !errors.Is(err, admin.ErrBusy) || n.claimed("i") != "a?" {
			t.Errorf("%v, claimed by %q", err, n.claimed("i"))
		}
		pass(claim.ReserveFor)
		n.add("b", "i", "1", false)
		n.knows("i", "1@b")
		n.check()
	})
}

// refusing is a gate whose endpoints take nothing.
type refusing struct{ Gate }

func (refusing) Post(ids.Endpoint, endpoint.Event) error { return endpoint.ErrBusy }

// TestNobodyWaitsTwice: the second call is refused while what the first one
// posted is on its way. It must not release what that one is about to need.
func TestNobodyWaitsTwice(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		n.disk.holdClass(wire.ClassCredentials)
		ctx, cancel := context.WithCancel(background)
		ended := make(chan error)
		go func() { ended <- third(n.Add(ctx, of("a", "i", "1"), false)) }()
		synctest.Wait()
		cancel()
		<-ended
		gate := n.gate
		n.gate = refusing{gate}
		if err := third(n.Add(background, of("a", "i", "1"), false)); !errors.Is(err, admin.ErrBusy) {
			t.Error(err)
		}
		if err := third(n.Add(background, of("b", "j", "1"), false)); !errors.Is(err, admin.ErrBusy) || n.claimed("j") != "" {
			t.Errorf("%v, j is claimed by %q", err, n.claimed("j"))
		}
		n.gate = gate
		n.disk.letGo(nil)
		synctest.Wait()
		n.knows("i", "1@a")
		n.check()
	})
}

// TestTheShardIsLost with the credentials on their way: the call answers, and the
// identity is kept for what may still be stored.
func TestTheShardIsLost(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		shard := n.env.Shards.Of(n.env.Key.Endpoint("a"))
		n.disk.holdClass(wire.ClassCredentials)
		ended := make(chan error)
		go func() { ended <- third(n.Add(background, of("a", "i", "1"), false)) }()
		synctest.Wait()
		n.shell.Yield(shard, func() {})
		if err := <-ended; !errors.Is(err, admin.ErrUnknown) {
			t.Error(err)
		}
		if n.claimed("i") != "a?" {
			t.Errorf("i is claimed by %q", n.claimed("i"))
		}
		n.disk.letGo(nil)
		n.check()
		n.shell.Lead(shard, func(error) {})
		synctest.Wait()
		n.add("a", "i", "1", false) // the same again
		n.knows("i", "1@a")
		n.check()

		// A claim whose shard is lost leaves nothing that bars the next call.
		shard = n.env.Shards.OfIdentity(n.env.Key.Identity([]byte("j")))
		n.disk.holdClass(wire.ClassClaim)
		go func() { ended <- third(n.Add(background, of("b", "j", "1"), false)) }()
		synctest.Wait()
		n.shell.Yield(shard, func() {})
		if err := <-ended; !errors.Is(err, admin.ErrUnknown) {
			t.Error(err)
		}
		n.disk.letGo(errBroken)
		n.shell.Lead(shard, func(error) {})
		synctest.Wait()
		n.add("b", "j", "1", false)
		n.check()
	})
}

func TestAFullDiskTakesNothingNew(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		n.add("a", "i", "1", false)
		n.env.Full = func() bool { return true }
		if err := third(n.Add(background, of("b", "j", "1"), false)); !errors.Is(err, admin.ErrFull) {
			t.Error(err)
		}
		n.add("a", "i", "1", false)
		n.add("a", "i", "2", true) // a key that is known to others must not stay
		if err := n.Remove(background, "a"); err != nil {
			t.Error(err)
		}
	})
}

// TestTheNodeStops: a call answers, and nothing is taken back that may be on
// its way.
func TestTheNodeStops(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		n.shell.Stop()
		if got := outcome([]error{third(n.Add(background, of("a", "i", "1"), false))}); got != "0 done, 0 conflict, 1 busy" {
			t.Error(got)
		}
	})
}
