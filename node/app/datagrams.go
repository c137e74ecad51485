package app

import (
	"sync"

	"dormouse/actors/endpoint"
	"dormouse/actors/intake"
	"dormouse/actors/shell"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
	"dormouse/node/ingress"
	"dormouse/node/route"
	"dormouse/node/waiting"
)

// receiver gives each batch, which is of one socket, to a router or to a guard;
// readers run concurrently, so each call takes one of its own.
func (a *App) receiver() func([]ingress.In) {
	routers := sync.Pool{New: func() any { return a.newRouter() }}
	guard := a.guard()
	self := a.pathNode()
	return func(batch []ingress.In) {
		port := a.sharedPort(batch[0].Path.Listener)
		for i := range batch {
			batch[i].Path.Node, batch[i].Path.Port = self, port
		}
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

func (a *App) guard() *route.Guard {
	return &route.Guard{Shell: a.shell, Key: a.env.Key, Shards: a.env.Shards, Front: a.front, Count: a.counts.fault}
}

// pathNode is the node in the return paths of what comes in here.
func (a *App) pathNode() ids.Node {
	if a.peers == nil {
		return 0
	}
	return a.self.ID
}

// sharedPort is the local port that paths of the listener tell other nodes, which
// may answer from it: 0 where they shall not.
func (a *App) sharedPort(listener uint8) uint16 {
	if a.peers == nil || !a.config.DirectEgress {
		return 0
	}
	return a.sockets.PortOf(listener)
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
	a.audit(path, payload)
	if a.sendBack(path, payload, nil) || a.sockets == nil {
		return
	}
	_ = a.sockets.Send([]ingress.Out{{Path: path, Payload: payload}}) // ErrClosed: nobody waits any more
}

// send sends what a turn of the shell set free, in one call.
func (a *App) send(list []shell.Out) {
	out := outs.Get().(*[]ingress.Out)
	for _, o := range list {
		a.audit(o.Path, o.Payload)
		if !a.sendBack(o.Path, o.Payload, o.News) {
			*out = append(*out, ingress.Out{Path: o.Path, Payload: o.Payload})
		}
	}
	if a.sockets != nil {
		_ = a.sockets.Send(*out) // as in answer
	}
	clear(*out)
	*out = (*out)[:0]
	outs.Put(out)
}

// sendBack gives a datagram to the node that has its socket, if that is another
// one, and this one has not the same (Config.DirectEgress). Where that is gone the
// datagram is lost, as on any way to the device.
func (a *App) sendBack(path wire.ReturnPath, payload []byte, news *shell.News) bool {
	if a.peers == nil || path.Node == 0 || path.Node == a.self.ID {
		if news != nil {
			a.shell.Remember(news.Sign, news.Endpoint)
		}
		return false
	}
	f := wire.Forward{Kind: wire.ToIngress, DTLS: isSecure(path), Path: path, Datagram: payload}
	if news != nil {
		f.Endpoint = news.Endpoint
		f.SetSign(news.Sign)
	}
	if a.config.DirectEgress && a.sockets != nil && a.sockets.Has(path) {
		a.counts.direct.Add(1)
		if f.Datagram = nil; news != nil {
			a.peers.Forward(path.Node, f)
		}
		return false
	}
	a.peers.Forward(path.Node, f)
	return true
}

// disowned tells the node of the path that it remembers the sign wrongly.
func (a *App) disowned(path wire.ReturnPath, sign wire.Sign) {
	f := wire.Forward{Kind: wire.ToIngress, DTLS: isSecure(path), Path: path}
	f.SetSign(sign)
	a.peers.Forward(path.Node, f)
}

// told takes the news that an answer brings, and reports that there is nothing
// else in it.
func (a *App) told(f *wire.Forward) (nothing bool) {
	nothing = len(f.Datagram) == 0
	switch {
	case f.Endpoint != 0:
		a.shell.Remember(f.Sign(), f.Endpoint)
	case nothing:
		a.shell.Forget(f.Sign())
	}
	return nothing
}

// elsewhere gives a datagram to the node that leads the shard, or lets it wait until
// there is one.
func (a *App) elsewhere(shard ids.Shard, d *endpoint.Datagram) bool {
	return a.room.Pass(shard, wire.Forward{Kind: wire.ToOwner, DTLS: d.Sealed, Hops: d.Hops, Path: d.Path, Endpoint: d.Endpoint, Hinted: d.Hinted, Datagram: d.Raw()})
}

// newRoom is where datagrams wait for a leader of their shard.
func (a *App) newRoom() *waiting.Room {
	var own *links // made by the room's goroutine, which alone uses it
	return waiting.New(waiting.Options{
		Owner:   others{a}.Owner,
		Forward: a.peers.Forward,
		Here: func(f *wire.Forward) {
			if own == nil {
				own = a.newLinks()
			}
			own.take(f)
		},
	})
}

// forwarded takes what other nodes sent: for endpoints here, or for devices that
// use a socket here. It is called by one goroutine.
func (a *App) forwarded(_ wire.Node, batch []wire.Forward) {
	if a.links == nil {
		a.links = a.newLinks()
	}
	for i := range batch {
		f := &batch[i]
		switch {
		case f.Kind == wire.ToIngress && (f.Path.Node == a.self.ID || f.Path.Node == 0):
			if a.told(f) {
				continue
			}
			a.links.out = append(a.links.out, ingress.Out{Path: f.Path, Payload: f.Datagram})
		case f.Kind == wire.ToIngress: // nobody sends it on: the path is stale
		default:
			a.links.take(f)
		}
	}
	if len(a.links.out) > 0 && a.sockets != nil {
		_ = a.sockets.Send(a.links.out) // as in answer
	}
	clear(a.links.out)
	a.links.out = a.links.out[:0]
}

// links is what takes forwarded datagrams, and those that have waited. One goroutine
// uses it.
type links struct {
	router *route.Router
	guard  *route.Guard
	out    []ingress.Out
}

func (a *App) newLinks() *links {
	return &links{router: a.newRouter(), guard: a.guard()}
}

// take brings a datagram to its endpoint.
func (l *links) take(f *wire.Forward) {
	if f.DTLS {
		l.guard.Forwarded(f)
	} else {
		l.router.Forwarded(f)
	}
}

func (a *App) newRouter() *route.Router {
	return &route.Router{Shell: a.shell, Key: a.env.Key, Answer: a.answer, Count: a.counts.fault}
}

var outs = sync.Pool{New: func() any { return new([]ingress.Out) }}

// audit tells a test what leaves.
func (a *App) audit(path wire.ReturnPath, payload []byte) {
	if a.sending != nil && isSecure(path) {
		a.sending(payload)
	}
}

func (a *App) stray(d *endpoint.Datagram) []byte {
	a.counts.fault(intake.Nobodys)
	return route.Stray(d)
}
