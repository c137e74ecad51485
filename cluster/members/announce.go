package members

import (
	"context"
	"errors"
	"sync"
	"time"
)

// announceWait bounds how long the announcer waits for the gossip of one change
// before it takes up the next, and so how long Close may wait for it. What was
// not told by then still is.
const announceWait = 100 * time.Millisecond

// announcer tells the peers what changed in the node's own metadata. It is
// memberlist's Delegate; of user messages there are none.
type announcer struct {
	update func(time.Duration) error // memberlist reads NodeMeta and gossips it
	wake   chan struct{}             // one place

	turn sync.Mutex // held during update, for memberlist bears one at a time; guards left
	left bool       // nothing is told any more

	mu   sync.Mutex // guards meta
	meta Meta
}

func newAnnouncer(m Meta) *announcer { return &announcer{meta: m, wake: make(chan struct{}, 1)} }

// change alters the metadata without waiting for its gossip.
func (a *announcer) change(f func(*Meta)) {
	a.mu.Lock()
	f(&a.meta)
	a.mu.Unlock()
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// run gossips changes until ctx ends.
func (a *announcer) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.wake:
			_ = a.tell(announceWait)
		}
	}
}

func (a *announcer) tell(wait time.Duration) error {
	a.turn.Lock()
	defer a.turn.Unlock()
	if a.left {
		return nil
	}
	return a.update(wait)
}

// leave tells the peers that the node will leave, so that they call it Left
// when it is gone, and then calls gone. Each takes half of the time at most.
func (a *announcer) leave(wait time.Duration, gone func(time.Duration) error) error {
	a.turn.Lock()
	defer a.turn.Unlock()
	if a.left {
		return nil
	}
	a.left = true
	a.mu.Lock()
	a.meta.Leaving = true
	a.mu.Unlock()
	return errors.Join(a.update(wait/2), gone(wait/2))
}

// NodeMeta is asked for by memberlist. What Options.validate let pass can be
// encoded, and is shorter than the limit.
func (a *announcer) NodeMeta(limit int) []byte {
	a.mu.Lock()
	m := a.meta
	a.mu.Unlock()
	b, err := AppendMeta(nil, m)
	if err != nil || len(b) > limit {
		panic("members: metadata that was valid cannot be encoded")
	}
	return b
}

// The rest of memberlist.Delegate.

func (a *announcer) NotifyMsg([]byte)                {}
func (a *announcer) GetBroadcasts(_, _ int) [][]byte { return nil }
func (a *announcer) LocalState(bool) []byte          { return nil }
func (a *announcer) MergeRemoteState([]byte, bool)   {}
