package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// object is one definition as the fact files have it.
type object struct {
	ID        uint16     `json:"id"`
	Version   string     `json:"version"`
	Name      string     `json:"name"`
	URN       string     `json:"urn"`
	LwM2M     string     `json:"lwm2m"`
	Multiple  bool       `json:"multiple"`
	Mandatory bool       `json:"mandatory"`
	Resources []resource `json:"resources"`
}

type resource struct {
	ID        uint16 `json:"id"`
	Name      string `json:"name"`
	Ops       string `json:"ops"`
	Multiple  bool   `json:"multiple"`
	Mandatory bool   `json:"mandatory"`
	Type      string `json:"type"`
	Range     string `json:"range"`
	Unit      string `json:"unit"`
}

// Compact turns fact files into objects.tsv. Objects come out in the order of
// ID and version, resources in the order of their IDs; two definitions of the
// same object version are an error.
func Compact(facts ...[]byte) ([]byte, error) {
	var objects []object
	for i, f := range facts {
		d := json.NewDecoder(bytes.NewReader(f))
		d.DisallowUnknownFields()
		var more []object
		if err := d.Decode(&more); err != nil {
			return nil, fmt.Errorf("read fact file %d: %w", i+1, err)
		}
		objects = append(objects, more...)
	}
	slices.SortStableFunc(objects, func(a, b object) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Version, b.Version))
	})
	var out []byte
	for i, o := range objects {
		if i > 0 && objects[i-1].ID == o.ID && objects[i-1].Version == o.Version {
			return nil, fmt.Errorf("object %d version %s is there twice", o.ID, o.Version)
		}
		out = appendObject(out, o)
	}
	return out, nil
}

func appendObject(dst []byte, o object) []byte {
	dst = appendLine(dst, strconv.Itoa(int(o.ID)), o.Version, o.LwM2M, flags(o.Multiple, o.Mandatory), o.Name, o.URN, "")
	slices.SortStableFunc(o.Resources, func(a, b resource) int { return cmp.Compare(a.ID, b.ID) })
	for _, r := range o.Resources {
		dst = appendLine(dst, "", strconv.Itoa(int(r.ID)), r.Ops+flags(r.Multiple, r.Mandatory), r.Type, r.Name, r.Range, r.Unit)
	}
	return dst
}

// appendLine writes the seven fields of a line. Runs of white space, which
// some ranges of the registry have, become one blank.
func appendLine(dst []byte, fields ...string) []byte {
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, '\t')
		}
		dst = append(dst, strings.Join(strings.Fields(f), " ")...)
	}
	return append(dst, '\n')
}

func flags(multiple, mandatory bool) string {
	var s string
	if multiple {
		s += "*"
	}
	if mandatory {
		s += "!"
	}
	return s
}
