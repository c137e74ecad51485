package filter

import "slices"

// Plan is what every object that matches must be, so that an index can find
// candidates; they are still to be matched.
type Plan struct {
	// Texts are, for a path of one name, the texts one of which must stand there:
	// none at all means that nothing matches. They hold for names under which
	// there are texts alone, such as id, type, name and lwm2mEndpoint.
	Texts map[string][]string
	// Has are names under which there must be something, in the order of the query.
	Has []string
}

// Plan reads the query's conditions that hold for every match.
func (q Query) Plan() Plan {
	if q.where == nil {
		return Plan{}
	}
	return planOf(q.where)
}

func planOf(n node) (p Plan) {
	switch n := n.(type) {
	case *comparison:
		if text, ok := n.exact(); ok && len(n.path) == 1 {
			p.Texts = map[string][]string{n.path[0]: {text}}
		}
		if n.op != opNotEqual && n.kind != Null {
			p.Has = []string{n.path[0]}
		}
	case has:
		if len(n) == 1 {
			p.Has = []string{n[0][0]}
		}
	case all:
		for _, c := range n {
			p.narrow(planOf(c))
		}
	case some:
		p = planOf(n[0])
		for _, c := range n[1:] {
			p.widen(planOf(c))
		}
	}
	return p
}

// narrow is the plan of p and q.
func (p *Plan) narrow(q Plan) {
	for name, texts := range q.Texts {
		if mine, both := p.Texts[name]; both {
			texts = slices.DeleteFunc(slices.Clone(mine), func(s string) bool { return !slices.Contains(texts, s) })
		}
		if p.Texts == nil {
			p.Texts = make(map[string][]string)
		}
		p.Texts[name] = texts
	}
	for _, name := range q.Has {
		if !slices.Contains(p.Has, name) {
			p.Has = append(p.Has, name)
		}
	}
}

// widen is the plan of p or q.
func (p *Plan) widen(q Plan) {
	for name, texts := range p.Texts {
		more, both := q.Texts[name]
		if !both {
			delete(p.Texts, name)
			continue
		}
		for _, s := range more {
			if !slices.Contains(texts, s) {
				texts = append(texts, s)
			}
		}
		p.Texts[name] = texts
	}
	p.Has = slices.DeleteFunc(p.Has, func(name string) bool { return !slices.Contains(q.Has, name) })
}
