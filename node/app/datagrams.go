package app

import (
	"sync"

	"dormouse/actors/endpoint"
	"dormouse/actors/intake"
	"dormouse/actors/shell"
	"dormouse/codec/wire"
	"dormouse/node/ingress"
	"dormouse/node/route"
)

// receiver gives each batch, which is of one socket, to a router or to a guard;
// readers run concurrently, so each call takes one of its own.
func (a *App) receiver() func([]ingress.In) {
	routers := sync.Pool{New: func() any {
		return &route.Router{Shell: a.shell, Key: a.env.Key, Answer: a.answer, Count: a.counts.fault}
	}}
	guard := &route.Guard{Shell: a.shell, Key: a.env.Key, Shards: a.env.Shards, Front: a.front, Count: a.counts.fault}
	return func(batch []ingress.In) {
		if isSecure(batch[0].Path) {
			guardAll(guard, batch)
			return
		}
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

func guardAll(g *route.Guard, batch []ingress.In) {
	for i := range batch {
		if batch[i].Truncated {
			g.Count(intake.Truncated)
			continue
		}
		g.Receive(batch[i].Path, batch[i].Payload)
	}
}

// answer sends one stateless answer.
func (a *App) answer(path wire.ReturnPath, payload []byte) {
	out := []ingress.Out{{Path: path, Payload: payload}}
	a.audit(out)
	_ = a.sockets.Send(out) // ErrClosed: nobody waits any more
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
	a.audit(*out)
	_ = a.sockets.Send(*out) // as in answer
	clear(*out)
	*out = (*out)[:0]
	outs.Put(out)
}

var outs = sync.Pool{New: func() any { return new([]ingress.Out) }}

// audit tells a test what leaves.
func (a *App) audit(list []ingress.Out) {
	if a.sending == nil {
		return
	}
	for _, o := range list {
		if isSecure(o.Path) {
			a.sending(o.Payload)
		}
	}
}

func (a *App) stray(d *endpoint.Datagram) []byte {
	a.counts.fault(intake.Nobodys)
	return route.Stray(d)
}
