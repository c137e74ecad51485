package peers

import (
	"context"
	"crypto/x509"
	"fmt"

	"dormouse/cluster/stream"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
	"dormouse/node/certs"
)

// claim holds a node that connects, or is reached, to its certificate: it must have
// the name that the cluster knows the ID by. One that nobody knows yet is let in to
// ask what strangers may ask, and is held to its certificate there.
func (p *Peers) claim(n wire.Node, certificate *x509.Certificate) error {
	name, known := p.nameOf(n.ID)
	if !known {
		return nil
	}
	return certs.MayBe(certificate, name)
}

// claims is the stream.Claim of this node, nil where names do not count.
func (p *Peers) claims() stream.Claim {
	if p.o.AnyName || p.o.Identity == nil {
		return nil
	}
	return p.claim
}

// nameOf is the name of the node's record, or of one that has none yet what gossip
// says. Gossip comes second, for whoever has the cluster's key can gossip anything.
func (p *Peers) nameOf(n ids.Node) (string, bool) {
	if r, found, err := p.record(n); err == nil && found {
		return r.Name, true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.nodes[n]
	if m == nil {
		return "", false
	}
	return m.Name, true
}

// mayAsk lets strangers ask to join, and nothing else.
func (p *Peers) mayAsk(from ids.Node, kind byte) error {
	if p.claims() == nil || kind == kindWelcome || kind == kindHello {
		return nil
	}
	if _, known := p.nameOf(from); !known {
		return fmt.Errorf("%w: node %s is not known here yet", stream.ErrBusy, from)
	}
	return nil
}

// maySay holds a hello to the certificate of who says it. A node that is known may
// pass on that of another one, which it held to its certificate itself.
func (p *Peers) maySay(ctx context.Context, from ids.Node, hello []byte) error {
	r, err := parseHello(hello)
	certificate := stream.Certificate(ctx)
	switch {
	case err != nil:
		return err
	case p.claims() == nil || certificate == nil:
		return nil
	case from == r.ID:
		err = certs.MayBe(certificate, r.Name)
	default:
		if _, known := p.nameOf(from); !known {
			err = fmt.Errorf("node %s is not known, and says hello for another one", from)
		}
	}
	if err != nil {
		err = fmt.Errorf("peers: node %s (%s) is not taken: %w", r.Name, r.ID, err)
		p.o.Log.Warn("a hello was refused", "from", from.String(), "reason", err)
	}
	return err
}
