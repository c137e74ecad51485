package provider

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"dormouse/codec/ids"
)

// ours are the stacks of goroutines that this package has started.
func ours() (stacks []string) {
	buffer := make([]byte, 4<<20)
	for _, stack := range strings.Split(string(buffer[:runtime.Stack(buffer, true)]), "\n\n") {
		if strings.Contains(stack, "dormouse/cluster/provider.(*") && !strings.Contains(stack, "_test.go") {
			stacks = append(stacks, stack)
		}
	}
	return stacks
}

// What is being served is answered, what comes after is refused, and nothing of
// the node runs after its Close.
func TestCloseAnswersWhatIsServed(t *testing.T) {
	h := hold()
	a, b := start(t, options(nodeA, echo)), start(t, options(nodeB, h.serve))
	meet(a, b)
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			want := fmt.Sprint(i)
			if answer, err := a.Call(within(t), nodeB, 1, []byte(want)); err != nil || string(answer) != want {
				t.Errorf("%q, %v", answer, err)
			}
		})
	}
	for range 20 {
		<-h.came
	}
	group.Go(func() { shut(t, b) })
	<-b.pool.stop
	if _, err := a.Call(within(t), nodeB, 2, nil); !errors.Is(err, ErrNotSent) || !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	close(h.free)
	group.Wait()
	a.SetMembers(nil)
	if _, err := b.Call(within(t), nodeA, 1, nil); !errors.Is(err, ErrNotSent) || !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	shut(t, a)
	until(t, "the end of the goroutines of both nodes", func() bool { return len(ours()) == 0 })
}

// A Serve that does not end holds Close up as long as its caller wants.
func TestCloseDoesNotWaitForEver(t *testing.T) {
	came, free := make(chan struct{}), make(chan struct{})
	a := start(t, options(nodeA, nil))
	b, err := Start(options(nodeB, func(context.Context, ids.Node, byte, []byte) ([]byte, error) {
		close(came)
		<-free
		return nil, nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	meet(a, b)
	result := make(chan error, 1)
	go func() {
		_, err := a.Call(within(t), nodeB, 1, nil)
		result <- err
	}()
	<-came
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := b.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	a.SetMembers(nil)
	if err := <-result; !errors.Is(err, ErrUnknownOutcome) {
		t.Error(err)
	}
	close(free)
}

// A node that was never called ends like another, and twice is once.
func TestCloseAtOnce(t *testing.T) {
	n := start(t, options(nodeA, nil))
	shut(t, n)
	shut(t, n)
	if _, err := n.Call(within(t), nodeA, 1, nil); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	n.SetMembers([]Member{{ID: "x", Node: nodeB, Incarnation: 1, Host: "127.0.0.1", Port: 1}})
	if _, err := n.Call(within(t), nodeB, 1, nil); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

func TestAddressInUse(t *testing.T) {
	a := start(t, options(nodeA, nil))
	o := options(nodeB, nil)
	o.Listen = a.o.System.Address()
	if _, err := Start(o); err == nil || !strings.Contains(err.Error(), o.Listen) {
		t.Error(err)
	}
	o.Listen = "127.0.0.1:0"
	start(t, o) // the system can be used after the failure
}
