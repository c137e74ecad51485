package chaos

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"dormouse/bench/chaos/history"
)

// fault is one kind of trouble. A new one is added to the table below.
type fault struct {
	name string
	// do makes trouble for a node and returns once it is over and the node serves.
	do func(t *trouble, ctx context.Context, node int) error
}

var faults = []fault{
	{"kill", (*trouble).kill},
	{"stop", (*trouble).stop},
	{"cut", (*trouble).cut},
	{"slow", (*trouble).slow},
	{"full", (*trouble).full},
	{"disk", (*trouble).disk},
}

// FaultNames are those that Options.Faults knows.
func FaultNames() (names []string) {
	for _, f := range faults {
		names = append(names, f.name)
	}
	return names
}

// trouble is who makes it. Only its goroutine touches the nodes meanwhile.
type trouble struct {
	cluster *cluster
	log     *history.Log
	random  *rand.Rand
	lasting time.Duration // how long a fault lasts that does; 0: as the seed says
}

func (t *trouble) note(k history.Kind, node int, text string) {
	t.log.Add(history.Event{Kind: k, Node: int16(node), Text: text})
}

// Times of faults.
const (
	stopped   = 5 * time.Second
	downLeast = time.Second // between the end of a process and its start
	downMost  = 4 * time.Second
	noticed   = 10 * time.Second // until a node must have noticed that its writes fail
)

func (t *trouble) kill(ctx context.Context, i int) error {
	t.cluster.down(i)
	t.note(history.Killed, i, "")
	if err := t.cluster.nodes[i].process.Kill(); err != nil {
		return err
	}
	return t.restart(ctx, i)
}

// restart starts a node that has ended, after a while.
func (t *trouble) restart(ctx context.Context, i int) error {
	pause(ctx, downLeast+time.Duration(t.random.Int64N(int64(downMost-downLeast))))
	if err := t.cluster.nodes[i].process.Launch(); err != nil {
		return err
	}
	if err := t.cluster.serves(context.WithoutCancel(ctx), i); err != nil {
		return err
	}
	t.note(history.Ready, i, "")
	return nil
}

// stop has a node do nothing for a while, and then go on as if nothing had been:
// its timers are late, its leases over, and others may have taken its place.
func (t *trouble) stop(ctx context.Context, i int) error {
	p := t.cluster.nodes[i].process
	t.cluster.down(i)
	t.note(history.Stopped, i, "")
	if err := p.Pause(); err != nil {
		return err
	}
	pause(ctx, stopped)
	if err := p.Resume(); err != nil {
		return err
	}
	if err := t.cluster.serves(context.WithoutCancel(ctx), i); err != nil {
		return err
	}
	t.note(history.Continued, i, "")
	return nil
}

// disk has a write of a node end in the middle: no file may become longer than
// a little beyond its longest one. The process dies of it, or ends by itself.
func (t *trouble) disk(ctx context.Context, i int) error {
	p := t.cluster.nodes[i].process
	longest, err := longestFile(p.Data())
	if err != nil {
		return err
	}
	t.cluster.down(i)
	t.note(history.Troubled, i, "disk")
	limit := &unix.Rlimit{Cur: uint64(t.random.Int64N(max(longest, 1))), Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(p.PID(), unix.RLIMIT_FSIZE, limit, nil); err != nil {
		return fmt.Errorf("chaos: bounding the files of node %d: %w", i, err)
	}
	timer := time.NewTimer(noticed)
	defer timer.Stop()
	select {
	case <-p.Ended():
	case <-timer.C:
	}
	t.note(history.Killed, i, "disk") // only now the others are without it
	if err := p.Kill(); err != nil {
		return err
	}
	return t.restart(ctx, i)
}

func longestFile(dir string) (longest int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			var info fs.FileInfo
			if info, err = d.Info(); err == nil {
				longest = max(longest, info.Size())
			}
		}
		if errors.Is(err, fs.ErrNotExist) { // files come and go
			return nil
		}
		return err
	})
	return longest, err
}
