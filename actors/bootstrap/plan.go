package bootstrap

import (
	"hash/fnv"
	"slices"

	"dormouse/codec/coap"
	"dormouse/codec/lwm2m"
)

// step is one request of a session. The order of steps is that of OMA Core 6.1.7.
type step struct {
	method coap.Code // POST is Finish; GET of the root is Discover
	path   lwm2m.Path
	nodes  []lwm2m.Node // of a Write
}

// plan is what a session asks, in order. It follows from its arguments alone, so a
// session that is taken up again goes on in the same plan.
type plan struct {
	steps   []step  // the first is Discover, the last Finish
	account *uint16 // instance of /0 that is the bootstrap account, nil: unknown
}

// newPlan decides what must go, and where what is written goes. known are accounts that
// an earlier Discover showed, which count where this one says nothing of them.
func newPlan(c *Config, f *found, known []uint16) *plan {
	n := number(c, f, known, 1)
	p := &plan{account: n.account}
	p.add(coap.GET, lwm2m.Path{}, nil)
	for _, path := range deletions(f) {
		p.add(coap.DELETE, path, nil)
	}
	for i := range c.Servers {
		s := &c.Servers[i]
		at := lwm2m.NewPath(objectSecurity, n.servers[i])
		p.add(coap.PUT, at, securityNodes(at, s.URI, false, &s.Security, s.ShortID))
	}
	if a := &c.Account; a.Rewrite {
		// Behind the servers: a device that takes it up at once has all else by then.
		at := lwm2m.NewPath(objectSecurity, *n.account)
		p.add(coap.PUT, at, securityNodes(at, a.URI, true, &a.Security, a.ShortID))
	}
	for i := range c.Servers {
		at := lwm2m.NewPath(objectServer, uint16(i))
		p.add(coap.PUT, at, serverNodes(at, &c.Servers[i], f.version))
	}
	access := accessRules(c, f)
	for i, r := range access {
		at := lwm2m.NewPath(objectAccess, uint16(i))
		p.add(coap.PUT, at, r.nodes(at))
	}
	if c.ReadBack {
		p.add(coap.GET, lwm2m.NewPath(objectServer), nil)
		if len(access) > 0 {
			p.add(coap.GET, lwm2m.NewPath(objectAccess), nil)
		}
	}
	p.add(coap.POST, lwm2m.Path{}, nil)
	return p
}

func (p *plan) add(method coap.Code, path lwm2m.Path, nodes []lwm2m.Node) {
	p.steps = append(p.steps, step{method, path, nodes})
}

// digest tells plans apart by what they ask where, without any value.
func (p *plan) digest() uint32 {
	h := fnv.New32a()
	for _, s := range p.steps {
		h.Write([]byte{byte(s.method)})
		h.Write(lwm2m.AppendPath(nil, s.path))
	}
	return h.Sum32()
}

// deletions are what must go. A device that lists its instances is asked for each of
// /0 by itself, so that its account depends on nobody's care. One that does not keeps
// its account when the object is deleted (OMA Core 6.1.7.5). Nothing else of the device
// is deleted: "DELETE /" would take objects that are no business of a bootstrap.
func deletions(f *found) (paths []lwm2m.Path) {
	if !f.answered {
		return []lwm2m.Path{lwm2m.NewPath(objectSecurity), lwm2m.NewPath(objectServer), lwm2m.NewPath(objectAccess)}
	}
	for _, instance := range f.security {
		paths = append(paths, lwm2m.NewPath(objectSecurity, instance))
	}
	if f.server {
		paths = append(paths, lwm2m.NewPath(objectServer))
	}
	if f.access {
		paths = append(paths, lwm2m.NewPath(objectAccess))
	}
	return paths
}

// numbers are instances of /0.
type numbers struct {
	servers []uint16
	account *uint16 // nil: unknown
}

// number gives each server the first free instance of /0 from the offset on, that is no
// account. Where the account's place is not known, many clients have it at 0 and some
// at 1: then the offset counts, or else unknown. An account that is to be written again
// stays where it is, or takes the offset (0 if there is none).
func number(c *Config, f *found, known []uint16, unknown uint16) (n numbers) {
	accounts := f.accounts
	if len(accounts) == 0 {
		accounts = known
	}
	taken := slices.Clone(accounts)
	next, offset := uint16(0), uint16(0)
	if len(f.accounts) == 0 {
		next = unknown
	}
	if c.Offset != nil {
		next, offset = *c.Offset, *c.Offset
	}
	switch {
	case len(accounts) > 0:
		account := accounts[0]
		n.account = &account
	case c.Account.Rewrite:
		n.account = &offset
		taken = append(taken, offset)
	}
	for range c.Servers {
		for slices.Contains(taken, next) {
			next++
		}
		n.servers = append(n.servers, next)
		next++
	}
	return n
}

// packNodes is the whole configuration, for a Bootstrap-Pack: all but the account. acc
// are the accounts that the device named; where it named none and none is known, both
// places where clients have it are kept clear.
func packNodes(c *Config, acc, known []uint16) (nodes []lwm2m.Node, n numbers) {
	f := found{accounts: acc}
	if len(acc) == 0 {
		f.accounts = known
	}
	plain := *c
	plain.Account.Rewrite = false
	n = number(&plain, &f, nil, 2)
	for i := range c.Servers {
		s := &c.Servers[i]
		at := lwm2m.NewPath(objectSecurity, n.servers[i])
		nodes = append(nodes, securityNodes(at, s.URI, false, &s.Security, s.ShortID)...)
	}
	for i := range c.Servers {
		nodes = append(nodes, serverNodes(lwm2m.NewPath(objectServer, uint16(i)), &c.Servers[i], lwm2m.V1_2)...)
	}
	for i, r := range accessRules(c, &f) {
		nodes = append(nodes, r.nodes(lwm2m.NewPath(objectAccess, uint16(i)))...)
	}
	return nodes, n
}
