package provider

import (
	"sync"

	"github.com/asynkron/protoactor-go/actor"
)

// window remembers calls, so that none is served twice. Of each life of a caller
// it knows the calls that are being served, the answers to the last, and the
// highest count among those whose answers it has dropped: what is not above
// that, and not remembered, may have been served before.
type window struct {
	most, mostBytes int

	mu    sync.Mutex
	lives map[uint64]*callerLife
	order []uint64 // lives by their first call
	done  []ID     // answered calls, the oldest first, from head on
	head  int
	bytes int // of answers
}

type callerLife struct {
	floor uint64
	calls map[uint64]*visit
}

// visit is one call. The answer goes to whoever asked last.
type visit struct {
	from   *actor.PID
	answer []byte // nil while it is served
}

// maxLives bounds the lives of callers that are remembered.
const maxLives = 4096

func newWindow(most, mostBytes int) *window {
	return &window{most: most, mostBytes: mostBytes, lives: map[uint64]*callerLife{}}
}

type verdict int

const (
	serve  verdict = iota // it is new: finish or cancel must follow
	again                 // it was answered: with the answer that is returned
	served                // it is being served, and will be answered
	stale                 // it is too old to tell
)

func (w *window) begin(id ID, from *actor.PID) (verdict, []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	life := w.life(id.Life)
	if v := life.calls[id.Count]; v != nil {
		v.from = from
		if v.answer == nil {
			return served, nil
		}
		return again, v.answer
	}
	if id.Count <= life.floor {
		return stale, nil
	}
	life.calls[id.Count] = &visit{from: from}
	return serve, nil
}

// life is the caller's, remembered from now on. The oldest that waits for no
// answer makes room.
func (w *window) life(id uint64) *callerLife {
	if life := w.lives[id]; life != nil {
		return life
	}
	if len(w.order) >= maxLives {
		w.forget()
	}
	life := &callerLife{calls: map[uint64]*visit{}}
	w.lives[id] = life
	w.order = append(w.order, id)
	return life
}

func (w *window) forget() {
	for i, id := range w.order {
		if len(w.lives[id].calls) == 0 {
			delete(w.lives, id)
			w.order = append(w.order[:i], w.order[i+1:]...)
			return
		}
	}
}

// cancel forgets a call that was not served after all.
func (w *window) cancel(id ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if life := w.lives[id.Life]; life != nil {
		delete(life.calls, id.Count)
	}
}

// finish remembers the answer, and tells who waits for it.
func (w *window) finish(id ID, answer []byte) *actor.PID {
	w.mu.Lock()
	defer w.mu.Unlock()
	v := w.lives[id.Life].calls[id.Count]
	v.answer = answer
	w.done = append(w.done, id)
	w.bytes += len(answer)
	for len(w.done)-w.head > w.most || w.bytes > w.mostBytes {
		w.drop()
	}
	return v.from
}

// drop forgets the oldest answer.
func (w *window) drop() {
	id := w.done[w.head]
	w.head++
	if w.head >= w.most {
		w.done = append(w.done[:0], w.done[w.head:]...)
		w.head = 0
	}
	life := w.lives[id.Life]
	w.bytes -= len(life.calls[id.Count].answer)
	life.floor = max(life.floor, id.Count)
	delete(life.calls, id.Count)
}
