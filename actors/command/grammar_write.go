package command

import (
	"strconv"
	"strings"

	"dormouse/codec/lwm2m"
)

// anyInstance stands for the instance ID that the client chooses on Create.
const anyInstance = lwm2m.MaxID

// write reads [-r], a path, and a value, or the JSON object of an instance.
func (s *scanner) write(l *Line) (err error) {
	if l.Replace, err = s.flag("-r"); err != nil {
		return err
	}
	if err = s.onePath(l, 2, 4); err != nil {
		return err
	}
	if l.Paths[0].IsInstance() {
		return s.instance(l)
	}
	v, err := s.value(l.Paths[0], true)
	l.Values = []Value{v}
	return err
}

// instance reads the resource values of a Write to an instance.
func (s *scanner) instance(l *Line) error {
	if err := s.blanks(); err != nil {
		return err
	}
	at := s.pos
	members, err := s.object(2)
	if err != nil {
		return err
	}
	if len(members) == 0 && !l.Replace {
		return s.fail(at, "expected at least one resource to update")
	}
	for _, m := range members {
		if err := s.resource(l, l.Paths[0], m); err != nil {
			return err
		}
	}
	return nil
}

// create reads an object's path and the values of the new instance.
func (s *scanner) create(l *Line) error {
	if err := s.onePath(l, 1, 1); err != nil {
		return err
	}
	l.Instance = l.Paths[0].Child(anyInstance)
	if err := s.blanks(); err != nil || s.atEnd() {
		return err
	}
	members, err := s.object(2)
	if err != nil {
		return err
	}
	for _, m := range members {
		if m.name != "id" {
			continue
		}
		id, err := strconv.ParseUint(m.item.text, 10, 16)
		if err != nil || id == anyInstance || m.item.kind != lwm2m.KindInteger {
			return s.fail(m.item.at, "expected an instance ID of 0 to 65534")
		}
		l.Instance = l.Paths[0].Child(uint16(id))
	}
	for _, m := range members {
		if m.name == "id" {
			continue
		}
		if err := s.resource(l, l.Instance, m); err != nil {
			return err
		}
	}
	return nil
}

// resource takes one member of an instance: "r", "r/ri", or an object of the
// resource's instances.
func (s *scanner) resource(l *Line, instance lwm2m.Path, m member) error {
	p, ok := below(instance, m.name)
	if !ok {
		return s.fail(m.nameAt, "expected a resource ID such as \"5700\", found %q", shown(m.name))
	}
	if m.item.object && p.IsResource() {
		return s.instances(l, p, m.item)
	}
	return s.scalar(l, p, m.item)
}

// instances takes the instances of a multiple resource.
func (s *scanner) instances(l *Line, p lwm2m.Path, it item) error {
	if len(it.members) == 0 {
		return s.add(l, Value{Path: p, Empty: true, offset: it.at - s.start})
	}
	for _, m := range it.members {
		q, ok := below(p, m.name)
		if !ok {
			return s.fail(m.nameAt, "expected a resource instance ID such as \"0\", found %q", shown(m.name))
		}
		if err := s.scalar(l, q, m.item); err != nil {
			return err
		}
	}
	return nil
}

func (s *scanner) scalar(l *Line, p lwm2m.Path, it item) error {
	if it.kind == lwm2m.KindNone {
		return s.fail(it.at, "expected a string, a number, true or false for %s", p)
	}
	return s.add(l, Value{Path: p, Text: it.text, Kind: it.kind, offset: it.at - s.start})
}

// add refuses a path that has a value already.
func (s *scanner) add(l *Line, v Value) error {
	if s.written[v.Path] {
		return s.fail(s.start+v.offset, "expected one value for %s, found another", v.Path)
	}
	if s.written == nil {
		s.written = map[lwm2m.Path]bool{}
	}
	s.written[v.Path] = true
	l.Values = append(l.Values, v)
	return nil
}

// below reads the IDs of a name and puts them under a path.
func below(p lwm2m.Path, name string) (lwm2m.Path, bool) {
	if name == "" || name[0] == '/' || strings.HasSuffix(name, "/") {
		return p, false
	}
	rel, err := lwm2m.ParsePath(name)
	if err != nil || p.Len()+rel.Len() > 4 {
		return p, false
	}
	for i := range rel.Len() {
		p = p.Child(rel.ID(i))
	}
	return p, true
}

// writeComposite reads pairs of path and value.
func (s *scanner) writeComposite(l *Line) error {
	for {
		p, err := s.path(3, 4)
		if err != nil {
			return err
		}
		v, err := s.value(p, false)
		if err != nil {
			return err
		}
		if err := s.add(l, v); err != nil {
			return err
		}
		if l.Paths = append(l.Paths, p); len(l.Paths) > maxPaths {
			return s.fail(s.pos, "expected at most %d paths", maxPaths)
		}
		if err := s.blanks(); err != nil || s.atEnd() {
			return err
		}
	}
}
