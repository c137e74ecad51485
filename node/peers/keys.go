package peers

import (
	"context"
	"fmt"
	"time"
)

// SetKeys replaces the keys of gossip and datagrams: the first seals, all open. A
// rotation takes three steps, each at all nodes before the next: old, new; new,
// old; new.
func (p *Peers) SetKeys(keys [][]byte) error {
	ring, err := p.ring(keys)
	if err != nil {
		return err
	}
	if err := p.members.SetKeys(keys); err != nil {
		return err
	}
	p.link.SetRing(ring)
	return nil
}

// reloading is what one node is given to read its files anew.
const reloading = 5 * time.Second

// ReloadAll lets every node that is there read its files anew, this one first.
// What went wrong at which node is returned by its name; nothing: all is well.
func (p *Peers) ReloadAll(ctx context.Context) map[string]string {
	faults := map[string]string{}
	if err := p.o.Reload(); err != nil {
		faults[p.o.Name] = err.Error()
	}
	for _, n := range p.Others() {
		one, cancel := context.WithTimeout(ctx, reloading)
		_, err := p.mesh.Call(one, n, kindReload, nil)
		cancel()
		if err != nil {
			p.mu.Lock()
			faults[p.nodes[n].Name] = fmt.Sprint(err)
			p.mu.Unlock()
		}
	}
	return faults
}
