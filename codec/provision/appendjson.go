package provision

import "dormouse/codec/jsontext"

// AppendJSON appends the device as Parse reads it, but for its keys, which are
// left out: groups as objects, what is absent not at all.
func (d *Device) AppendJSON(dst []byte) []byte {
	dst = appendMembers(append(dst, '{'), devices, d)
	if len(d.Servers) > 0 {
		dst = append(jsontext.AppendMember(dst, serversName), '[')
		for i := range d.Servers {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendMembers(append(dst, '{'), servers, &d.Servers[i]), '}')
		}
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

// appendMembers relies on the fields of a group standing together in the table.
func appendMembers[T any](dst []byte, t *table[T], v *T) []byte {
	open := ""
	for i := range t.columns {
		c := &t.columns[i]
		s, given := c.text(v)
		if !given {
			continue
		}
		if c.Group != open {
			if open != "" {
				dst = append(dst, '}')
			}
			if open = c.Group; open != "" {
				dst = append(jsontext.AppendMember(dst, open), '{')
			}
		}
		dst = jsontext.AppendMember(dst, c.Name)
		if c.Kind == KindInteger || c.Kind == KindBoolean {
			dst = append(dst, s...)
		} else {
			dst = jsontext.AppendString(dst, s)
		}
	}
	if open != "" {
		dst = append(dst, '}')
	}
	return dst
}
