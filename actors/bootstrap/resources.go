package bootstrap

import (
	"slices"

	"dormouse/codec/lwm2m"
)

// securityNodes are all mandatory resources of an instance of /0 (OMA Core E.1), the
// unused ones empty: some clients refuse an instance without them.
func securityNodes(at lwm2m.Path, uri string, bootstrap bool, s *Security, shortID uint16) []lwm2m.Node {
	identity, key := "", []byte(nil)
	if s.Mode == PSK {
		identity, key = s.Identity, s.Key.Reveal()
	}
	nodes := []lwm2m.Node{
		{Path: at.Child(0), Value: lwm2m.String(uri)},
		{Path: at.Child(1), Value: lwm2m.Boolean(bootstrap)},
		{Path: at.Child(2), Value: lwm2m.Integer(int64(s.Mode))},
		{Path: at.Child(3), Value: lwm2m.Opaque([]byte(identity))},
		{Path: at.Child(4), Value: lwm2m.Opaque(s.ServerKey)},
		{Path: at.Child(5), Value: lwm2m.Opaque(key)},
	}
	if shortID != 0 {
		nodes = append(nodes, lwm2m.Node{Path: at.Child(10), Value: lwm2m.Integer(int64(shortID))})
	}
	return nodes
}

// serverNodes are an instance of /1 (OMA Core E.2).
func serverNodes(at lwm2m.Path, s *Server, version lwm2m.Version) []lwm2m.Node {
	nodes := []lwm2m.Node{
		{Path: at.Child(0), Value: lwm2m.Integer(int64(s.ShortID))},
		{Path: at.Child(1), Value: lwm2m.Integer(s.Lifetime)},
	}
	number := func(resource uint16, v *int64) {
		if v != nil {
			nodes = append(nodes, lwm2m.Node{Path: at.Child(resource), Value: lwm2m.Integer(*v)})
		}
	}
	number(2, s.MinPeriod)
	number(3, s.MaxPeriod)
	number(5, s.DisableTimeout)
	store := s.StoreNotifications == nil || *s.StoreNotifications
	return append(nodes,
		lwm2m.Node{Path: at.Child(6), Value: lwm2m.Boolean(store)},
		lwm2m.Node{Path: at.Child(7), Value: lwm2m.String(binding(s.Binding, version))})
}

// binding is what is configured; else U, with queue mode where that is a binding of the
// device's version (1.0): operations are queued whatever it says.
func binding(configured string, version lwm2m.Version) string {
	switch {
	case configured != "":
		return configured
	case version == lwm2m.V1_0:
		return "UQ"
	}
	return "U"
}

// rule is an instance of /2: who may do what with an object instance.
type rule struct {
	target lwm2m.Path // object instance
	who    uint16     // short server ID, 0 for all
	rights int64
	owner  uint16
}

// Rights of /2/x/2 (OMA Core E.3).
const (
	rightsOwn  = 1 | 2 | 4            // Read, Write, Execute
	rightsAll  = 1 | 2 | 4 | 8 | 16   // and Delete, Create
	ownerNone  = uint16(lwm2m.MaxID)  // none but the bootstrap server changes it
	everybody  = uint16(0)            // the default of those that have no entry
	accessCore = uint16(objectDevice) // what every device has
)

// accessRules are needed where there is more than one server (OMA Core 8.1): what the
// servers share is open to all of them, and each has its own instance of /1.
func accessRules(c *Config, f *found) (rules []rule) {
	if len(c.Servers) < 2 {
		return nil
	}
	open := slices.Clone(f.shared)
	if device := lwm2m.NewPath(accessCore, 0); !slices.Contains(open, device) {
		open = slices.Insert(open, 0, device)
	}
	for _, target := range open {
		rules = append(rules, rule{target, everybody, rightsAll, ownerNone})
	}
	for i := range c.Servers {
		id := c.Servers[i].ShortID
		rules = append(rules, rule{lwm2m.NewPath(objectServer, uint16(i)), id, rightsOwn, id})
	}
	return rules
}

func (r rule) nodes(at lwm2m.Path) []lwm2m.Node {
	return []lwm2m.Node{
		{Path: at.Child(0), Value: lwm2m.Integer(int64(r.target.Object()))},
		{Path: at.Child(1), Value: lwm2m.Integer(int64(r.target.Instance()))},
		{Path: at.Child(2).Child(r.who), Value: lwm2m.Integer(r.rights)},
		{Path: at.Child(3), Value: lwm2m.Integer(int64(r.owner))},
	}
}
