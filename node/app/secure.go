package app

import (
	"fmt"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/actors/session"
	"dormouse/codec/dtlsrec"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
	"dormouse/node/dtlsfront"
	"dormouse/node/ingress"
)

// openFront makes handshakes possible, where there is a DTLS listener.
func (a *App) openFront(o Options) (err error) {
	if len(a.config.CoAPS) == 0 {
		return nil
	}
	options := dtlsfront.Options{
		PSK: a.psk, Send: a.answer, Commit: a.establish, MaxHalfOpen: a.config.MaxHandshakes,
		Events: a.frontEvents(), Audit: o.Audit,
	}
	if a.config.ConnectionIDs {
		options.NewCID = a.newCID
	}
	if a.front, err = dtlsfront.New(options); err != nil {
		return fmt.Errorf("app: prepare for DTLS handshakes: %w", err)
	}
	return nil
}

// psk is the key of an identity.
func (a *App) psk(identity []byte) (c dtlsfront.Credential, ok bool) {
	c.Key, c.Endpoint, c.Serial, ok = a.credentials.Lookup(identity)
	return c, ok
}

// maxCIDTries bounds the search for a Connection ID that no session has: with a
// million sessions in a shard one in 4000 is taken.
const maxCIDTries = 4

// maxShardTries bounds the search for a shard that is led here: with fewer than one
// in fifty of them the signpost may lie elsewhere, at the price of a call.
const maxShardTries = 100

// newCID makes a Connection ID of a shard that this node leads, if there is one. A
// shard that cannot be read gives whichever comes first, as does one where none is
// found: it would cut an older session off.
func (a *App) newCID() (cid ids.CID) {
	for range maxCIDTries {
		shard := ids.Shard(a.env.Random() % uint32(a.env.Shards))
		for tries := 0; tries < maxShardTries && !a.shell.Leads(shard); tries++ {
			shard = ids.Shard(a.env.Random() % uint32(a.env.Shards))
		}
		cid = a.env.Key.NewCID(shard, a.env.Random())
		sign := wire.CIDSign(cid)
		if _, taken, err := a.store.Get(shard, sign.Class, sign.Key(), nil); err != nil || !taken {
			break
		}
	}
	return cid
}

// establish takes a finished handshake to the endpoint that it was made as.
func (a *App) establish(e dtlsfront.Established, done func(error)) {
	window := dtlsrec.Window{}
	window.Accept(e.ReceivedSequence)
	s, err := session.New(session.Established{
		Secrets: e.Secrets, Identity: string(e.Identity), Local: e.LocalCID, HasLocal: e.HasCID,
		Peer: e.PeerCID, Sent: e.NextSequence, Window: window,
	})
	if err == nil {
		ev := &endpoint.Establish{Session: s, Path: e.Path, Serial: e.Serial, Reply: done}
		if a.router != nil {
			a.router.Establish(a.env.Key.Endpoint(e.Endpoint), ev)
			return
		}
		err = a.shell.Post(a.env.Key.Endpoint(e.Endpoint), ev)
	}
	if err != nil {
		done(err)
	}
}

// frontEvents count, and log at debug level: strangers make as many as they like.
func (a *App) frontEvents() dtlsfront.Events {
	return dtlsfront.Events{
		HandshakeDone: func(d dtlsfront.Done) {
			a.counts.handshakes.Add(1)
			a.counts.handshaking.Add(int64(d.Took))
			a.logger.Debug("handshake done", "peer", d.Path.Peer.String(), "endpoint", d.Endpoint,
				"suite", d.Suite.String(), "cid", d.CID, "took", d.Took.Round(time.Microsecond))
		},
		HandshakeFailed: func(f dtlsfront.Failed) {
			a.counts.failed[f.Kind].Add(1)
			a.logger.Debug("handshake failed", "peer", f.Path.Peer.String(), "kind", f.Kind.String(), "error", f.Err)
		},
		Refused: func(r dtlsfront.Refused) { a.counts.refused[r.Kind].Add(1) },
	}
}

// isSecure tells the paths of DTLS sockets.
func isSecure(path wire.ReturnPath) bool { return path.Listener >= ingress.SecureListener }
