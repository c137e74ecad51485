package model

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"dormouse/codec/lwm2m"
)

// objectsTSV are the built-in definitions in the form of
// docs/formats/objects.md. Names alias it: they cost no heap.
//
//go:embed objects.tsv
var objectsTSV string

var core = sync.OnceValue(func() *Registry {
	objects, err := parseTSV(objectsTSV)
	if err != nil {
		panic(err) // our own file; a test reads it
	}
	return NewRegistry(objects...)
})

// Core is the built-in registry. The first call decodes it, in about a
// millisecond; all later ones return the same Registry.
func Core() *Registry { return core() }

// parseTSV reads the generated file.
func parseTSV(s string) ([]*Object, error) {
	var out []*Object
	line := 0
	for text := range strings.Lines(s) {
		line++
		f := strings.Split(strings.TrimSuffix(text, "\n"), "\t")
		if len(f) != 7 {
			return nil, fmt.Errorf("model: objects.tsv line %d: %d fields", line, len(f))
		}
		var err error
		switch {
		case f[0] != "":
			var o *Object
			o, err = parseObjectLine(f)
			out = append(out, o)
		case len(out) == 0:
			err = fmt.Errorf("resource without object")
		default:
			o := out[len(out)-1]
			var r Resource
			r, err = parseResourceLine(f)
			o.Resources = append(o.Resources, r)
		}
		if err != nil {
			return nil, fmt.Errorf("model: objects.tsv line %d: %w", line, err)
		}
	}
	return out, nil
}

// parseObjectLine reads `id version enabler flags name urn` and an empty field.
func parseObjectLine(f []string) (*Object, error) {
	id, err := strconv.ParseUint(f[0], 10, 16)
	if err != nil {
		return nil, err
	}
	o := &Object{ID: uint16(id), Name: f[4], URN: f[5]}
	if o.Version, err = lwm2m.ParseVersion(f[1]); err != nil {
		return nil, err
	}
	if o.LwM2MVersion, err = lwm2m.ParseVersion(f[2]); err != nil {
		return nil, err
	}
	o.Multiple, o.Mandatory = parseFlags(f[3])
	return o, nil
}

// parseResourceLine reads an empty field and `id operations+flags type name range units`.
func parseResourceLine(f []string) (Resource, error) {
	id, err := strconv.ParseUint(f[1], 10, 16)
	if err != nil {
		return Resource{}, err
	}
	r := Resource{ID: uint16(id), Name: f[4], Range: f[5], Units: f[6]}
	operations, ok := ParseOperations(strings.TrimRight(f[2], "*!"))
	if !ok {
		return Resource{}, fmt.Errorf("operations %q", f[2])
	}
	r.Operations = operations
	r.Multiple, r.Mandatory = parseFlags(f[2])
	r.Type, err = lwm2m.ParseKind(f[3])
	return r, err
}

// parseFlags reads * for multiple and ! for mandatory.
func parseFlags(s string) (multiple, mandatory bool) {
	return strings.Contains(s, "*"), strings.Contains(s, "!")
}
