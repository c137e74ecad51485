package app

import (
	"sync"

	"dormouse/actors/endpoint"
	"dormouse/actors/shell"
	"dormouse/codec/wire"
	"dormouse/node/ingress"
	"dormouse/node/route"
)

// receiver gives each batch to a router; readers run concurrently, so each
// call takes a router of its own.
func (a *App) receiver() func([]ingress.In) {
	routers := sync.Pool{New: func() any {
		return &route.Router{Shell: a.shell, Key: a.env.Key, Answer: a.answer, Count: a.counts.fault}
	}}
	return func(batch []ingress.In) {
		r := routers.Get().(*route.Router)
		for i := range batch {
			if batch[i].Truncated {
				r.TooLong(batch[i].Path, batch[i].Payload)
				continue
			}
			r.Receive(batch[i].Path, batch[i].Payload)
		}
		routers.Put(r)
	}
}

// answer sends one stateless answer.
func (a *App) answer(path wire.ReturnPath, payload []byte) {
	_ = a.sockets.Send([]ingress.Out{{Path: path, Payload: payload}}) // ErrClosed: nobody waits any more
}

// send sends what a turn of the shell set free, in one call.
func (a *App) send(list []shell.Out) {
	if a.sockets == nil {
		return
	}
	out := outs.Get().(*[]ingress.Out)
	for _, o := range list {
		*out = append(*out, ingress.Out(o))
	}
	_ = a.sockets.Send(*out) // as in answer
	clear(*out)
	*out = (*out)[:0]
	outs.Put(out)
}

var outs = sync.Pool{New: func() any { return new([]ingress.Out) }}

func (a *App) stray(d *endpoint.Datagram) []byte {
	a.counts.fault(route.Nobodys)
	return route.Stray(d)
}
