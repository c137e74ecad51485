package provision

import "strings"

// Template is a CSV file to fill in: a header and an example, parted by
// semicolons. known is false for a kind other than nosec, psk and full.
func Template(kind string) (text []byte, known bool) {
	var names, cells []string
	for i := range devices.columns {
		f := &devices.columns[i].Field
		if example, in := f.template(kind); in {
			names, cells = append(names, f.Column), append(cells, example)
		}
	}
	if len(names) == 0 {
		return nil, false
	}
	return []byte(strings.Join(names, ";") + "\r\n" + strings.Join(cells, ";") + "\r\n"), true
}

// template is what a template has of a field: those with examples in that of all
// fields, those that somebody needs in the others.
func (f *Field) template(kind string) (example string, in bool) {
	switch kind {
	case "full":
		return f.Example, f.Example != ""
	case "psk":
		return f.Example, f.Need != NeedNever && f.Need != NeedLater
	case "nosec":
		switch {
		case f.Kind == KindChoice:
			example = string(NoSec)
		case f.Kind == KindURI:
			example = strings.NewReplacer("coaps://", "coap://", ":5784", ":5783").Replace(f.Example)
		default:
			example = f.Example
		}
		return example, f.Need == NeedAlways || f.Need == NeedBootstrap
	}
	return "", false
}
